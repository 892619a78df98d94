// SPDX-License-Identifier: Apache-2.0
#include "domain/twin/rerun.hpp"
#include "domain/base/ensure.hpp"
#include "domain/model/operator.hpp"
#include "domain/twin/amend.hpp"
#include <algorithm>

namespace pollux::domain {
namespace {

// A checkpoint every so many readings, fewer when it is large: at most 16 bytes a reading.
constexpr std::uint64_t rows_between = 16;
constexpr std::uint64_t bytes_a_row = 16;

void save_latest(const twin_state::body& twin, byte_writer& out) {
  const auto slots = twin.ruling().telemetry.size();
  const bool texts = twin.rare && !twin.rare->texts.empty();
  for (std::size_t slot = 0; slot < slots; ++slot) {
    const auto& v = twin.latest[slot];
    out.i64(v.event_time_ns);
    out.u8(static_cast<std::uint8_t>(v.type()));
    out.u64(static_cast<std::uint64_t>(v.i64)); // the union's bits, whatever it holds
    if (v.type() == value_kind::text)
      out.text(texts ? std::string_view(twin.rare->texts[slot]) : std::string_view{});
  }
}

void set_value(latest_value& latest, value_kind kind, std::uint64_t bits) noexcept {
  latest.kind = static_cast<std::uint8_t>(kind);
  latest.i64 = static_cast<std::int64_t>(bits);
}

void set_text(twin_state::body& twin, std::size_t slot, std::string_view text) {
  auto& texts = twin.rarely().texts;
  if (texts.empty()) texts.resize(twin.ruling().telemetry.size());
  texts[slot].assign(text);
}

// How many readings of a telemetry there were is a counter: it does not go back.
void load_latest(byte_reader& in, twin_state::body& twin) {
  const auto slots = twin.ruling().telemetry.size();
  for (std::size_t slot = 0; slot < slots; ++slot) {
    auto& v = twin.latest[slot];
    v.event_time_ns = in.i64();
    const auto kind = static_cast<value_kind>(in.u8());
    set_value(v, kind, in.u64());
    if (kind == value_kind::text) set_text(twin, slot, in.text());
  }
}

void take_checkpoint(twin_state::body& twin) {
  auto& line = *twin.line;
  const auto& m = twin.ruling();
  auto& c = line.checkpoints.emplace_back();
  c.time_ns = line.head_ns();
  c.rows = line.gone_through;
  c.watermark_ns = line.watermark_ns;
  c.newest_ns = line.newest_ns;
  if (twin.rare)
    for (const auto& a : twin.rare->alerts.all())
      if (a.condition && a.rule < m.operators.size() && !m.by_time.live[a.rule]) {
        auto& kept = c.alerts.emplace_back();
        kept.incident = a.incident;
        kept.rule = a.rule;
        kept.level = a.level;
        kept.raised_event_ns = a.raised_event_ns;
        kept.message = a.message;
      }
  byte_writer out(c.bytes);
  save_latest(twin, out);
  for (const auto* op : m.by_time.keeping) {
    const auto& state = twin.states[op->identity().state];
    out.boolean(state != nullptr);
    if (state) op->save(*state, out);
  }
}

// Sets the twin back. `line.marks` and the rows stay as they are.
void restore(twin_state::body& twin, const checkpoint& c) {
  auto& line = *twin.line;
  byte_reader in(c.bytes);
  load_latest(in, twin);
  for (const auto* op : twin.ruling().by_time.keeping) {
    auto& state = twin.states[op->identity().state];
    state = in.boolean() ? op->load(in) : nullptr;
  }
  ensure(in.ok() && in.at_end(), "a checkpoint that was taken cannot be read");
  line.watermark_ns = c.watermark_ns;
  line.newest_ns = c.newest_ns;
  line.gone_through = c.rows;
  line.by_idle = false;
  if (twin.rare || !c.alerts.empty()) twin.rarely().alerts.all() = c.alerts;
}

// The further back, the fewer: of three, the middle one goes when the outer ones are still close
// for their distance from the head. Never so that readings lie further than a stride from one.
void thin(timeline& line, std::int64_t stride_ns) {
  auto& all = line.checkpoints;
  for (std::size_t i = 1; i + 1 < all.size();) {
    const auto& before = all[i - 1];
    const auto& after = all[i + 1];
    const bool near = after.rows - before.rows <= (line.gone_through - after.rows) / 2;
    if (near && elapsed_ns(after.time_ns, before.time_ns) <= stride_ns)
      all.erase(all.begin() + static_cast<std::ptrdiff_t>(i));
    else
      ++i;
  }
}

// Drops the oldest checkpoint and what only it needed.
void drop_base(twin_state::body& twin) {
  auto& line = *twin.line;
  line.checkpoints.erase(line.checkpoints.begin());
  const auto base = line.base_ns();
  line.rows.forget_through(base);
  // The last mark says where the head is: it stays.
  std::size_t marks = 0;
  while (marks + 1 < line.marks.size() && line.marks[marks].place_ns <= base) ++marks;
  line.marks.erase(line.marks.begin(), line.marks.begin() + static_cast<std::ptrdiff_t>(marks));
  const auto first = std::find_if(line.told.begin(), line.told.end(),
                                  [&](const told_verdict& v) { return v.place_ns > base; });
  line.told.erase(line.told.begin(), first);
  note_keep_after(twin);
}

void trim(twin_state::body& twin) {
  auto& line = *twin.line;
  const auto& rule = twin.ruling().event_time;
  const auto horizon = saturating_add(line.watermark_ns, -rule.lateness_ns);
  while (line.checkpoints.size() > 1 && line.checkpoints[1].time_ns < horizon) drop_base(twin);
}

void note_places(std::vector<told_verdict>& verdicts, std::size_t from, std::int64_t place_ns) {
  for (auto i = from; i < verdicts.size(); ++i) verdicts[i].place_ns = place_ns;
}

} // namespace

// A window that ends at or after the oldest checkpoint ends at the latest value it holds, or later.
void note_keep_after(twin_state::body& twin) {
  auto& line = *twin.line;
  const auto& m = twin.ruling();
  line.keep_after.assign(m.telemetry.size(), no_time);
  if (line.checkpoints.empty()) return;
  const auto& base = line.checkpoints.front();
  byte_reader in(base.bytes);
  for (std::size_t slot = 0; slot < m.telemetry.size(); ++slot) {
    const auto latest = in.i64();
    const auto kind = static_cast<value_kind>(in.u8());
    (void)in.u64();
    if (kind == value_kind::text) (void)in.text();
    line.keep_after[slot] =
        saturating_add(latest == no_time ? base.time_ns : latest, -m.series_span_ns[slot]);
  }
}

void checkpoint_before(twin_state::body& twin, std::int64_t next_ns) {
  auto& line = *twin.line;
  const auto& rule = twin.ruling().event_time;
  if (line.pending()) return; // the state is not yet what the readings so far make of it
  if (line.checkpoints.empty()) {
    take_checkpoint(twin);
    return note_keep_after(twin);
  }
  const auto& last = line.checkpoints.back();
  const auto head = line.head_ns();
  if (head <= last.time_ns) return;
  const auto rows = line.gone_through - last.rows;
  const auto apart = std::max<std::uint64_t>(rows_between, last.bytes.size() / bytes_a_row);
  if (rows < apart && elapsed_ns(next_ns, last.time_ns) <= rule.stride_ns()) return;
  take_checkpoint(twin);
  thin(line, rule.stride_ns());
  if (line.checkpoints.size() > max_checkpoints) drop_base(twin);
  trim(twin);
}

void raise_watermark(step_context& at, std::int64_t watermark_ns, bool by_idle) {
  auto& line = *at.twin.line;
  if (watermark_ns <= line.watermark_ns) return;
  line.watermark_ns = watermark_ns;
  line.by_idle = by_idle;
  const auto& m = at.twin.ruling();
  for (const auto* op : at.rerun ? m.by_time.watching : m.watching)
    op->pass_watermark(at, watermark_ns, by_idle);
}

void go_through(step_context& at, std::size_t index) {
  auto& twin = at.twin;
  auto& line = *twin.line;
  const auto& m = twin.ruling();
  const auto t = line.rows.time(index);
  const auto cells = line.rows.cells(index);
  const auto noted = at.verdicts->size();
  row reading(at, t);
  reading.note_newest(); // readings come in order of time here, one for each instant
  for (const auto& c : cells) {
    const auto value = line.rows.value(c);
    reading.note_fresh(c.slot, value.numeric() ? value.number() : 0);
    reading.note_arrived(c.slot);
  }
  for (const auto* op : at.rerun ? m.by_time.judging : m.judging) op->judge(reading);
  for (const auto& c : cells) {
    auto& latest = twin.latest[c.slot];
    latest.event_time_ns = t;
    latest.set(line.rows.value(c));
    if (c.kind == value_kind::text) set_text(twin, c.slot, line.rows.value(c).bytes);
  }
  for (const auto* op : at.rerun ? m.by_time.observing : m.observing) op->observe(reading);
  ++line.gone_through;
  line.newest_ns = std::max(line.newest_ns, t);
  raise_watermark(at, saturating_add(line.newest_ns, -m.event_time.disorder_ns), false);
  note_places(*at.verdicts, noted, t);
}

namespace {

void go_through_mark(step_context& at, const time_mark& mark) {
  const auto noted = at.verdicts->size();
  if (mark.cleared < 0)
    raise_watermark(at, mark.watermark_ns, true);
  else if (at.rerun && at.twin.rare)
    at.twin.rare->alerts.remove(static_cast<std::uint32_t>(mark.cleared));
  note_places(*at.verdicts, noted, mark.place_ns);
}

// All rows and marks after the checkpoint, in order of their places. Checkpoints are made anew.
void go_forward(step_context& at, std::int64_t from_ns) {
  auto& twin = at.twin;
  auto& line = *twin.line;
  const auto marks = std::move(line.marks); // given back one by one: head_ns() follows
  line.marks.clear();
  std::size_t mark = 0;
  for (; mark < marks.size() && marks[mark].place_ns <= from_ns; ++mark)
    line.marks.push_back(marks[mark]);
  std::size_t i = line.rows.first_after(from_ns);
  while (i < line.rows.size() || mark < marks.size()) {
    const bool row_next =
        i < line.rows.size() && (mark == marks.size() || line.rows.time(i) <= marks[mark].place_ns);
    const auto place = row_next ? line.rows.time(i) : marks[mark].place_ns;
    const auto left = line.rows.size() - i;
    checkpoint_before(twin, place);
    i = line.rows.size() - left; // a checkpoint may let go of the oldest rows
    if (row_next) {
      twin.last_event_ns = place;
      go_through(at, i++);
    } else {
      go_through_mark(at, marks[mark]);
      line.marks.push_back(marks[mark++]);
    }
  }
}

} // namespace

void place_mark(step_context& at, time_mark mark) {
  auto& line = *at.twin.line;
  mark.place_ns = saturating_add(line.head_ns(), 1);
  if (mark.cleared < 0) mark.place_ns = std::max(mark.place_ns, mark.watermark_ns);
  checkpoint_before(at.twin, mark.place_ns);
  at.verdicts = &line.told;
  go_through_mark(at, mark);
  at.verdicts = nullptr;
  line.marks.push_back(mark);
}

std::size_t rows_to_go(const timeline& line) noexcept {
  std::int64_t from = line.base_ns();
  for (const auto& c : line.checkpoints)
    if (c.time_ns < line.pending_from_ns) from = c.time_ns;
  return line.rows.size() - line.rows.first_after(from);
}

void rerun(step_context& at) {
  auto& twin = at.twin;
  auto& line = *twin.line;
  if (!line.pending()) return;
  while (line.checkpoints.size() > 1 && line.checkpoints.back().time_ns >= line.pending_from_ns)
    line.checkpoints.pop_back();
  const auto from = line.checkpoints.back().time_ns;
  const auto first = std::find_if(line.told.begin(), line.told.end(),
                                  [&](const told_verdict& v) { return v.place_ns > from; });
  std::vector<told_verdict> before(first, line.told.end());
  line.told.erase(first, line.told.end());
  std::vector<active_alert> alerts;
  if (twin.rare) alerts = std::move(twin.rare->alerts.all());
  const auto last_event = twin.last_event_ns;
  const bool late = line.pending_late;
  line.pending_from_ns = line.pending_since_ns = no_time;
  line.pending_late = false;

  restore(twin, line.checkpoints.back());
  rerun_findings found;
  step_context again{twin, at.in, found.told, at.now_ns, provisional};
  again.rerun = true;
  again.verdicts = &found.verdicts;
  go_forward(again, from);

  twin.last_event_ns = last_event;
  if (twin.rare) {
    found.alerts = std::move(twin.rare->alerts.all());
    twin.rare->alerts.all() = std::move(alerts);
  }
  amend(at, std::move(before), std::move(found), late);
  trim(twin);
}

void enforce_bounds(step_context& at) {
  auto& line = *at.twin.line;
  const auto& rule = at.twin.ruling().event_time;
  const auto over = [&] {
    return line.rows.size() + line.marks.size() > rule.max_rows ||
           line.told.size() > max_told_verdicts || line.rows.text_bytes() > max_row_text_bytes;
  };
  if (!over()) return;
  rerun(at);
  while (over()) {
    if (line.checkpoints.size() == 1) {
      if (line.head_ns() <= line.base_ns()) return;
      take_checkpoint(at.twin);
    }
    drop_base(at.twin);
  }
}

bool readable(const checkpoint& c, const model& m) {
  byte_reader in(c.bytes);
  for (std::size_t slot = 0; slot < m.telemetry.size(); ++slot) {
    (void)in.i64();
    const auto kind = in.u8();
    (void)in.u64();
    if (kind > 6) return false;
    if (static_cast<value_kind>(kind) == value_kind::text && in.text().size() > max_text_bytes)
      return false;
  }
  for (const auto* op : m.by_time.keeping) {
    const bool held = in.boolean();
    if (held && op->load(in) == nullptr) return false;
    if (!held && op->fresh_state(0) != nullptr) return false; // never goes without
  }
  return in.ok() && in.at_end();
}

} // namespace pollux::domain
