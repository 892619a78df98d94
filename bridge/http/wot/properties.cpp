// SPDX-License-Identifier: Apache-2.0
// Properties of things: telemetry is read, what people say of a twin is read and written.
#include "bridge/http/wot/wot.hpp"

namespace pollux::bridge::http {

namespace {

/// Null when the twin has no such property, or the device has yet to report it.
json value_of(const json& twin, const std::string& name) {
  if (const auto all = twin.find("telemetry"); all != twin.end())
    if (const auto one = all->find(name); one != all->end()) return one->value("value", json());
  const auto said = twin.find("properties");
  if (said != twin.end())
    if (const auto one = said->find(name); one != said->end()) return *one;
  if (name == said_of_twin) return said == twin.end() ? json::object() : *said;
  return nullptr;
}

bool is_telemetry(const known_thing& thing, const std::string& name) {
  const auto all = thing.document.find("telemetry");
  return thing.shape->has_property(name) || (all != thing.document.end() && all->contains(name));
}

bool is_said(const known_thing& thing, const std::string& name) {
  const auto all = thing.document.find("properties");
  return name == said_of_twin || (all != thing.document.end() && all->contains(name));
}

response value_reply(const known_thing& thing, const std::string& name, const request& r) {
  const auto value = value_of(thing.document, name);
  if (!value.is_null()) return tagged(json_reply(value), r, revision_tag(thing.twin.revision));
  if (is_said(thing, name)) return json_reply(value);
  return problem(404, is_telemetry(thing, name) ? "the device has not reported " + name + " yet"
                                                : "the thing has no property " + name);
}

void read_one(const thing_door_pointer& to, const request& r, const responder& respond) {
  query_reader q(r);
  if (auto wrong = q.refusal()) return respond(std::move(*wrong));
  find_thing(to, id_of(r), [r, respond](result<known_thing> thing) {
    respond(thing ? value_reply(*thing, std::string(r.parameter("name")), r)
                  : problem(thing.error()));
  });
}

json all_values(const known_thing& thing) {
  json out = json::object();
  const auto& twin = thing.document;
  if (const auto all = twin.find("telemetry"); all != twin.end())
    for (const auto& [name, latest] : all->items())
      if (auto value = latest.value("value", json()); !value.is_null())
        out[name] = std::move(value);
  if (const auto said = twin.find("properties"); said != twin.end())
    for (const auto& [name, value] : said->items())
      if (!out.contains(name)) out[name] = value;
  return out;
}

void read_all(const thing_door_pointer& to, const request& r, const responder& respond) {
  query_reader q(r);
  if (auto wrong = q.refusal()) return respond(std::move(*wrong));
  find_thing(to, id_of(r), [r, respond](result<known_thing> thing) {
    respond(thing ? tagged(json_reply(all_values(*thing)), r, revision_tag(thing->twin.revision))
                  : problem(thing.error()));
  });
}

/// "a/b" as a word of a JSON pointer.
std::string pointer_word(const std::string& name) {
  std::string out;
  for (const char c : name) {
    if (c == '~')
      out += "~0";
    else if (c == '/')
      out += "~1";
    else
      out += c;
  }
  return out;
}

void patch(const thing_door_pointer& to, const request& r, const std::string& how,
           const json& change, const responder& respond) {
  answer(to->at, messages::twin_patch{id_of(r), how, dump(change), -1, r.who.name}, respond,
         [](const messages::done&) { return no_content(); });
}

response read_only(const std::string& name) {
  auto out = problem(405, name + " is reported by the device; it cannot be written");
  out.headers.emplace_back("Allow", "GET, HEAD");
  return out;
}

void write_one(const thing_door_pointer& to, const request& r, const responder& respond) {
  auto value = body_of(r, respond);
  if (!value) return;
  const std::string name(r.parameter("name"));
  find_thing(to, id_of(r), [=, value = std::move(*value)](result<known_thing> thing) {
    if (!thing) return respond(problem(thing.error()));
    if (is_telemetry(*thing, name)) return respond(read_only(name));
    if (!is_said(*thing, name)) return respond(problem(404, "the thing has no property " + name));
    const bool member = thing->document.value("properties", json::object()).contains(name);
    if (member)
      return patch(to, r, "json",
                   json::array({json{
                       {"op", "replace"}, {"path", "/" + pointer_word(name)}, {"value", value}}}),
                   respond);
    if (!value.is_object())
      return respond(problem(400, std::string(said_of_twin) + " is an object"));
    patch(to, r, "replace", value, respond);
  });
}

void write_many(const thing_door_pointer& to, const request& r, const responder& respond) {
  auto values = body_of(r, respond);
  if (!values) return;
  if (!values->is_object()) return respond(problem(400, "an object is wanted: name to value"));
  find_thing(to, id_of(r), [=, values = std::move(*values)](result<known_thing> thing) {
    if (!thing) return respond(problem(thing.error()));
    const auto said = thing->document.value("properties", json::object());
    json changes = json::array();
    std::vector<complaint> errors;
    for (const auto& [name, value] : values.items()) {
      if (is_telemetry(*thing, name) || !said.contains(name))
        errors.push_back({"#/" + pointer_word(name), "no property that can be written"});
      changes.push_back({{"op", "replace"}, {"path", "/" + pointer_word(name)}, {"value", value}});
    }
    if (!errors.empty()) return respond(problem(400, "nothing was written", errors));
    if (changes.empty()) return respond(no_content());
    patch(to, r, "json", changes, respond);
  });
}

} // namespace

void add_thing_property_routes(route_table& to, const thing_door_pointer& from) {
  add_thing_route(to, from, "GET", "/things/{id}/properties", role::viewer, read_all);
  add_thing_route(to, from, "PUT", "/things/{id}/properties", role::engineer, write_many);
  add_thing_route(to, from, "GET", "/things/{id}/properties/{name}", role::viewer, read_one);
  add_thing_route(to, from, "PUT", "/things/{id}/properties/{name}", role::engineer, write_one);
}

} // namespace pollux::bridge::http
