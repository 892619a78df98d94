// SPDX-License-Identifier: Apache-2.0
#include "domain/window/sliced_window.hpp"

namespace pollux::domain {

sliced_window::sliced_window(closing_keys keys, std::int64_t span_ns, std::int64_t slice_ns)
    : closing_window(std::move(keys)),
      span_ns_(span_ns), slices_{slice_ns, slice_ns, 0, slice_ns, slice_ns} {}

void sliced_window::observe(row& reading) const {
  if (!reading.arrived(slot())) return;
  auto& state = state_for(reading.twin());
  const std::int64_t now = reading.twin().latest[static_cast<std::size_t>(slot())].event_time_ns;
  const std::int64_t from = saturating_add(now, -span_ns_); // of it nothing at or before counts
  // All but the newest slice hold as they are until it is full: only that one is added each time.
  const std::int64_t t = reading.event_time_ns();
  const bool merged = state.fresh_merge && !state.panes.empty() &&
                      t >= state.panes.back().from_ns && t < state.panes.back().to_ns;
  if (slices_.pane_at(t) <= from || !fill_pane(plan(), state, reading, slot(), slices_))
    ++state.late;
  std::size_t gone = 0;
  while (gone < state.panes.size() && state.panes[gone].from_ns <= from) ++gone;
  state.drop(gone);
  state.fresh_merge = merged && gone == 0;
}

std::vector<operator_output> sliced_window::outputs() const {
  std::vector<operator_output> out;
  for (const auto& a : plan().chosen) out.push_back({a.name, slot()});
  out.push_back({"late", slot()});
  return out;
}

std::optional<double> sliced_window::output(const twin_state::body& twin,
                                            std::uint32_t which) const {
  const auto* state = static_cast<const closing_state*>(state_of(twin));
  if (state == nullptr) return std::nullopt;
  if (which >= plan().chosen.size()) return static_cast<double>(state->late);
  const auto part = open(*state);
  if (part.content == nullptr) return std::nullopt;
  return part.content->value(plan().chosen[which], part.end_ns);
}

/// `merged` holds all slices but the newest for as long as fresh_merge says so.
closing_window::open_part sliced_window::open(const closing_state& state) const {
  if (state.panes.empty()) return {};
  const auto& newest = state.panes.back().content;
  if (state.panes.size() == 1) return {&newest, newest.last_ns()};
  if (!state.fresh_merge) {
    state.merged.clear();
    for (std::size_t i = 0; i + 1 < state.panes.size(); ++i)
      state.merged.merge(plan(), state.panes[i].content);
    state.fresh_merge = true;
  }
  state.all.clear();
  state.all.merge(plan(), state.merged);
  state.all.merge(plan(), newest);
  return {&state.all, newest.last_ns()};
}

} // namespace pollux::domain
