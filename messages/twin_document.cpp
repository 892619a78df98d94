// SPDX-License-Identifier: Apache-2.0
// The document of one twin: the answer that is asked for most, so it is written without a tree of
// values in between.
#include "domain/base/time.hpp"
#include "messages/documents.hpp"
#include "messages/input_document.hpp"
#include "messages/json_writer.hpp"
#include <variant>

namespace pollux::messages {

namespace {

using domain::twin_description;

constexpr std::size_t usual_bytes = 4096;

void write_value(json_writer& to, const domain::owned_value& value) {
  struct {
    json_writer& to;
    void operator()(std::monostate) const { to.null(); }
    void operator()(double v) const { to.number(v); }
    void operator()(std::int64_t v) const { to.number(v); }
    void operator()(bool v) const { to.truth(v); }
    void operator()(const std::string& v) const { to.text(v); }
  } const by_type{to};
  std::visit(by_type, value);
}

/// Seconds with milliseconds; whole nanoseconds are noise to whoever asks how old a value is.
void write_age(json_writer& to, std::int64_t time_ns, std::int64_t now_ns) {
  to.key("age_s");
  if (time_ns == no_time) return to.null();
  const auto age_ms = now_ns / ns_per_ms - time_ns / ns_per_ms;
  to.number(static_cast<double>(age_ms) / 1000.0);
}

void write_telemetry(json_writer& to, const twin_description& twin, std::int64_t now_ns) {
  to.key("telemetry");
  to.begin('{');
  for (const auto& t : twin.telemetry) {
    to.name(t.name);
    to.begin('{');
    to.key("value");
    write_value(to, t.value);
    to.member("unit", t.unit);
    to.time_member("event_time", t.event_time_ns);
    write_age(to, t.event_time_ns, now_ns);
    to.member("readings", t.readings);
    to.member("declared", t.declared);
    to.end('}');
  }
  to.end('}');
}

void write_windows(json_writer& to, const twin_description& twin) {
  to.key("windows");
  to.begin('[');
  for (const auto& w : twin.windows) {
    to.begin('{');
    to.member("name", w.name);
    to.member("telemetry", w.telemetry);
    to.member("span", format_duration(w.span_ns));
    to.member("count", w.statistics.count);
    if (w.statistics.count > 0) {
      to.member("mean", w.statistics.mean);
      to.member("sample_stddev", w.statistics.sample_stddev());
      to.member("population_stddev", w.statistics.population_stddev());
      to.member("min", w.statistics.min);
      to.member("max", w.statistics.max);
      to.time_member("from", w.statistics.from_ns);
      to.time_member("to", w.statistics.to_ns);
    }
    to.end('}');
  }
  to.end(']');
}

void write_outputs(json_writer& to, const twin_description& twin) {
  to.key("outputs");
  to.begin('{');
  for (const auto& o : twin.outputs) {
    to.name(o.name);
    if (o.value)
      to.number(*o.value);
    else
      to.null();
  }
  to.end('}');
}

void write_rules(json_writer& to, const twin_description& twin) {
  to.key("rules");
  to.begin('[');
  for (const auto& r : twin.rules) {
    to.begin('{');
    to.member("name", r.name);
    to.member("type", r.type);
    to.member("state", r.state);
    to.member("explanation", r.explanation);
    to.end('}');
  }
  to.end(']');
}

void write_alert(json_writer& to, const domain::described_alert& a) {
  to.begin('{');
  to.member("incident", a.incident);
  to.member("rule", a.rule);
  to.member("severity", domain::to_string(a.level));
  to.member("message", a.message);
  to.time_member("raised_at", a.raised_at_ns);
  to.member("acknowledged", a.acknowledged);
  if (a.acknowledged) to.member("acknowledged_by", a.acknowledged_by);
  to.member("state", a.state);
  if (!a.assignee.empty()) to.member("assigned_to", a.assignee);
  if (a.snoozed_until_ns != no_time) to.time_member("snoozed_until", a.snoozed_until_ns);
  if (a.latched) to.member("latched", true);
  to.member("transitions", a.effects);
  if (!a.members.empty()) {
    to.key("members");
    to.begin('[');
    for (const auto& m : a.members) to.text(m);
    to.end(']');
  }
  to.end('}');
}

void write_alerts(json_writer& to, const twin_description& twin) {
  to.key("alerts");
  to.begin('[');
  for (const auto& a : twin.alerts) write_alert(to, a);
  to.end(']');
}

void write_commands(json_writer& to, const twin_description& twin) {
  to.key("commands");
  to.begin('[');
  for (const auto& c : twin.commands) {
    to.begin('{');
    to.member("id", c.id);
    to.member("command", c.name);
    to.member("phase", domain::to_string(c.phase));
    to.time_member("requested_at", c.requested_at_ns);
    to.time_member("expires_at", c.expires_at_ns);
    to.member("detail", c.detail);
    to.end('}');
  }
  to.end(']');
}

void write_event_time(json_writer& to, const domain::described_event_time& e) {
  to.key("event_time");
  to.begin('{');
  to.time_member("watermark", e.watermark_ns);
  to.member("by_idle", e.by_idle);
  to.key("clock_skew_s");
  if (e.clock_skew_ns == no_time)
    to.null();
  else
    to.number(static_cast<double>(e.clock_skew_ns) / static_cast<double>(ns_per_s));
  to.member("late", e.late);
  to.key("readings");
  to.begin('{');
  to.member("on_time", e.on_time);
  to.member("reordered", e.reordered);
  to.member("late_amended", e.late_amended);
  to.member("late_kept", e.late_kept);
  to.member("late_dropped", e.late_dropped);
  to.member("too_late", e.too_late);
  to.member("future", e.future);
  to.end('}');
  to.member("pending", e.pending);
  to.member("kept_readings", e.kept_readings);
  to.member("state_bytes", e.bytes);
  to.end('}');
}

void write_silences(json_writer& to, std::string_view as,
                    const std::vector<domain::described_silence>& silences) {
  if (silences.empty()) return;
  to.key(as);
  to.begin('[');
  for (const auto& s : silences) {
    to.begin('{');
    to.member("id", s.id);
    if (!s.rule.empty()) to.member("rule", s.rule);
    to.time_member("until", s.until_ns);
    to.member("by", s.by);
    to.member("reason", s.reason);
    to.end('}');
  }
  to.end(']');
}

void write_head(json_writer& to, const twin_description& twin) {
  to.member("id", twin.id);
  to.member("kind", twin.kind);
  to.key("model");
  to.begin('{');
  to.member("name", twin.model_name);
  to.member("hash", twin.model_hash);
  to.end('}');
  to.member("incarnation", twin.incarnation);
  to.member("revision", input_id_text(twin.revision));
  to.member("connected", twin.connected);
  to.time_member("last_event_time", twin.last_event_time_ns);
  to.time_member("last_ingest_time", twin.last_ingest_time_ns);
  to.time_member("next_wakeup", twin.next_wakeup_ns);
  to.key("readings");
  to.begin('{');
  to.member("applied", twin.readings);
  to.member("late", twin.late);
  to.member("duplicates", twin.duplicates);
  to.member("missing", twin.missing);
  to.member("corrections", twin.corrections);
  to.end('}');
  to.key("memory");
  to.begin('{');
  to.member("state_bytes", twin.state_bytes);
  to.member("window_bytes", twin.window_bytes);
  to.end('}');
}

/// They were checked when they were set; read and written again all the same, as one bad byte here
/// would break the whole document.
void write_properties(json_writer& to, const twin_description& twin) {
  using json = nlohmann::ordered_json;
  const auto properties = json::parse(twin.properties, nullptr, false);
  to.key("properties");
  to.raw(properties.is_object() ? properties.dump(-1, ' ', false, json::error_handler_t::replace)
                                : "{}");
  to.member("properties_revision", twin.properties_revision);
}

} // namespace

std::string twin_document(const twin_description& twin, std::int64_t now_ns) {
  json_writer to(usual_bytes + twin.properties.size());
  to.begin('{');
  write_head(to, twin);
  write_telemetry(to, twin, now_ns);
  write_windows(to, twin);
  write_outputs(to, twin);
  write_rules(to, twin);
  write_alerts(to, twin);
  write_commands(to, twin);
  if (twin.event_time.configured) write_event_time(to, twin.event_time);
  write_silences(to, "shelved", twin.shelved);
  write_silences(to, "maintenance", twin.maintenance);
  if (!twin.parent.empty()) to.member("parent", twin.parent);
  if (twin.properties_revision != 0) write_properties(to, twin);
  to.end('}');
  return to.take();
}

} // namespace pollux::messages
