// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/wot/thing_description.hpp"
#include <algorithm>

namespace pollux::bridge::http {

namespace {

constexpr std::string_view json_type = "application/json", urn_prefix = "urn:pollux:";

/// Both, in this order: readers that know TD 1.0 alone look for the first.
json context() {
  return {"https://www.w3.org/2019/wot/td/v1", "https://www.w3.org/2022/wot/td/v1.1"};
}

void add_security(json& to, const thing_address& at) {
  if (at.bearer) {
    to["securityDefinitions"] = {
        {"bearer_sc", {{"scheme", "bearer"}, {"in", "header"}, {"format", "opaque"}}}};
    to["security"] = json::array({"bearer_sc"});
  } else {
    to["securityDefinitions"] = {{"nosec_sc", {{"scheme", "nosec"}}}};
    to["security"] = json::array({"nosec_sc"});
  }
}

json form(std::string href, json op) {
  return {{"href", std::move(href)}, {"op", std::move(op)}, {"contentType", json_type}};
}

/// Of a stream. Its reader cannot send a token: where one is needed, a ticket stands in the query.
json stream_form(std::string href, json op, const thing_address& at) {
  auto out = form(std::move(href) + (at.bearer ? "{?ticket}" : ""), std::move(op));
  out["subprotocol"] = "sse";
  return out;
}

void add_ticket(json& affordance, const thing_address& at) {
  if (!at.bearer) return;
  affordance["uriVariables"] = {
      {"ticket",
       {{"type", "string"}, {"description", "of POST /api/v1/tickets, for streams alone"}}}};
}

json described(json schema, const std::string& description) {
  if (!description.empty()) schema["description"] = description;
  return schema;
}

json telemetry_property(const std::string& name, json schema, const thing_address& at) {
  const auto href = "properties/" + percent_encode(name, true);
  schema["readOnly"] = true;
  schema["observable"] = true;
  add_ticket(schema, at);
  schema["forms"] = {form(href, "readproperty"),
                     stream_form(href + "/observe", {"observeproperty", "unobserveproperty"}, at)};
  return schema;
}

json said_property(const std::string& name, json schema) {
  schema["forms"] = json::array(
      {form("properties/" + percent_encode(name, true), {"readproperty", "writeproperty"})});
  return schema;
}

json member(const json& from, std::string_view name) {
  const auto found = from.find(std::string(name));
  return found == from.end() ? json::object() : *found;
}

std::string text_or(const json& from, const char* name, const std::string& otherwise) {
  const auto found = from.find(name);
  return found != from.end() && found->is_string() ? found->get<std::string>() : otherwise;
}

json properties_of(const thing_shape& shape, const json& twin, const thing_address& at) {
  json out = json::object();
  for (const auto& p : shape.properties)
    out[p.name] = telemetry_property(p.name, described(p.schema, p.description), at);
  const auto telemetry = member(twin, "telemetry");
  for (const auto& [name, latest] : telemetry.items()) {
    if (out.contains(name) || !latest.is_object() || member(latest, "value").is_null()) continue;
    out[name] = telemetry_property(name, schema_of_value(member(latest, "value")), at);
  }
  const auto said = member(twin, "properties");
  for (const auto& [name, value] : said.items())
    if (!name.empty() && !out.contains(name))
      out[name] = said_property(name, schema_of_value(value));
  if (!out.contains(std::string(said_of_twin)))
    out[std::string(said_of_twin)] =
        said_property(std::string(said_of_twin),
                      {{"type", "object"}, {"description", "all that people say of this twin"}});
  return out;
}

json actions_of(const thing_shape& shape) {
  json out = json::object();
  for (const auto& a : shape.actions) {
    json one = json::object();
    if (!a.description.empty()) one["description"] = a.description;
    one["input"] = a.schema;
    one["output"] = action_status_schema();
    one["safe"] = false;
    one["idempotent"] = false;
    one["synchronous"] = false;
    one["forms"] = json::array({form("actions/" + percent_encode(a.name, true), "invokeaction")});
    out[a.name] = std::move(one);
  }
  return out;
}

json events_of(const thing_shape& shape, const thing_address& at) {
  json out = json::object();
  for (const auto& e : shape.events) {
    json one{{"description", e.description}, {"data", e.schema}};
    add_ticket(one, at);
    one["forms"] = json::array({stream_form("events/" + percent_encode(e.name, true),
                                            {"subscribeevent", "unsubscribeevent"}, at)});
    out[e.name] = std::move(one);
  }
  return out;
}

bool is_host(std::string_view text) {
  return !text.empty() && text.size() <= 255 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_' || c == ':' || c == '[' || c == ']';
  });
}

} // namespace

thing_address address_of(const request& r) {
  thing_address out;
  auto host = r.header("host");
  if (!is_host(host)) host = "localhost";
  out.origin = (r.secure ? "https://" : "http://") + std::string(host);
  out.bearer = r.who.name.empty() || !r.who.credential.empty();
  return out;
}

std::string thing_path(std::string_view twin) { return "/things/" + percent_encode(twin, true); }
std::string thing_urn(std::string_view twin) { return std::string(urn_prefix) + std::string(twin); }

std::string twin_of_thing(std::string_view id) {
  if (id.starts_with(urn_prefix)) id.remove_prefix(urn_prefix.size());
  return std::string(id);
}

json thing_description(const thing_shape& shape, const json& twin, const thing_address& at) {
  const auto id = text_or(twin, "id", "");
  const auto said = member(twin, "properties");
  json out{{"@context", context()}, {"@type", "Thing"}, {"id", thing_urn(id)}};
  out["title"] = text_or(said, "title", id);
  if (const auto about = text_or(said, "description", shape.description); !about.empty())
    out["description"] = about;
  out["base"] = at.origin + thing_path(id) + "/";
  add_security(out, at);
  json version{
      {"instance",
       shape.hash + "." + std::to_string(twin.value("properties_revision", std::uint64_t{0}))},
      {"model", shape.hash}};
  out["version"] = std::move(version);
  out["links"] = {{{"rel", "type"},
                   {"href", at.origin + "/models/" + percent_encode(shape.model, true)},
                   {"type", tm_type}},
                  {{"rel", "alternate"},
                   {"href", at.origin + "/api/v1/twins/" + percent_encode(id, true)},
                   {"type", json_type}}};
  if (const auto parent = text_or(twin, "parent", ""); !parent.empty())
    out["links"].push_back(
        {{"rel", "collection"}, {"href", at.origin + thing_path(parent)}, {"type", td_type}});
  out["properties"] = properties_of(shape, twin, at);
  if (!shape.actions.empty()) out["actions"] = actions_of(shape);
  if (!shape.events.empty()) out["events"] = events_of(shape, at);
  out["forms"] =
      json::array({form("properties", {"readallproperties", "writemultipleproperties"})});
  if (!shape.actions.empty()) out["forms"].push_back(form("actions", "queryallactions"));
  return out;
}

json thing_model(const thing_shape& shape) {
  json out{{"@context", context()},
           {"@type", "tm:ThingModel"},
           {"title", shape.model},
           {"version", {{"model", shape.hash}}}};
  if (!shape.description.empty()) out["description"] = shape.description;
  for (const auto& p : shape.properties) {
    auto one = described(p.schema, p.description);
    one["readOnly"] = true;
    one["observable"] = true;
    out["properties"][p.name] = std::move(one);
  }
  for (const auto& a : shape.actions) {
    auto& one = out["actions"][a.name] = {{"input", a.schema}, {"output", action_status_schema()}};
    if (!a.description.empty()) one["description"] = a.description;
  }
  for (const auto& e : shape.events)
    out["events"][e.name] = {{"description", e.description}, {"data", e.schema}};
  return out;
}

/// The first form is for clients that read frames without a name, the second is the one of the
/// specification.
json directory_event(const char* path, const char* about, const thing_address& at) {
  const json op{"subscribeevent", "unsubscribeevent"};
  const auto href = std::string("events/") + path;
  json plain = form(href + "?named=false" + (at.bearer ? "{&ticket}" : ""), op);
  plain["subprotocol"] = "sse";
  json out{{"description", about},
           {"data",
            {{"type", "object"},
             {"properties", {{"id", {{"type", "string"}, {"format", "uri"}}}}},
             {"required", json::array({"id"})}}}};
  add_ticket(out, at);
  out["forms"] = {std::move(plain), stream_form(href, op, at)};
  return out;
}

json directory_description(const thing_address& at) {
  auto all = context();
  all.insert(all.begin() + 2, "https://www.w3.org/2022/wot/discovery");
  json out{{"@context", std::move(all)},
           {"@type", "ThingDirectory"},
           {"id", "urn:pollux:directory"},
           {"title", "Pollux"},
           {"description", "the descriptions of all twins of this node"},
           {"base", at.origin + "/"}};
  add_security(out, at);
  out["version"] = {{"instance", "1.0.0"}};
  const auto variable = [](const char* type, const char* about) {
    return json{{"type", type}, {"description", about}};
  };
  auto list = form("things{?offset,limit,format}", "readproperty");
  list["contentType"] = "application/ld+json";
  list["htv:methodName"] = "GET";
  out["@context"].push_back({{"htv", "http://www.w3.org/2011/http#"}});
  out["properties"]["things"] = {
      {"description", "the descriptions, in pages that Link headers join"},
      {"type", "array"},
      {"items", {{"type", "object"}}},
      {"readOnly", true},
      {"uriVariables",
       {{"offset", variable("integer", "how many to leave out")},
        {"limit", variable("integer", "how many in a page, at most 100")},
        {"format", {{"type", "string"}, {"enum", {"array", "collection"}}}}}},
      {"forms", json::array({std::move(list)})}};
  out["events"] = {
      {"thingCreated", directory_event("thing_created", "there is a new thing", at)},
      {"thingUpdated", directory_event("thing_updated", "a thing is described otherwise", at)},
      {"thingDeleted", directory_event("thing_deleted", "a thing is gone", at)}};
  return out;
}

} // namespace pollux::bridge::http
