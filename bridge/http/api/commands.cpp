// SPDX-License-Identifier: Apache-2.0
// Commands: 202 with the place of their fate, or with "Prefer: wait=5" the fate itself. Waiting is
// asking again on a timer, not a thread.
#include "bridge/http/api/door.hpp"
#include "bridge/http/api/prefer.hpp"
#include "domain/base/time.hpp"
#include "messages/observability/trace_context.hpp"
#include <cstdio>
#include <random>

namespace pollux::bridge::http {

namespace {

constexpr std::int64_t first_pause_ns = 20 * ns_per_ms, longest_pause_ns = 250 * ns_per_ms;

std::string random_id() {
  std::random_device source;
  char text[40];
  std::snprintf(text, sizeof text, "http-%08x%08x", source(), source());
  return text;
}

bool finished(const messages::command_answer& a) {
  return a.phase != "accepted" && a.phase != "dispatched";
}

json command_json(const std::string& twin, const messages::command_answer& a) {
  json out{{"id", a.id}, {"twin", twin}, {"phase", a.phase}, {"detail", a.detail}};
  const auto told = parse_document(a.document);
  if (told.is_object())
    for (const char* name : {"command", "requested_at", "expires_at"})
      if (told.contains(name)) out[name] = told[name];
  return out;
}

std::string command_path(const std::string& twin, const std::string& id) {
  return twin_path(twin) + "/commands/" + percent_encode(id, true);
}

/// One command somebody waits for.
struct waiting {
  door_pointer to;
  std::string twin;
  messages::command_answer known;
  std::int64_t until_ns = 0, pause_ns = first_pause_ns;
  bool preferred = false; ///< the wait was asked for by Prefer, which the answer tells
  responder respond;
};

void finish(const waiting& w) {
  const bool over = finished(w.known);
  auto out = json_reply(command_json(w.twin, w.known), over ? 200 : 202);
  out.headers.emplace_back("Location", command_path(w.twin, w.known.id));
  if (w.preferred && over) out.headers.emplace_back("Preference-Applied", "wait");
  w.respond(std::move(out));
}

void look(const std::shared_ptr<waiting>& w) {
  if (finished(w->known) || w->to->now() >= w->until_ns) return finish(*w);
  later(w->to->node, std::min(w->pause_ns, w->until_ns - w->to->now()), [w] {
    w->pause_ns = std::min(w->pause_ns * 2, longest_pause_ns);
    ask<messages::command_query>(
        w->to->node, {w->twin, w->known.id}, [w](result<messages::command_answer> a) {
          if (a) w->known = std::move(*a);
          // right after "accepted" the command may not have reached its twin yet
          if (!a && a.error().code != errc::not_found && a.error().code != errc::timed_out)
            w->until_ns = 0;
          look(w);
        });
  });
}

void send(const door_pointer& to, const request& r, const responder& respond) {
  const auto document = body_of(r, respond);
  if (!document) return;
  body_reader body(*document);
  messages::command_request command;
  command.twin = id_of(r);
  command.name = body.text("name", true, 128);
  const auto arguments = body.object("arguments");
  command.arguments = arguments.is_object() ? dump(arguments) : "{}";
  command.ttl_ns = body.duration("ttl");
  command.id = std::string(r.header("idempotency-key"));
  command.by = r.who.name;
  command.traceparent = messages::valid_traceparent(r.header("traceparent"));
  if (auto wrong = body.refusal()) return respond(std::move(*wrong));
  if (command.id.empty()) command.id = random_id();
  const auto wait_ns = preferred_wait(r);
  ask<messages::command_request>(
      to->node, command,
      [to, respond, wait_ns, twin = command.twin](result<messages::command_answer> a) {
        if (!a) return respond(problem(a.error()));
        const auto w = std::make_shared<waiting>();
        *w = {to, twin, std::move(*a), to->now() + wait_ns, first_pause_ns, wait_ns > 0, respond};
        look(w);
      });
}

void get(const door_pointer& to, const request& r, const responder& respond) {
  query_reader q(r);
  if (auto wrong = q.refusal()) return respond(std::move(*wrong));
  answer(to, messages::command_query{id_of(r), std::string(r.parameter("command"))}, respond,
         [id = id_of(r)](const messages::command_answer& a) {
           return json_reply(command_json(id, a));
         });
}

} // namespace

void add_command_routes(route_table& to, const door_pointer& from) {
  to.push_back({"POST", "/api/v1/twins/{id}/commands", role::operator_, reach::twin,
                bound(from, send), repeat::again});
  to.push_back({"GET", "/api/v1/twins/{id}/commands/{command}", role::viewer, reach::twin,
                bound(from, get)});
}

} // namespace pollux::bridge::http
