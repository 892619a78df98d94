// SPDX-License-Identifier: Apache-2.0
#include "domain/window/pane_window.hpp"
#include <algorithm>
#include <limits>

namespace pollux::domain {
namespace {

/// The greatest k step + offset at or before `t`; times within one step of the ends of int64 fall
/// into the last whole step.
std::int64_t floor_to(std::int64_t t, std::int64_t step, std::int64_t offset) noexcept {
  constexpr auto least = std::numeric_limits<std::int64_t>::min();
  if (t < least + 2 * step) t = least + 2 * step;
  const std::int64_t since = t - offset;
  const std::int64_t over = since % step;
  return t - (over < 0 ? over + step : over);
}

pane* find_pane(closing_state& state, std::int64_t from) {
  for (auto p = state.panes.rbegin(); p != state.panes.rend(); ++p) {
    if (p->from_ns == from) return &*p;
    if (p->from_ns < from) return nullptr;
  }
  return nullptr;
}

pane& insert_pane(closing_state& state, std::int64_t from, std::int64_t to) {
  auto& added = state.append(from, to);
  if (state.panes.size() < 2 || state.panes[state.panes.size() - 2].from_ns < from) return added;
  const auto place = std::lower_bound(state.panes.begin(), state.panes.end() - 1, from,
                                      [](const pane& p, std::int64_t t) { return p.from_ns < t; });
  const auto index = place - state.panes.begin();
  std::rotate(state.panes.begin() + index, state.panes.end() - 1, state.panes.end());
  return state.panes[static_cast<std::size_t>(index)];
}

} // namespace

std::int64_t pane_shape::hop_at(std::int64_t t) const noexcept {
  return floor_to(t, hop_ns, offset_ns);
}
std::int64_t pane_shape::pane_at(std::int64_t t) const noexcept {
  return floor_to(t, pane_ns, offset_ns % pane_ns);
}
std::int64_t pane_shape::end_after(std::int64_t t) const noexcept {
  return saturating_add(floor_to(t, hop_ns, (offset_ns + size_ns % hop_ns) % hop_ns), hop_ns);
}

bool fill_pane(const aggregate_plan& plan, closing_state& state, row& reading, int slot,
               const pane_shape& shape) {
  const std::int64_t t = reading.event_time_ns();
  const std::int64_t from = shape.pane_at(t), to = saturating_add(from, shape.pane_ns);
  state.fresh_merge = false;
  pane* at = find_pane(state, from);
  if (reading.fresh(slot) &&
      (at == nullptr || at->content.count() == 0 || at->content.last_ns() < t)) {
    (at != nullptr ? *at : insert_pane(state, from, to)).content.add(plan, t, reading.value(slot));
    return true;
  }
  const auto& twin = reading.twin();
  const auto* readings = twin.series_of(slot);
  const std::int64_t now = twin.latest[static_cast<std::size_t>(slot)].event_time_ns;
  if (readings == nullptr || from <= saturating_add(now, -shape.kept_ns)) return false;
  auto& again = (at != nullptr ? *at : insert_pane(state, from, to)).content;
  again.clear();
  readings->each(saturating_add(from, -1), std::min(to - 1, now),
                 [&](std::int64_t when, double v) { again.add(plan, when, v); });
  return true;
}

pane_window::pane_window(closing_keys keys, pane_shape shape)
    : closing_window(std::move(keys)), shape_(shape) {}

void pane_window::take(row& reading) const {
  if (!reading.arrived(slot())) return;
  auto& state = state_for(reading.twin());
  const std::int64_t last_end =
      saturating_add(shape_.hop_at(reading.event_time_ns()), shape_.size_ns);
  const bool closed =
      last_end <= state.watermark_ns || (state.closed != 0 && last_end <= state.to_ns);
  if (closed || !fill_pane(plan(), state, reading, slot(), shape_)) {
    ++state.late;
    return;
  }
  if (state.panes.size() <= max_panes) return;
  ++state.hurried; // so far out of order that the bound holds only if the oldest closes now
  close_oldest(reading.at(), state, next_end(state), false);
}

/// Where the oldest window ends that holds the oldest pane and is not closed.
std::int64_t pane_window::next_end(const closing_state& state) const noexcept {
  // A window that was empty when the watermark passed it is closed like any other.
  const std::int64_t closed =
      state.closed != 0 ? std::max(state.to_ns, state.watermark_ns) : state.watermark_ns;
  return shape_.end_after(std::max(state.panes.front().from_ns, closed));
}

void pane_window::close_until(step_context& at, closing_state& state, std::int64_t until_ns,
                              bool by_idle) const {
  while (!state.panes.empty()) {
    const std::int64_t end = next_end(state);
    if (end > until_ns || end == never) return;
    close_oldest(at, state, end, by_idle);
  }
}

void pane_window::close_oldest(step_context& at, closing_state& state, std::int64_t end_ns,
                               bool by_idle) const {
  const std::int64_t from = end_ns - shape_.size_ns;
  std::size_t inside = 0;
  while (inside < state.panes.size() && state.panes[inside].to_ns <= end_ns) ++inside;
  if (inside == 1) {
    close(at, state, state.panes.front().content, from, end_ns, by_idle);
  } else if (inside > 1) {
    auto& all = state.merged;
    all.clear();
    state.fresh_merge = false;
    for (std::size_t i = 0; i < inside; ++i) all.merge(plan(), state.panes[i].content);
    close(at, state, all, from, end_ns, by_idle);
  }
  const std::int64_t next_from = from + shape_.hop_ns;
  std::size_t gone = 0;
  while (gone < state.panes.size() && state.panes[gone].from_ns < next_from) ++gone;
  state.drop(gone);
}

closing_window::open_part pane_window::open(const closing_state& state) const {
  if (state.panes.empty()) return {};
  const auto& newest = state.panes.back();
  const std::int64_t from = saturating_add(shape_.end_after(newest.from_ns), -shape_.size_ns);
  if (shape_.pane_ns == shape_.size_ns) return {&newest.content, newest.content.last_ns()};
  if (!state.fresh_merge) {
    state.merged.clear();
    for (const auto& p : state.panes)
      if (p.from_ns >= from) state.merged.merge(plan(), p.content);
    state.fresh_merge = true;
  }
  return {&state.merged, newest.content.last_ns()};
}

} // namespace pollux::domain
