// SPDX-License-Identifier: Apache-2.0
// Actions of things are the commands of twins: invoking one sends it by the very operations of
// /api/v1, with their interlocks, idempotency and waiting; only the words around it are others.
#include "bridge/http/wot/wot.hpp"
#include <algorithm>

namespace pollux::bridge::http {

namespace {

/// The operations on commands of /api/v1.
struct command_operations {
  handler send, get;
};

command_operations operations_of(const door_pointer& from) {
  route_table table;
  add_command_routes(table, from);
  command_operations out;
  for (auto& entry : table) (entry.method == "POST" ? out.send : out.get) = std::move(entry.run);
  return out;
}

std::string status_path(const std::string& twin, const std::string& action,
                        const std::string& command) {
  return thing_path(twin) + "/actions/" + percent_encode(action, true) + "/" +
         percent_encode(command, true);
}

bool is_running(const std::string& phase) { return phase == "dispatched"; }
bool is_pending(const std::string& phase) { return phase == "accepted"; }
bool is_done(const std::string& phase) { return phase == "confirmed" || phase == "confirmed_late"; }

unsigned error_status(const std::string& phase) {
  if (phase == "refused") return 409; // an interlock
  return phase == "timed_out" ? 504 : 502;
}

json status_of(const std::string& twin, const json& command) {
  const auto phase = command.value("phase", ""), id = command.value("id", ""),
             name = command.value("command", "");
  json out{{"status", is_pending(phase)   ? "pending"
                      : is_running(phase) ? "running"
                      : is_done(phase)    ? "completed"
                                          : "failed"},
           {"href", status_path(twin, name, id)},
           {"id", id}};
  if (const auto at = command.find("requested_at"); at != command.end() && at->is_string())
    out["timeRequested"] = *at;
  const auto detail = command.value("detail", "");
  if (is_done(phase)) {
    out["output"] = {{"phase", phase}};
    if (!detail.empty()) out["output"]["detail"] = detail;
  } else if (!is_pending(phase) && !is_running(phase)) {
    const auto status = error_status(phase);
    out["error"] = {{"type", "about:blank"},
                    {"title", phase},
                    {"status", status},
                    {"detail", detail.empty() ? "the command was " + phase : detail}};
  }
  return out;
}

/// The answer of /api/v1 in the words of the Web of Things.
response in_other_words(response given, const std::string& twin, const std::string& action,
                        bool invoked) {
  if (given.status >= 300 || given.content_type != "application/json") return given;
  auto command = parse_document(given.body);
  if (command.value("command", "").empty()) command["command"] = action;
  const auto status = status_of(twin, command);
  auto out = json_reply(status, !invoked || given.status == 200 ? 200 : 201);
  if (invoked) out.headers.emplace_back("Location", status["href"].get<std::string>());
  for (auto& header : given.headers)
    if (header.first == "Preference-Applied") out.headers.push_back(std::move(header));
  return out;
}

void invoke(const handler& send, const request& asked, const responder& respond) {
  const std::string action(asked.parameter("name"));
  auto r = asked;
  json input = json::object();
  if (!r.body.empty()) {
    auto given = body_of(r, respond);
    if (!given) return;
    if (!given->is_object()) return respond(problem(400, "an action's input is an object"));
    input = std::move(*given);
  }
  r.body = dump({{"name", action}, {"arguments", std::move(input)}});
  std::erase_if(r.headers, [](const auto& h) { return h.first == "content-type"; });
  r.headers.emplace_back("content-type", "application/json");
  send(r, [respond, action, twin = id_of(asked)](response given) {
    respond(in_other_words(std::move(given), twin, action, true));
  });
}

void query(const handler& get, const request& asked, const responder& respond) {
  const std::string action(asked.parameter("name"));
  get(asked, [respond, action, twin = id_of(asked)](response given) {
    respond(in_other_words(std::move(given), twin, action, false));
  });
}

/// What was asked for stands in the twin's journal and may be with the device: nothing takes it
/// back, and nobody is to think so.
void cancel(const handler& get, const request& asked, const responder& respond) {
  get(asked, [respond](response given) {
    if (given.status != 200) return respond(std::move(given));
    const auto command = parse_document(given.body);
    const auto phase = command.value("phase", "");
    const bool over = !is_pending(phase) && !is_running(phase);
    respond(problem(409, over ? "the action is over: " + phase
                              : "an action that was invoked cannot be cancelled; it ends when the "
                                "device answers or its time is up"));
  });
}

/// Of all commands the twin remembers, by action.
void query_all(const thing_door_pointer& to, const request& r, const responder& respond) {
  query_reader q(r);
  if (auto wrong = q.refusal()) return respond(std::move(*wrong));
  find_thing(to, id_of(r), [r, respond](result<known_thing> thing) {
    if (!thing) return respond(problem(thing.error()));
    json out = json::object();
    for (const auto& a : thing->shape->actions) out[a.name] = json::array();
    const auto commands = thing->document.value("commands", json::array());
    for (const auto& c : commands) out[c.value("command", "")].push_back(status_of(id_of(r), c));
    respond(json_reply(out));
  });
}

} // namespace

void add_thing_action_routes(route_table& to, const thing_door_pointer& from) {
  const auto commands = operations_of(from->at);
  add_thing_route(to, from, "GET", "/things/{id}/actions", role::viewer, query_all);
  add_thing_route(
      to, from, "POST", "/things/{id}/actions/{name}", role::operator_,
      [send = commands.send](const thing_door_pointer&, const request& r,
                             const responder& respond) { invoke(send, r, respond); },
      repeat::again);
  add_thing_route(to, from, "GET", "/things/{id}/actions/{name}/{command}", role::viewer,
                  [get = commands.get](const thing_door_pointer&, const request& r,
                                       const responder& respond) { query(get, r, respond); });
  add_thing_route(to, from, "DELETE", "/things/{id}/actions/{name}/{command}", role::operator_,
                  [get = commands.get](const thing_door_pointer&, const request& r,
                                       const responder& respond) { cancel(get, r, respond); });
}

} // namespace pollux::bridge::http
