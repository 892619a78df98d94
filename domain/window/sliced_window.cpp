// SPDX-License-Identifier: Apache-2.0
#include "domain/window/sliced_window.hpp"

namespace pollux::domain {
namespace {

bool in_any_order(aggregate_kind kind) {
  return kind == aggregate_kind::quantile || kind == aggregate_kind::distinct;
}

} // namespace

sliced_window::sliced_window(closing_keys keys, std::int64_t span_ns, std::int64_t slice_ns)
    : closing_window(std::move(keys)),
      span_ns_(span_ns), slices_{slice_ns, slice_ns, 0, slice_ns, slice_ns} {
  folded_.half_life_ns = plan().half_life_ns;
  for (const auto& a : plan().chosen) (in_any_order(a.kind) ? in_any_order_ : folded_).choose(a);
}

void sliced_window::take(row& reading) const {
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
  state.fresh_merge = merged && gone == 0 && reading.fresh(slot());
  if (state.fresh_merge && in_any_order_.rich())
    state.in_any_order.add(in_any_order_, t, reading.value(slot()));
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
  const auto& asked = plan().chosen[which];
  const auto part = open(*state);
  if (part.content == nullptr) return std::nullopt;
  if (in_any_order(asked.kind) && state->panes.size() > 1)
    return state->in_any_order.value(asked, part.end_ns);
  return part.content->value(asked, part.end_ns);
}

/// All that does not change while only the newest slice fills up.
void sliced_window::merge_whole(const closing_state& state) const {
  state.merged.clear();
  state.in_any_order.clear();
  for (std::size_t i = 0; i < state.panes.size(); ++i) {
    const auto& content = state.panes[i].content;
    if (i + 1 < state.panes.size()) state.merged.merge(folded_, content);
    if (in_any_order_.rich()) state.in_any_order.merge(in_any_order_, content);
  }
  state.fresh_merge = true;
}

/// `merged` holds all slices but the newest for as long as fresh_merge says so.
closing_window::open_part sliced_window::open(const closing_state& state) const {
  if (state.panes.empty()) return {};
  const auto& newest = state.panes.back().content;
  if (state.panes.size() == 1) return {&newest, newest.last_ns()};
  if (!state.fresh_merge) merge_whole(state);
  state.all.clear();
  state.all.merge(folded_, state.merged);
  state.all.merge(folded_, newest);
  return {&state.all, newest.last_ns()};
}

} // namespace pollux::domain
