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

/// Seconds with milliseconds; whole nanoseconds are noise to whoever asks how old a value is.
json age_or_null(std::int64_t time_ns, std::int64_t now_ns) {
  if (time_ns == no_time) return nullptr;
  const auto age_ms = now_ns / ns_per_ms - time_ns / ns_per_ms;
  return static_cast<double>(age_ms) / 1000.0;
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

json telemetry_json(const domain::twin_description& twin, std::int64_t now_ns) {
  json out = json::object();
  for (const auto& t : twin.telemetry) {
    out[t.name] = {{"value", to_json(t.value)},
                   {"unit", t.unit},
                   {"event_time", time_or_null(t.event_time_ns)},
                   {"age_s", age_or_null(t.event_time_ns, now_ns)},
                   {"readings", t.readings},
                   {"declared", t.declared}};
  }
  return out;
}

json outputs_json(const domain::twin_description& twin) {
  json out = json::object();
  for (const auto& o : twin.outputs) out[o.name] = o.value ? json(*o.value) : json();
  return out;
}

json windows_json(const domain::twin_description& twin) {
  json out = json::array();
  for (const auto& w : twin.windows) {
    json one = {{"name", w.name},
                {"telemetry", w.telemetry},
                {"span", format_duration(w.span_ns)},
                {"count", w.statistics.count}};
    if (w.statistics.count > 0) {
      one["mean"] = w.statistics.mean;
      one["sample_stddev"] = w.statistics.sample_stddev();
      one["population_stddev"] = w.statistics.population_stddev();
      one["min"] = w.statistics.min;
      one["max"] = w.statistics.max;
      one["from"] = time_or_null(w.statistics.from_ns);
      one["to"] = time_or_null(w.statistics.to_ns);
    }
    out.push_back(std::move(one));
  }
  return out;
}

json alerts_json(const domain::twin_description& twin) {
  json out = json::array();
  for (const auto& a : twin.alerts) {
    json one = {{"incident", a.incident},
                {"rule", a.rule},
                {"severity", domain::to_string(a.level)},
                {"message", a.message},
                {"raised_at", time_or_null(a.raised_at_ns)},
                {"acknowledged", a.acknowledged}};
    if (a.acknowledged) one["acknowledged_by"] = a.acknowledged_by;
    one["state"] = a.state;
    if (!a.assignee.empty()) one["assigned_to"] = a.assignee;
    if (a.snoozed_until_ns != no_time) one["snoozed_until"] = time_or_null(a.snoozed_until_ns);
    if (a.latched) one["latched"] = true;
    one["transitions"] = a.effects;
    if (!a.members.empty()) one["members"] = a.members;
    out.push_back(std::move(one));
  }
  return out;
}

json silences_json(const std::vector<domain::described_silence>& silences) {
  json out = json::array();
  for (const auto& s : silences) {
    json one = {{"id", s.id}};
    if (!s.rule.empty()) one["rule"] = s.rule;
    one["until"] = time_or_null(s.until_ns);
    one["by"] = s.by;
    one["reason"] = s.reason;
    out.push_back(std::move(one));
  }
  return out;
}

json event_time_json(const domain::described_event_time& e) {
  json skew = nullptr;
  if (e.clock_skew_ns != no_time)
    skew = static_cast<double>(e.clock_skew_ns) / static_cast<double>(ns_per_s);
  return {{"watermark", time_or_null(e.watermark_ns)},
          {"by_idle", e.by_idle},
          {"clock_skew_s", skew},
          {"late", e.late},
          {"readings",
           {{"on_time", e.on_time},
            {"reordered", e.reordered},
            {"late_amended", e.late_amended},
            {"late_kept", e.late_kept},
            {"late_dropped", e.late_dropped},
            {"too_late", e.too_late},
            {"future", e.future}}},
          {"pending", e.pending},
          {"kept_readings", e.kept_readings},
          {"state_bytes", e.bytes}};
}

json commands_json(const domain::twin_description& twin) {
  json out = json::array();
  for (const auto& c : twin.commands) {
    out.push_back({{"id", c.id},
                   {"command", c.name},
                   {"phase", domain::to_string(c.phase)},
                   {"requested_at", time_or_null(c.requested_at_ns)},
                   {"expires_at", time_or_null(c.expires_at_ns)},
                   {"detail", c.detail}});
  }
  return out;
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

std::string twin_document(const domain::twin_description& twin, std::int64_t now_ns) {
  json document = {
      {"id", twin.id},
      {"kind", twin.kind},
      {"model", {{"name", twin.model_name}, {"hash", twin.model_hash}}},
      {"incarnation", twin.incarnation},
      {"revision", input_id_text(twin.revision)},
      {"connected", twin.connected},
      {"last_event_time", time_or_null(twin.last_event_time_ns)},
      {"last_ingest_time", time_or_null(twin.last_ingest_time_ns)},
      {"next_wakeup", time_or_null(twin.next_wakeup_ns)},
      {"readings",
       {{"applied", twin.readings},
        {"late", twin.late},
        {"duplicates", twin.duplicates},
        {"missing", twin.missing},
        {"corrections", twin.corrections}}},
      {"memory", {{"state_bytes", twin.state_bytes}, {"window_bytes", twin.window_bytes}}},
      {"telemetry", telemetry_json(twin, now_ns)},
      {"windows", windows_json(twin)},
      {"outputs", outputs_json(twin)},
      {"rules",
       [&] {
         json out = json::array();
         for (const auto& r : twin.rules)
           out.push_back({{"name", r.name},
                          {"type", r.type},
                          {"state", r.state},
                          {"explanation", r.explanation}});
         return out;
       }()},
      {"alerts", alerts_json(twin)},
      {"commands", commands_json(twin)}};
  if (twin.event_time.configured) document["event_time"] = event_time_json(twin.event_time);
  if (!twin.shelved.empty()) document["shelved"] = silences_json(twin.shelved);
  if (!twin.maintenance.empty()) document["maintenance"] = silences_json(twin.maintenance);
  if (!twin.parent.empty()) document["parent"] = twin.parent;
  if (twin.properties_revision != 0) {
    auto properties = json::parse(twin.properties, nullptr, false);
    document["properties"] = properties.is_object() ? std::move(properties) : json::object();
    document["properties_revision"] = twin.properties_revision;
  }
  return dump(document);
}

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
