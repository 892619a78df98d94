// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/wot/thing_shape.hpp"
#include <algorithm>
#include <array>
#include <utility>

namespace pollux::bridge::http {

namespace {

constexpr std::size_t most_shapes = 256;

/// Types of operators that tell no alert by themselves.
constexpr std::array<std::string_view, 4> silent_types{"window", "as_of", "state_machine",
                                                       "crash_probe"};

bool names(const std::vector<thing_affordance>& all, std::string_view name) {
  return std::any_of(all.begin(), all.end(), [&](const auto& a) { return a.name == name; });
}

std::string text_of(const json& from, const char* key, std::string otherwise = {}) {
  const auto found = from.find(key);
  return found != from.end() && found->is_string() ? found->get<std::string>()
                                                   : std::move(otherwise);
}

json members_of(const json& from, const char* key) {
  const auto found = from.find(key);
  return found == from.end() ? json() : *found;
}

void take_range(const json& from, json& to) {
  if (const auto least = from.find("min"); least != from.end()) to["minimum"] = *least;
  if (const auto most = from.find("max"); most != from.end()) to["maximum"] = *most;
}

json telemetry_schema(const json& spec, const std::string& type) {
  json out{{"type", type == "text" ? "string" : type}};
  if (const auto unit = text_of(spec, "unit"); !unit.empty()) out["unit"] = ucum(unit);
  if (type == "number" || type == "integer") take_range(spec, out);
  return out;
}

/// The guarded argument; others pass through, so the object stays open. A telemetry of the
/// argument's name lends its unit.
json command_input(const json& spec, const json& telemetry) {
  json out{{"type", "object"}};
  const auto argument = text_of(spec, "argument");
  if (argument.empty()) return out;
  json one{{"type", "number"}};
  if (const auto like = telemetry.find(argument); like != telemetry.end())
    if (const auto unit = text_of(*like, "unit"); !unit.empty()) one["unit"] = ucum(unit);
  take_range(spec, one);
  out["properties"] = {{argument, std::move(one)}};
  out["required"] = json::array({argument});
  return out;
}

json text_schema() { return {{"type", "string"}}; }
json time_schema() { return {{"type", "string"}, {"format", "date-time"}}; }

json alert_schema() {
  return {{"type", "object"},
          {"properties",
           {{"id", text_schema()},
            {"twin", text_schema()},
            {"rule", text_schema()},
            {"incident", text_schema()},
            {"transition", text_schema()},
            {"severity", {{"type", "string"}, {"enum", {"info", "warning", "critical"}}}},
            {"state", text_schema()},
            {"message", text_schema()},
            {"time", time_schema()},
            {"evidence", {{"type", "object"}}}}},
          {"required", {"id", "twin", "rule", "incident", "transition", "severity", "message"}}};
}

bool tells_alerts(const json& op, const std::string& type) {
  if (std::find(silent_types.begin(), silent_types.end(), type) == silent_types.end()) return true;
  return type == "window" && text_of(op, "emit") == "each";
}

void read_operators(const json& operators, thing_shape& out) {
  for (const auto& op : operators) {
    if (!op.is_object()) continue;
    const auto name = text_of(op, "name"), type = text_of(op, "type");
    if (name.empty() || names(out.events, name) || !tells_alerts(op, type)) continue;
    auto about = text_of(op, "description", text_of(op, "message"));
    if (about.empty()) about = "alerts of the rule " + name + " (" + type + ")";
    out.events.push_back({name, alert_schema(), std::move(about)});
  }
}

} // namespace

bool thing_shape::has_property(std::string_view name) const { return names(properties, name); }
bool thing_shape::has_action(std::string_view name) const { return names(actions, name); }
bool thing_shape::has_event(std::string_view name) const { return names(events, name); }

result<thing_shape> shape_of_model(std::string_view name, std::string_view hash,
                                   const std::string& text) {
  const auto model = parse_document(text);
  if (!model.is_object())
    return failure{errc::corrupt, "the model " + std::string(name) + " cannot be read"};
  thing_shape out;
  out.model = name;
  out.hash = hash;
  out.kind = text_of(model, "kind", "device");
  out.description = text_of(model, "description");
  const auto telemetry = members_of(model, "telemetry");
  if (telemetry.is_object())
    for (const auto& [key, spec] : telemetry.items()) {
      const auto type = text_of(spec, "type", "number");
      if (type == "samples") continue;
      out.properties.push_back({key, telemetry_schema(spec, type), text_of(spec, "description")});
    }
  const auto commands = members_of(model, "commands");
  if (commands.is_object())
    for (const auto& [key, spec] : commands.items())
      out.actions.push_back({key, command_input(spec, telemetry), text_of(spec, "description")});
  const auto operators = members_of(model, "operators");
  if (operators.is_array()) read_operators(operators, out);
  return out;
}

std::string_view ucum(std::string_view unit) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 4> words{
      {{"degC", "Cel"}, {"degF", "[degF]"}, {"persons", "{person}"}, {"rpm", "/min"}}};
  for (const auto& [word, code] : words)
    if (word == unit) return code;
  return unit;
}

json schema_of_value(const json& value) {
  if (value.is_boolean()) return {{"type", "boolean"}};
  if (value.is_number()) return {{"type", "number"}};
  if (value.is_string()) return {{"type", "string"}};
  if (value.is_array()) return {{"type", "array"}};
  if (value.is_object()) return {{"type", "object"}};
  return json::object();
}

json action_status_schema() {
  return {
      {"type", "object"},
      {"properties",
       {{"status", {{"type", "string"}, {"enum", {"pending", "running", "completed", "failed"}}}},
        {"href", text_schema()},
        {"id", text_schema()},
        {"timeRequested", time_schema()},
        {"output", {{"type", "object"}}},
        {"error", {{"type", "object"}}}}},
      {"required", {"status", "href"}}};
}

shape_memory::pointer shape_memory::find(const std::string& model, const std::string& hash) const {
  const std::lock_guard lock(mutex_);
  const auto found = shapes_.find(model + " " + hash);
  return found == shapes_.end() ? nullptr : found->second;
}

void shape_memory::keep(pointer shape) {
  const std::lock_guard lock(mutex_);
  if (shapes_.size() >= most_shapes) shapes_.clear();
  shapes_[shape->model + " " + shape->hash] = std::move(shape);
}

} // namespace pollux::bridge::http
