// SPDX-License-Identifier: Apache-2.0
// Alerts of all twins, one with its evidence, what operators do to it, and the second opinion.
#include "bridge/http/api/cursor.hpp"
#include "bridge/http/api/door.hpp"

namespace pollux::bridge::http {

namespace {

void list(const door_pointer& to, const request& r, const responder& respond) {
  query_reader q(r);
  messages::alert_list_query query;
  query.glob = q.text("twin", "*");
  query.active_only = q.flag("active", true);
  query.state = q.choice("state", "",
                         {"active", "acknowledged", "latched", "flapping", "snoozed", "shelved",
                          "suppressed", "maintenance", "cleared", "emitted", "retracted", "ended"});
  query.severity = q.choice("severity", "", {"info", "warning", "critical"});
  query.rule = q.text("rule");
  query.limit = q.number("limit", 100, 1, messages::max_page);
  const auto list = "alerts " + query.glob + " " + (query.active_only ? "1 " : "0 ") + query.state +
                    " " + query.severity + " " + query.rule;
  query.after = q.cursor(list);
  if (auto wrong = q.refusal()) return respond(std::move(*wrong));
  answer(
      to, std::move(query), respond,
      [r, list](const messages::alert_list& page) {
        json items = json::array();
        for (const auto& row : page.rows) {
          if (!r.who.may(role::viewer, row.twin)) continue;
          auto document = parse_document(row.document);
          if (!document.is_object()) continue;
          if (document.contains("transitions"))
            document["transitions"] = document["transitions"].size();
          items.push_back(std::move(document));
        }
        return page_reply(r, {{"items", std::move(items)}},
                          page.next.empty() ? "" : seal_cursor(list, page.next));
      },
      past_timeout_ns);
}

messages::alert_query named(const request& r) {
  return {std::string(r.parameter("twin")), std::string(r.parameter("incident"))};
}

void show(const door_pointer& to, const messages::alert_query& which, const responder& respond) {
  answer(
      to, which, respond,
      [](messages::alert_answer a) { return document_reply(std::move(a.document)); },
      past_timeout_ns);
}

void get(const door_pointer& to, const request& r, const responder& respond) {
  query_reader q(r);
  if (auto wrong = q.refusal()) return respond(std::move(*wrong));
  show(to, named(r), respond);
}

/// The body of an action: all members may be absent, and so may the body.
std::optional<json> action_body(const request& r, const responder& respond) {
  return r.body.empty() ? std::optional(json(json::object())) : body_of(r, respond);
}

void acknowledge(const door_pointer& to, const request& r, const responder& respond) {
  const auto document = action_body(r, respond);
  if (!document) return;
  body_reader body(*document);
  const auto comment = body.text("comment");
  if (auto wrong = body.refusal()) return respond(std::move(*wrong));
  const auto which = named(r);
  answer(to, messages::alert_acknowledge{which.twin, which.incident, r.who.name, comment}, respond,
         [](messages::alert_answer a) { return document_reply(std::move(a.document)); });
}

/// One of clear, reset, snooze, assign, comment: answered with the alert as it is then.
void act(const door_pointer& to, const request& r, const responder& respond, const char* verb) {
  const auto document = action_body(r, respond);
  if (!document) return;
  body_reader body(*document);
  const std::string_view what = verb;
  const auto which = named(r);
  messages::alert_action order;
  order.twin = which.twin;
  order.incident = which.incident;
  order.verb = verb;
  order.by = r.who.name;
  order.detail = what == "assign" ? body.text("to") : body.text("comment", what == "comment");
  if (what == "snooze") order.until_ns = body.end(to->now());
  if (auto wrong = body.refusal()) return respond(std::move(*wrong));
  ask<messages::alert_action>(to->node, order, [to, which, respond](result<messages::done> done) {
    if (!done) return respond(problem(done.error()));
    show(to, which, respond);
  });
}

void verify(const door_pointer& to, const request& r, const responder& respond) {
  const auto which = named(r);
  answer(
      to, messages::alert_verify{which.twin, which.incident}, respond,
      [](messages::alert_verified a) { return document_reply(std::move(a.document)); },
      past_timeout_ns);
}

} // namespace

void add_alert_routes(route_table& to, const door_pointer& from) {
  const std::string one = "/api/v1/alerts/{twin}/{incident}";
  to.push_back({"GET", "/api/v1/alerts", role::viewer, reach::somewhere, bound(from, list)});
  to.push_back({"GET", one, role::viewer, reach::twin, bound(from, get)});
  to.push_back({"POST", one + "/acknowledge", role::operator_, reach::twin,
                bound(from, acknowledge), repeat::first_answer});
  for (const char* verb : {"clear", "reset", "snooze", "assign", "comment"})
    to.push_back(
        {"POST", one + "/" + verb, role::operator_, reach::twin,
         [from, verb](const request& r, const responder& respond) { act(from, r, respond, verb); },
         repeat::first_answer});
  to.push_back({"POST", one + "/verify", role::viewer, reach::twin, bound(from, verify),
                repeat::first_answer});
}

} // namespace pollux::bridge::http
