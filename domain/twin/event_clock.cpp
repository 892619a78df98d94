// SPDX-License-Identifier: Apache-2.0
#include "domain/twin/event_clock.hpp"
#include "domain/model/model.hpp"
#include "domain/twin/rerun.hpp"
#include <algorithm>

namespace pollux::domain {
namespace {

void keep_touched(timeline& line, const active_alert& alert) {
  std::erase_if(line.touched, [&](const auto& t) { return t.incident == alert.incident; });
  if (line.touched.size() >= max_touched) line.touched.erase(line.touched.begin());
  active_alert kept;
  kept.incident = alert.incident;
  kept.rule = alert.rule;
  kept.level = alert.level;
  kept.raised_event_ns = alert.raised_event_ns;
  kept.message = alert.message;
  kept.acknowledged = alert.acknowledged;
  kept.by = alert.by;
  line.touched.push_back(std::move(kept));
}

bool people_act(input_kind kind) noexcept {
  return kind == input_kind::alert_acknowledged || kind == input_kind::alert_action;
}

} // namespace

void begin_timeline(twin_state::body& twin) {
  twin.line.reset(twin.ruling().event_time.configured ? new timeline : nullptr);
}

void bring_clock(twin_state::body& twin, const timeline* old) {
  if (!twin.line) return;
  auto& line = *twin.line;
  line.newest_ns = twin.last_event_ns;
  line.heard_ns = twin.last_heard_ns;
  if (old != nullptr) {
    line.newest_ns = old->head_ns();
    line.watermark_ns = old->watermark_ns;
    line.heard_ns = old->heard_ns;
    line.idle_ticks = old->idle_ticks;
    line.by_idle = old->by_idle;
    line.lanes = old->lanes;
    line.skew = old->skew;
    line.credit = old->credit;
  } else if (line.newest_ns != no_time) {
    line.watermark_ns = saturating_add(line.newest_ns, -twin.ruling().event_time.disorder_ns);
  }
}

std::int64_t event_time_due_ns(const twin_state::body& twin) noexcept {
  return twin.line ? twin.line->due_ns(twin) : never;
}

void event_time_falls_due(step_context& at) {
  auto& twin = at.twin;
  if (!twin.line || twin.deleted) return;
  auto& line = *twin.line;
  const bool idle = line.idle_due_ns(twin) <= at.now_ns;
  work_in_late(at);
  if (!idle) return;
  ++line.idle_ticks;
  const auto anchor = std::max(line.heard_ns, twin.node_started_ns);
  const auto& rule = twin.ruling().event_time;
  const auto went_on = saturating_add(line.newest_ns, elapsed_ns(at.now_ns, anchor));
  const auto watermark = saturating_add(went_on, -rule.disorder_ns);
  if (watermark <= line.watermark_ns) return;
  if (rule.orders())
    place_mark(at, {0, watermark, -1});
  else
    raise_watermark(at, watermark, true);
}

void work_in_late(step_context& at) {
  if (at.twin.line && !at.twin.deleted) rerun(at);
}

std::vector<std::uint32_t> conditions_before(const step_context& at) {
  std::vector<std::uint32_t> rules;
  const auto& twin = at.twin;
  if (!twin.line || !twin.rare || !people_act(at.in.kind) || !twin.ruling().event_time.orders())
    return rules;
  const auto& live = twin.ruling().by_time.live;
  for (const auto& a : twin.rare->alerts.all())
    if (a.condition && a.rule < live.size() && !live[a.rule]) rules.push_back(a.rule);
  return rules;
}

void note_what_people_did(step_context& at, const std::vector<std::uint32_t>& before) {
  if (before.empty()) return;
  auto& table = at.twin.rarely().alerts;
  for (const auto rule : before) {
    const auto* alert = std::as_const(table).of_rule(rule);
    if (alert == nullptr || !alert->condition)
      place_mark(at, {0, 0, static_cast<std::int32_t>(rule)});
    else if (alert->acknowledged)
      keep_touched(*at.twin.line, *alert);
  }
}

} // namespace pollux::domain
