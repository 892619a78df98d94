// SPDX-License-Identifier: Apache-2.0
// JSON is written with its keys in one fixed order, so that the same content gives the same bytes
// (an effect that is delivered twice must not look like two). Text that is not UTF-8 gets
// replacement characters instead of failing.
#include "messages/documents.hpp"
#include "domain/base/time.hpp"
#include "messages/input_document.hpp"
#include <nlohmann/json.hpp>

namespace pollux::messages {

namespace {

using json = nlohmann::ordered_json;

std::string dump(const json& document) {
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

json time_or_null(std::int64_t time_ns) {
  if (time_ns == no_time || time_ns == never) return nullptr;
  return format_rfc3339(time_ns);
}

json to_json(const domain::owned_value& value) {
  return std::visit(
      [](const auto& v) -> json {
        if constexpr (std::is_same_v<std::decay_t<decltype(v)>, std::monostate>)
          return nullptr;
        else
          return v;
      },
      value);
}

json to_json(const std::vector<domain::named_number>& numbers) {
  json out = json::object();
  for (const auto& n : numbers) out[n.name] = n.value;
  return out;
}

json digests_json(const std::vector<domain::window_digest>& windows) {
  json out = json::array();
  for (const auto& w : windows)
    out.push_back({{"name", w.name},
                   {"count", w.count},
                   {"mean", w.mean},
                   {"m2", w.m2},
                   {"min", w.min},
                   {"max", w.max},
                   {"from", time_or_null(w.from_ns)},
                   {"to", time_or_null(w.to_ns)}});
  return out;
}

json path_json(const std::vector<domain::path_stage>& path) {
  json out = json::array();
  for (const auto& s : path)
    out.push_back({{"stage", s.stage},
                   {"event_time", time_or_null(s.event_time_ns)},
                   {"numbers", to_json(s.numbers)}});
  return out;
}

json to_json(const domain::evidence& proof) {
  json out = json::object();
  if (!proof.field.empty()) out["field"] = proof.field;
  out["numbers"] = to_json(proof.numbers);
  json times = json::object();
  for (const auto& t : proof.times) times[t.name] = time_or_null(t.time_ns);
  out["times"] = std::move(times);
  json readings = json::array();
  for (const auto t : proof.event_times_ns) readings.push_back(time_or_null(t));
  out["event_times"] = std::move(readings);
  if (!proof.windows.empty()) out["windows"] = digests_json(proof.windows);
  if (!proof.path.empty()) out["path"] = path_json(proof.path);
  out["explanation"] = proof.explanation;
  return out;
}

/// What only some transitions have: who, to whom, until when, and why nobody was told.
void add_details(json& to, const domain::alert_effect& alert) {
  if (!alert.by.empty()) to["by"] = alert.by;
  if (!alert.to.empty()) to["to"] = alert.to;
  if (alert.until_ns != 0) to["until"] = time_or_null(alert.until_ns);
  if (alert.late) to["late"] = true;
  if (alert.quiet != domain::silence::none) to["silent"] = domain::to_string(alert.quiet);
  if (!alert.members.empty()) to["members"] = alert.members;
  if (!alert.parent.empty()) to["parent"] = alert.parent;
}

void add_rule(json& to, const domain::alert_effect& alert) {
  if (alert.type.empty()) return;
  to["rule_type"] = alert.type;
  to["rule_revision"] = alert.revision;
}

json arguments_json(const domain::command_effect& command) {
  json out = to_json(command.numbers);
  for (const auto& [name, text] : command.texts) out[name] = text;
  return out;
}

json transition_json(const domain::effect& e) {
  json out = {{"id", to_string(e.id)},
              {"transition", domain::to_string(e.alert.transition)},
              {"time", time_or_null(e.alert.event_time_ns)},
              {"ingest_time", time_or_null(e.ingest_time_ns)},
              {"severity", domain::to_string(e.alert.level)},
              {"message", e.alert.message},
              {"model_hash", e.model_hash}};
  add_rule(out, e.alert);
  add_details(out, e.alert);
  out["evidence"] = to_json(e.alert.proof);
  return out;
}

json event_data(std::string_view twin, const domain::effect& what) {
  json data = {{"twin", twin}};
  switch (what.kind) {
  case domain::effect_kind::alert:
    data["incident"] = to_string(what.alert.incident);
    data["rule"] = what.alert.rule;
    data["severity"] = domain::to_string(what.alert.level);
    data["transition"] = domain::to_string(what.alert.transition);
    data["message"] = what.alert.message;
    add_details(data, what.alert);
    data["event_time"] = time_or_null(what.alert.event_time_ns);
    data["ingest_time"] = time_or_null(what.ingest_time_ns);
    data["model_hash"] = what.model_hash;
    add_rule(data, what.alert);
    data["evidence"] = to_json(what.alert.proof);
    break;
  case domain::effect_kind::command:
    data["command_id"] = what.command.command_id;
    data["command"] = what.command.name;
    data["phase"] = domain::to_string(what.command.phase);
    data["arguments"] = arguments_json(what.command);
    data["expires_at"] = time_or_null(what.command.expires_at_ns);
    data["detail"] = what.command.detail;
    data["ingest_time"] = time_or_null(what.ingest_time_ns);
    data["model_hash"] = what.model_hash;
    break;
  case domain::effect_kind::fault:
    data["what"] = what.fault.what;
    data["ingest_time"] = time_or_null(what.ingest_time_ns);
    data["model_hash"] = what.model_hash;
    break;
  }
  return data;
}

std::string event_type(const domain::effect& what) {
  std::string type = "io.pollux.";
  switch (what.kind) {
  case domain::effect_kind::alert:
    type += std::string("alert.") + domain::to_string(what.alert.transition);
    break;
  case domain::effect_kind::command:
    type += std::string("command.") + domain::to_string(what.command.phase);
    break;
  case domain::effect_kind::fault: type += "fault"; break;
  }
  return type + ".v1";
}

} // namespace

std::string alert_document(std::string_view twin, const std::vector<domain::effect>& transitions) {
  if (transitions.empty()) return dump({{"twin", twin}, {"transitions", json::array()}});
  const auto& first = transitions.front();
  json document = {{"twin", twin},
                   {"incident", to_string(first.alert.incident)},
                   {"rule", first.alert.rule},
                   {"severity", domain::to_string(alert_severity(transitions))},
                   {"state", alert_state(transitions)},
                   {"message", first.alert.message},
                   {"raised_at", time_or_null(first.alert.event_time_ns)}};
  json all = json::array();
  for (const auto& e : transitions) {
    if (e.alert.transition == domain::alert_transition::acknowledged)
      document["acknowledged_by"] = e.alert.by;
    if (e.alert.transition == domain::alert_transition::assigned)
      document["assigned_to"] = e.alert.to;
    if (e.alert.transition == domain::alert_transition::cleared)
      document["cleared_at"] = time_or_null(e.alert.event_time_ns);
    all.push_back(transition_json(e));
  }
  document["transitions"] = std::move(all);
  return dump(document);
}

std::string cloud_event(std::string_view twin, const domain::effect& what) {
  const bool alert = what.kind == domain::effect_kind::alert;
  json event = {{"specversion", "1.0"},
                {"id", std::string(twin) + "/" + to_string(what.id)},
                {"source", "/twins/" + std::string(twin)},
                {"type", event_type(what)}};
  if (alert) event["subject"] = what.alert.rule;
  if (what.kind == domain::effect_kind::command) event["subject"] = what.command.name;
  event["time"] = format_rfc3339(alert ? what.alert.event_time_ns : what.ingest_time_ns);
  event["datacontenttype"] = "application/json";
  event["data"] = event_data(twin, what);
  return dump(event);
}

std::string effect_document(std::string_view twin, const domain::effect& what) {
  json out = event_data(twin, what);
  out["id"] = to_string(what.id);
  out["type"] = event_type(what);
  return dump(out);
}

std::string command_payload(std::string_view twin, const domain::command_effect& command) {
  const json payload = {{"id", command.command_id},
                        {"twin", twin},
                        {"command", command.name},
                        {"arguments", arguments_json(command)},
                        {"expires_at", time_or_null(command.expires_at_ns)}};
  return dump(payload);
}

std::string value_json(const domain::owned_value& value) { return dump(to_json(value)); }

} // namespace pollux::messages
