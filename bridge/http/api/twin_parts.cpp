// SPDX-License-Identifier: Apache-2.0
// Parts of one twin by paths of their own: telemetry, windows, rules, alerts, commands.
#include "bridge/http/api/door.hpp"

namespace pollux::bridge::http {

namespace {

/// Answers with what `take` makes of the twin's document; it has the twin's tag.
template <class Take>
void part(const door_pointer& to, const request& r, const responder& respond, Take take) {
  query_reader q(r);
  if (auto wrong = q.refusal()) return respond(std::move(*wrong));
  answer(to, messages::twin_query{id_of(r)}, respond,
         [r, take](const messages::twin_answer& twin) -> response {
           const auto document = parse_document(twin.document);
           if (!document.is_object()) return problem(500, "the twin's document cannot be read");
           auto out = take(document);
           return out.status == 200 ? tagged(std::move(out), r, revision_tag(twin.revision)) : out;
         });
}

json member(const json& document, const char* name, json otherwise) {
  const auto found = document.find(name);
  return found == document.end() ? std::move(otherwise) : *found;
}

template <const char* const* name>
void items(const door_pointer& to, const request& r, const responder& respond) {
  part(to, r, respond, [](const json& twin) {
    return json_reply({{"items", member(twin, *name, json::array())}});
  });
}

constexpr const char *windows = "windows", *rules = "rules", *alerts = "alerts",
                     *commands = "commands", *maintenance = "maintenance";

void telemetry(const door_pointer& to, const request& r, const responder& respond) {
  part(to, r, respond,
       [](const json& twin) { return json_reply(member(twin, "telemetry", json::object())); });
}

void one_telemetry(const door_pointer& to, const request& r, const responder& respond) {
  const std::string name(r.parameter("name"));
  part(to, r, respond, [name](const json& twin) {
    const auto all = member(twin, "telemetry", json::object());
    const auto found = all.find(name);
    if (found == all.end()) return problem(404, "the twin has no telemetry " + name);
    json out{{"name", name}};
    out.update(*found);
    return json_reply(out);
  });
}

} // namespace

void add_twin_part_routes(route_table& to, const door_pointer& from) {
  const auto add = [&](const char* path, operation run) {
    to.push_back({"GET", std::string("/api/v1/twins/{id}/") + path, role::viewer, reach::twin,
                  bound(from, run)});
  };
  add("telemetry", telemetry);
  add("telemetry/{name}", one_telemetry);
  add("windows", items<&windows>);
  add("rules", items<&rules>);
  add("alerts", items<&alerts>);
  add("commands", items<&commands>);
  add("maintenance", items<&maintenance>);
}

} // namespace pollux::bridge::http
