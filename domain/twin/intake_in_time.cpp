// SPDX-License-Identifier: Apache-2.0
// Readings under an event_time block: which lane they are in, and how they get to their place.
#include "domain/model/operator.hpp"
#include "domain/twin/intake.hpp"
#include "domain/twin/rerun.hpp"
#include <algorithm>

namespace pollux::domain {

// The declared values into `scratch`, by slot; the last of a telemetry named twice counts. False
// when the reading also brings names the model does not declare.
bool intake::gather(std::span<const field> fields) {
  auto& values = twin_.line->scratch;
  values.clear();
  bool declared = true;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const int slot = rules_.telemetry_slot(fields[i].name, i);
    if (slot < 0) {
      declared = false;
    } else if (!fits_declared(fields[i].value,
                              rules_.telemetry[static_cast<std::size_t>(slot)].type)) {
      complain(slot, fields[i]);
    } else {
      const auto s = static_cast<std::uint16_t>(slot);
      auto at = values.end();
      while (at != values.begin() && std::prev(at)->slot > s) --at;
      if (at != values.begin() && std::prev(at)->slot == s)
        std::prev(at)->value = fields[i].value;
      else
        values.insert(at, {s, fields[i].value});
    }
  }
  return declared;
}

intake::lane intake::lane_of(std::int64_t t) const {
  const auto& line = *twin_.line;
  const auto& rule = rules_.event_time;
  const bool late = t < line.watermark_ns;
  if (!rule.orders())
    return late ? lane::late : t > line.newest_ns ? lane::on_time : lane::reordered;
  const bool begun = !line.checkpoints.empty() || line.newest_ns != no_time;
  if (begun && t <= line.base_ns()) return lane::too_late;
  if (!late) return t > line.head_ns() ? lane::on_time : lane::reordered;
  return t < saturating_add(line.watermark_ns, -rule.lateness_ns) ? lane::too_late : lane::late;
}

// Everything that may keep a reading out. True: it goes on as without a block (late = keep).
bool intake::admit(std::int64_t t, std::span<const field> fields) {
  auto& line = *twin_.line;
  const auto& rule = rules_.event_time;
  line.skew.note(at_.in.ingest_time_ns, t);
  if (rule.future_ns > 0 && t > saturating_add(at_.now_ns, rule.future_ns)) {
    ++line.lanes.future;
    (void)gather(fields);
    hear(t);
    return false;
  }
  if (!rule.orders()) return true;
  const bool declared = gather(fields);
  if (declared && !line.scratch.empty() && t <= line.newest_ns &&
      line.rows.holds(t, line.scratch)) {
    ++twin_.duplicates;
    return false;
  }
  const auto l = lane_of(t);
  if (l == lane::too_late || (l == lane::late && rule.late == late_policy::drop)) {
    const bool dropped = rule.late == late_policy::drop && t < line.watermark_ns;
    ++(dropped ? line.lanes.late_dropped : line.lanes.too_late);
    hear(t);
    return false;
  }
  work_in(t, l, fields);
  return false;
}

// The device is heard, whatever becomes of the reading: for what follows our own clock.
void intake::hear(std::int64_t t) {
  row reading(at_, t);
  for (const auto& m : twin_.line->scratch) reading.note_arrived(m.slot);
  twin_.last_heard_ns = at_.now_ns;
  for (const auto* op : rules_.by_time.live_judging) op->judge(reading);
  for (const auto* op : rules_.by_time.live_observing) op->observe(reading);
}

void intake::store_measured(std::int64_t t) {
  auto& line = *twin_.line;
  bool corrects = false;
  for (const auto& m : line.scratch) {
    const auto held = t <= line.newest_ns ? line.rows.find(t, m.slot) : value_view{};
    corrects = corrects || held.kind != value_kind::none;
    if (auto* window = twin_.series_of(m.slot))
      (void)window->insert(t, m.value.number(), line.keep_after[m.slot]);
    ++twin_.latest[m.slot].readings;
  }
  twin_.corrections += corrects ? 1 : 0;
  line.rows.insert(t, line.scratch);
}

void intake::work_in(std::int64_t t, lane l, std::span<const field> fields) {
  auto& line = *twin_.line;
  outcome undeclared;
  for (std::size_t i = 0; i < fields.size(); ++i)
    if (rules_.telemetry_slot(fields[i].name, i) < 0) store_undeclared(fields[i], t, undeclared);
  if (!undeclared.stored && (line.scratch.empty() || line.rows.holds(t, line.scratch))) {
    twin_.duplicates += undeclared.duplicate || !line.scratch.empty() ? 1 : 0;
    return;
  }
  ++twin_.readings;
  twin_.last_event_ns = std::max(twin_.last_event_ns, t);
  twin_.last_heard_ns = line.heard_ns = at_.now_ns;
  line.idle_ticks = 0;
  line.credit = std::min(line.credit + 3, max_credit);
  if (l == lane::on_time) {
    ++line.lanes.on_time;
    checkpoint_before(twin_, t);
    store_measured(t);
    at_.verdicts = &line.told;
    go_through(at_, line.rows.size() - 1);
    at_.verdicts = nullptr;
  } else {
    const bool late = l == lane::late;
    late ? ++line.lanes.late_amended : ++line.lanes.reordered;
    ++twin_.late;
    store_measured(t);
    line.pending_from_ns = line.pending() ? std::min(line.pending_from_ns, t) : t;
    line.pending_late = line.pending_late || late;
    hear(t);
  }
  if (line.pending()) line.pending_since_ns = at_.now_ns;
  enforce_bounds(at_);
}

// late = keep: the reading went its way; the clock follows.
void intake::note_kept(std::int64_t t) {
  auto& line = *twin_.line;
  switch (lane_of(t)) {
  case lane::on_time: ++line.lanes.on_time; break;
  case lane::reordered: ++line.lanes.reordered; break;
  default: ++line.lanes.late_kept;
  }
  line.heard_ns = at_.now_ns;
  line.idle_ticks = 0;
  line.newest_ns = std::max(line.newest_ns, t);
  raise_watermark(at_, saturating_add(line.newest_ns, -rules_.event_time.disorder_ns), false);
}

// A re-run is paid for by the readings that came since the last one, so that a storm of late ones
// costs at most one and a half times as much again as the readings themselves. What waits when no
// more readings come is worked in by a timer.
void intake::finish() {
  if (!twin_.line || !twin_.line->pending()) return;
  auto& line = *twin_.line;
  const auto price = 2 * rows_to_go(line);
  if (price > line.credit) return;
  line.credit -= static_cast<std::uint32_t>(price);
  rerun(at_);
}

} // namespace pollux::domain
