// SPDX-License-Identifier: Apache-2.0
// A twin as people see it, gathered from its state: costs allocations, so only when somebody asks.
#include "domain/alert/alert_desk.hpp"
#include "domain/alert/alert_words.hpp"
#include "domain/model/operator.hpp"
#include "domain/twin/timeline.hpp"
#include "domain/twin/twin.hpp"
#include "domain/twin/twin_state.hpp"
#include "domain/window/window_operator.hpp"

namespace pollux::domain {
namespace {

constexpr std::size_t finished_commands_shown = 16;

owned_value owned(const latest_value& v, const std::string& text) {
  switch (v.type()) {
  case value_kind::f64: return v.f64;
  case value_kind::i64: return v.i64;
  case value_kind::boolean: return v.boolean;
  case value_kind::text: return text;
  default: return std::monostate{};
  }
}

described_telemetry described(const std::string& name, const latest_value& v,
                              const std::string& text) {
  described_telemetry out;
  out.name = name;
  out.value = owned(v, text);
  out.event_time_ns = v.event_time_ns;
  out.readings = v.readings;
  return out;
}

void describe_telemetry(const twin_state::body& b, twin_description& out) {
  const auto& m = b.ruling();
  static const std::string none;
  for (std::size_t slot = 0; slot < m.telemetry.size(); ++slot) {
    const bool has_text = b.rare && !b.rare->texts.empty();
    out.telemetry.push_back(
        described(m.telemetry[slot].name, b.latest[slot], has_text ? b.rare->texts[slot] : none));
    out.telemetry.back().unit = m.telemetry[slot].unit;
  }
  if (!b.rare) return;
  for (const auto& u : b.rare->undeclared) {
    out.telemetry.push_back(described(u.name, u.latest, u.text));
    out.telemetry.back().declared = false;
  }
}

void describe_operators(const twin_state::body& b, std::int64_t now_ns, twin_description& out) {
  const auto& m = b.ruling();
  for (const auto& op : m.operators) {
    const auto offered = op->outputs();
    for (std::uint32_t i = 0; i < offered.size(); ++i)
      out.outputs.push_back({op->name() + "." + std::string(offered[i].name), op->output(b, i)});
    if (const auto* window = dynamic_cast<const window_operator*>(op.get()))
      out.windows.push_back({op->name(), m.telemetry[static_cast<std::size_t>(window->slot())].name,
                             window->span_ns(), window->now(b)});
    else
      out.rules.push_back(op->explain(b, now_ns));
  }
}

void describe_alerts(const twin_state::body& b, twin_description& out) {
  const auto& table = b.rare->alerts;
  for (const auto& a : table.all()) {
    if (!a.open()) continue;
    const bool group = (a.rule & group_rule) != 0;
    const auto* members = group ? &table.groups[a.rule & ~group_rule] : nullptr;
    out.alerts.push_back(
        {to_string(a.incident),
         group ? "children:" + members->name : b.ruling().operators[a.rule]->name(),
         a.message,
         a.level,
         a.raised_event_ns,
         a.acknowledged,
         a.by,
         state_word(a),
         a.assignee,
         a.snoozed_until_ns,
         a.effects,
         a.latched,
         {}});
    if (!group) continue;
    for (const auto& m : members->members)
      out.alerts.back().members.push_back(m.child + " " + m.incident);
  }
  for (const auto& s : table.shelves)
    out.shelved.push_back({to_string(s.incident), s.rule, s.by, s.reason, s.until_ns});
  for (const auto& w : table.maintenance)
    out.maintenance.push_back({to_string(w.id), {}, w.by, w.reason, w.until_ns});
  out.parent = table.parent;
  out.properties = b.rare->properties;
  out.properties_revision = b.rare->properties_revision;
}

void describe_event_time(const twin_state::body& b, described_event_time& out) {
  const auto& line = *b.line;
  static constexpr const char* names[] = {"keep", "amend", "drop"};
  out.configured = true;
  out.late = names[static_cast<std::size_t>(b.ruling().event_time.late)];
  out.watermark_ns = line.watermark_ns;
  out.by_idle = line.by_idle;
  out.clock_skew_ns = line.skew.value();
  out.on_time = line.lanes.on_time;
  out.reordered = line.lanes.reordered;
  out.late_amended = line.lanes.late_amended;
  out.late_kept = line.lanes.late_kept;
  out.late_dropped = line.lanes.late_dropped;
  out.too_late = line.lanes.too_late;
  out.future = line.lanes.future;
  out.pending = line.pending();
  out.kept_readings = line.rows.size();
  out.bytes = line.heap_bytes();
}

// All that are under way, and the last few that are done.
void describe_commands(const twin_state::body& b, twin_description& out) {
  const auto& all = b.rare->commands.all();
  std::size_t finished = 0;
  for (const auto& c : all) finished += c.phase != command_phase::dispatched ? 1 : 0;
  std::size_t skip = finished > finished_commands_shown ? finished - finished_commands_shown : 0;
  for (const auto& c : all) {
    if (c.phase != command_phase::dispatched && skip > 0) {
      --skip;
      continue;
    }
    out.commands.push_back({c.id, c.name, c.phase, c.requested_ns, c.expires_ns, c.detail});
  }
}

} // namespace

twin_description describe(const model_source&, const twin_state& state, std::int64_t now_ns) {
  const auto& b = state.get();
  const auto& m = b.ruling();
  twin_description out;
  out.id = b.id;
  out.kind = m.kind;
  out.model_name = m.name;
  out.model_hash = m.hash;
  out.incarnation = b.incarnation;
  out.revision = b.last_applied;
  out.readings = b.readings;
  out.late = b.late;
  out.duplicates = b.duplicates;
  out.missing = b.missing_sequences;
  out.corrections = b.corrections;
  out.last_event_time_ns = b.last_event_ns;
  out.last_ingest_time_ns = b.last_ingest_ns;
  out.connected = b.connected;
  out.next_wakeup_ns = b.wakeup_ns;
  out.state_bytes = b.heap_bytes();
  out.window_bytes = b.window_bytes();
  if (b.line) describe_event_time(b, out.event_time);
  describe_telemetry(b, out);
  describe_operators(b, now_ns, out);
  if (b.rare) {
    describe_alerts(b, out);
    describe_commands(b, out);
  }
  return out;
}

} // namespace pollux::domain
