// SPDX-License-Identifier: Apache-2.0
#include "domain/twin/timeline.hpp"
#include "domain/alert/alert_rule.hpp"
#include "domain/model/operator.hpp"
#include "domain/twin/rerun.hpp"
#include <algorithm>

namespace pollux::domain {
namespace {

constexpr std::int64_t skew_period_ns = 600 * ns_per_s;
constexpr std::uint8_t max_idle_ticks = 20; ///< each waits twice as long as the one before

std::size_t heap_of(const std::string& s) noexcept {
  return s.capacity() > std::string{}.capacity() ? s.capacity() + 1 : 0;
}

std::size_t heap_of(const std::vector<active_alert>& all) noexcept {
  std::size_t bytes = all.capacity() * sizeof(active_alert);
  for (const auto& a : all) bytes += heap_of(a.message) + heap_of(a.by);
  return bytes;
}

// Of an alert only what a verdict decides, and what a person said to it.
void save_alerts(const std::vector<active_alert>& all, byte_writer& out) {
  out.u32(static_cast<std::uint32_t>(all.size()));
  for (const auto& a : all) {
    save(a.incident, out);
    out.u32(a.rule);
    out.u8(static_cast<std::uint8_t>(a.level));
    out.i64(a.raised_event_ns);
    out.text(a.message);
    out.boolean(a.acknowledged);
    out.text(a.by);
  }
}

bool load_level(byte_reader& in, severity& level) {
  const auto raw = in.u8();
  level = static_cast<severity>(raw);
  return raw >= 1 && raw <= 3;
}

// Only such rules are ever noted: what is found later is told in their name.
bool alerts(const model& m, std::uint32_t rule) {
  return rule < m.operators.size() && !m.by_time.live[rule] &&
         dynamic_cast<const alert_rule*>(m.operators[rule].get()) != nullptr;
}

bool load_alerts(byte_reader& in, std::vector<active_alert>& all, const model& m,
                 std::size_t most) {
  const auto count = in.u32();
  if (count > most) return false;
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    active_alert a;
    a.incident = load_effect_id(in);
    a.rule = in.u32();
    if (!alerts(m, a.rule) || !load_level(in, a.level)) return false;
    a.raised_event_ns = in.i64();
    a.message = in.text();
    a.acknowledged = in.boolean();
    a.by = in.text();
    all.push_back(std::move(a));
  }
  return in.ok();
}

void save_checkpoint(const checkpoint& c, byte_writer& out) {
  out.i64(c.time_ns);
  out.u64(c.rows);
  out.i64(c.watermark_ns);
  out.i64(c.newest_ns);
  save_alerts(c.alerts, out);
  out.text(c.bytes);
}

bool load_checkpoint(byte_reader& in, checkpoint& c, const model& m) {
  c.time_ns = in.i64();
  c.rows = in.u64();
  c.watermark_ns = in.i64();
  c.newest_ns = in.i64();
  if (!load_alerts(in, c.alerts, m, m.operators.size())) return false;
  c.bytes = in.text();
  return in.ok() && readable(c, m);
}

void save_told(const told_verdict& v, byte_writer& out) {
  out.i64(v.place_ns);
  out.u32(v.rule);
  out.u8(static_cast<std::uint8_t>(v.transition));
  out.u8(static_cast<std::uint8_t>(v.level));
  out.i64(v.event_time_ns);
  save(v.incident, out);
  out.u64(v.digest);
}

bool load_told(byte_reader& in, told_verdict& v, const model& m) {
  v.place_ns = in.i64();
  v.rule = in.u32();
  const auto transition = in.u8();
  if (!alerts(m, v.rule) || !load_level(in, v.level)) return false;
  v.transition = static_cast<alert_transition>(transition);
  v.event_time_ns = in.i64();
  v.incident = load_effect_id(in);
  v.digest = in.u64();
  return in.ok() &&
         (v.transition == alert_transition::raised || v.transition == alert_transition::cleared ||
          v.transition == alert_transition::emitted);
}

} // namespace

void skew_estimate::note(std::int64_t ingest_ns, std::int64_t event_ns) noexcept {
  const auto delay = elapsed_ns(ingest_ns, event_ns);
  const auto period = ingest_ns / skew_period_ns;
  if (period != period_) {
    before_ = period_ != no_time && period == period_ + 1 ? now_ : no_time;
    now_ = no_time;
    period_ = period;
  }
  if (now_ == no_time || delay < now_) now_ = delay;
}

std::int64_t skew_estimate::value() const noexcept {
  return now_ == no_time || before_ == no_time ? std::max(now_, before_) : std::min(now_, before_);
}

void skew_estimate::save(byte_writer& out) const {
  for (const auto t : {period_, now_, before_}) out.i64(t);
}

void skew_estimate::load(byte_reader& in) {
  for (auto* t : {&period_, &now_, &before_}) *t = in.i64();
}

std::int64_t timeline::head_ns() const noexcept {
  return marks.empty() ? newest_ns : std::max(newest_ns, marks.back().place_ns);
}

std::int64_t timeline::base_ns() const noexcept {
  return checkpoints.empty() ? newest_ns : checkpoints.front().time_ns;
}

std::int64_t timeline::due_ns(const twin_state::body& twin) const noexcept {
  const auto idle = idle_due_ns(twin);
  return pending() ? std::min(idle, saturating_add(pending_since_ns, longest_wait_ns)) : idle;
}

std::int64_t timeline::idle_due_ns(const twin_state::body& twin) const noexcept {
  const auto& rule = twin.ruling().event_time;
  if (rule.idle_ns == 0 || heard_ns == no_time || idle_ticks >= max_idle_ticks) return never;
  std::int64_t wait = rule.idle_ns;
  for (int i = 0; i < idle_ticks; ++i) wait = saturating_add(wait, wait);
  // After a start of the node nobody was silent before it: we were.
  return saturating_add(std::max(heard_ns, twin.node_started_ns), wait);
}

std::size_t timeline::heap_bytes() const noexcept {
  std::size_t bytes =
      sizeof(timeline) + rows.heap_bytes() + checkpoints.capacity() * sizeof(checkpoint) +
      marks.capacity() * sizeof(time_mark) + told.capacity() * sizeof(told_verdict) +
      heap_of(touched) + scratch.capacity() * sizeof(measured);
  for (const auto& c : checkpoints) bytes += heap_of(c.bytes) + heap_of(c.alerts);
  return bytes;
}

void timeline::save(byte_writer& out) const {
  for (const auto t : {watermark_ns, newest_ns, heard_ns}) out.i64(t);
  out.u8(idle_ticks);
  out.boolean(by_idle);
  out.u64(lanes.on_time);
  out.u64(lanes.reordered);
  for (const auto n :
       {lanes.late_amended, lanes.late_kept, lanes.late_dropped, lanes.too_late, lanes.future})
    out.u32(n);
  skew.save(out);
  out.u64(gone_through);
  out.u32(credit);
  out.i64(pending_from_ns);
  out.i64(pending_since_ns);
  out.boolean(pending_late);
  rows.save(out);
  out.u32(static_cast<std::uint32_t>(checkpoints.size()));
  for (const auto& c : checkpoints) save_checkpoint(c, out);
  out.u32(static_cast<std::uint32_t>(marks.size()));
  for (const auto& m : marks) {
    out.i64(m.place_ns);
    out.i64(m.watermark_ns);
    out.u32(static_cast<std::uint32_t>(m.cleared));
  }
  out.u32(static_cast<std::uint32_t>(told.size()));
  for (const auto& v : told) save_told(v, out);
  save_alerts(touched, out);
}

bool timeline::load(byte_reader& in, const model& m) {
  for (auto* t : {&watermark_ns, &newest_ns, &heard_ns}) *t = in.i64();
  idle_ticks = in.u8();
  by_idle = in.boolean();
  lanes.on_time = in.u64();
  lanes.reordered = in.u64();
  for (auto* n :
       {&lanes.late_amended, &lanes.late_kept, &lanes.late_dropped, &lanes.too_late, &lanes.future})
    *n = in.u32();
  skew.load(in);
  gone_through = in.u64();
  credit = in.u32();
  pending_from_ns = in.i64();
  pending_since_ns = in.i64();
  pending_late = in.boolean();
  if (!in.ok() || credit > max_credit || !rows.load(in, m.telemetry.size())) return false;
  const auto points = in.u32();
  if (points > max_checkpoints) return false;
  for (std::uint32_t i = 0; i < points; ++i) {
    checkpoint c;
    if (!load_checkpoint(in, c, m)) return false;
    if (!checkpoints.empty() && c.time_ns <= checkpoints.back().time_ns) return false;
    checkpoints.push_back(std::move(c));
  }
  const auto mark_count = in.u32();
  if (mark_count > in.remaining() / 20) return false;
  for (std::uint32_t i = 0; i < mark_count; ++i) {
    time_mark k{in.i64(), in.i64(), static_cast<std::int32_t>(in.u32())};
    if (k.cleared < -1 || k.cleared >= static_cast<std::int32_t>(m.operators.size())) return false;
    if (!marks.empty() && k.place_ns < marks.back().place_ns) return false;
    marks.push_back(k);
  }
  const auto told_count = in.u32();
  if (told_count > 2 * max_told_verdicts) return false;
  for (std::uint32_t i = 0; i < told_count; ++i) {
    told_verdict v;
    if (!load_told(in, v, m)) return false;
    if (!told.empty() && v.place_ns < told.back().place_ns) return false;
    told.push_back(v);
  }
  if (!load_alerts(in, touched, m, max_touched)) return false;
  if (rows.size() != 0 && (checkpoints.empty() || rows.time(0) <= base_ns())) return false;
  return in.ok() && (!pending() || (!checkpoints.empty() && pending_from_ns > base_ns()));
}

void timeline_deleter::operator()(timeline* t) const noexcept { delete t; }

} // namespace pollux::domain
