// SPDX-License-Identifier: Apache-2.0
// Times in which alerts are recorded and not told: maintenance of a twin, a shelved rule.
#include "bridge/http/api/door.hpp"
#include "domain/base/time.hpp"

namespace pollux::bridge::http {

namespace {

/// The silence of the twin's `list` that ends at `until` and bears these words, or null.
json silence_in(const std::string& twin, const char* list, const messages::alert_action& order) {
  const auto document = parse_document(twin);
  if (!document.is_object() || !document.contains(list)) return {};
  json found;
  for (const auto& one : document[list])
    if (one.value("until", json()) == json(format_rfc3339(order.until_ns)) &&
        (order.rule.empty() ? one.value("reason", "") == order.detail
                            : one.value("rule", "") == order.rule))
      found = one; // the newest comes last
  return found;
}

/// Orders it, and answers with the silence that came of it.
void order_silence(const door_pointer& to, const messages::alert_action& order, const char* list,
                   const responder& respond) {
  ask<messages::alert_action>(to->node, order, [=](result<messages::done> done) {
    if (!done) return respond(problem(done.error()));
    ask<messages::twin_query>(to->node, {order.twin}, [=](result<messages::twin_answer> twin) {
      if (!twin) return respond(problem(twin.error()));
      auto silence = silence_in(twin->document, list, order);
      if (silence.is_null())
        return respond(problem(409, "it was ended again before it could be shown"));
      const auto id = silence.value("id", "");
      json out{{"twin", order.twin}};
      out.update(silence);
      auto reply = json_reply(out, order.rule.empty() ? 201 : 200);
      if (order.rule.empty())
        reply.headers.emplace_back("Location", twin_path(order.twin) + "/maintenance/" +
                                                   percent_encode(id, true));
      respond(std::move(reply));
    });
  });
}

void start_maintenance(const door_pointer& to, const request& r, const responder& respond) {
  const auto document = body_of(r, respond);
  if (!document) return;
  body_reader body(*document);
  messages::alert_action order;
  order.twin = id_of(r);
  order.verb = "start_maintenance";
  order.by = r.who.name;
  order.detail = body.text("reason");
  order.until_ns = body.end(to->now());
  if (const auto from = body.time("from"); from && *from > to->now())
    body.complain("from", "maintenance begins when it is ordered; plans belong in the model");
  if (auto wrong = body.refusal()) return respond(std::move(*wrong));
  order_silence(to, order, "maintenance", respond);
}

void stop_maintenance(const door_pointer& to, const request& r, const responder& respond) {
  messages::alert_action order;
  order.twin = id_of(r);
  order.verb = "stop_maintenance";
  order.incident = std::string(r.parameter("maintenance"));
  order.by = r.who.name;
  answer(to, order, respond, [](const messages::done&) { return no_content(); });
}

void shelve(const door_pointer& to, const request& r, const responder& respond) {
  const auto document = body_of(r, respond);
  if (!document) return;
  body_reader body(*document);
  messages::alert_action order;
  order.twin = id_of(r);
  order.verb = "shelve";
  order.rule = std::string(r.parameter("rule"));
  order.by = r.who.name;
  order.detail = body.text("comment");
  order.until_ns = body.end(to->now());
  if (auto wrong = body.refusal()) return respond(std::move(*wrong));
  order_silence(to, order, "shelved", respond);
}

void unshelve(const door_pointer& to, const request& r, const responder& respond) {
  messages::alert_action order;
  order.twin = id_of(r);
  order.verb = "unshelve";
  order.rule = std::string(r.parameter("rule"));
  order.by = r.who.name;
  if (!r.body.empty()) {
    const auto document = body_of(r, respond);
    if (!document) return;
    body_reader body(*document);
    order.detail = body.text("comment");
    if (auto wrong = body.refusal()) return respond(std::move(*wrong));
  }
  answer(to, order, respond, [](const messages::done&) { return no_content(); });
}

} // namespace

void add_silence_routes(route_table& to, const door_pointer& from) {
  const std::string twin = "/api/v1/twins/{id}";
  const auto add = [&](const char* method, const std::string& path, operation run, repeat again) {
    to.push_back({method, twin + path, role::operator_, reach::twin, bound(from, run), again});
  };
  add("POST", "/maintenance", start_maintenance, repeat::first_answer);
  add("DELETE", "/maintenance/{maintenance}", stop_maintenance, repeat::nothing);
  add("POST", "/rules/{rule}/shelve", shelve, repeat::first_answer);
  add("POST", "/rules/{rule}/unshelve", unshelve, repeat::first_answer);
}

} // namespace pollux::bridge::http
