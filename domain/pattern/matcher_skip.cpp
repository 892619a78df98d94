// SPDX-License-Identifier: Apache-2.0
// Which matches are told, which half matches are one and the same, and which give way.
#include "domain/pattern/matcher.hpp"
#include <algorithm>

namespace pollux::domain {

// Which of two matches that begin and end alike speaks first (below 0: `a`): the longer one, then
// the one with the earlier events, then the one with the earlier stages. 0: they are the same.
int pattern_matcher::compare(const path_store& paths, std::uint32_t a, std::uint32_t b) const {
  if (paths.node(a).length != paths.node(b).length)
    return paths.node(a).length > paths.node(b).length ? -1 : 1;
  int by_event = 0, by_stage = 0; // the difference nearest to the beginning
  for (; a != b; a = paths.node(a).parent, b = paths.node(b).parent) {
    const auto& na = paths.node(a);
    const auto& nb = paths.node(b);
    if (na.event != nb.event)
      by_event = paths.event(na.event).id < paths.event(nb.event).id ? -1 : 1;
    const auto sa = graph_.positions[na.position].stage, sb = graph_.positions[nb.position].stage;
    if (sa != sb) by_stage = sa < sb ? -1 : 1;
  }
  return by_event != 0 ? by_event : by_stage;
}

// The same from here on: same position and edges, and the same events wherever a condition may look
// back. With strategies that let one match speak for each first event, the better one speaks for
// both; without them only what is the same path anyway.
bool pattern_matcher::equal_future(const half_match& a, const half_match& b,
                                   const path_store& paths) const {
  if (a.start_id != b.start_id || a.position != b.position || a.alive != b.alive ||
      a.untouched != b.untouched || a.waiting != b.waiting)
    return false;
  if (!merging_) return paths.same_path(a.node, b.node);
  const bool steps = graph_.has_steps || graph_.ending.step_ns > 0;
  if (steps && paths.node(a.node).event != paths.node(b.node).event) return false;
  if (referred_ == 0) return true;
  const auto counts = [&](std::uint32_t n) {
    return (referred_ >> graph_.positions[paths.node(n).position].stage & 1) != 0;
  };
  for (auto x = a.node, y = b.node; x != y; x = paths.node(x).parent, y = paths.node(y).parent) {
    while (x != no_node && !counts(x)) x = paths.node(x).parent;
    while (y != no_node && !counts(y)) y = paths.node(y).parent;
    if (x == y) break;
    if (x == no_node || y == no_node) return false;
    const auto& nx = paths.node(x);
    const auto& ny = paths.node(y);
    if (nx.event != ny.event ||
        graph_.positions[nx.position].stage != graph_.positions[ny.position].stage)
      return false;
  }
  return true;
}

void pattern_matcher::merge(half_matches& all, std::uint64_t event_id) const {
  auto& list = all.partial;
  for (std::size_t i = 1; i < list.size(); ++i) {
    // Only what took this event can have become another one's equal.
    for (std::size_t j = i; j-- > 0 && list[j].start_id == list[i].start_id;) {
      const bool news = all.paths.event_of(list[i].node).id == event_id ||
                        all.paths.event_of(list[j].node).id == event_id || !list[i].untouched;
      if (!news || !equal_future(list[i], list[j], all.paths)) continue;
      if (compare(all.paths, list[i].node, list[j].node) < 0) std::swap(list[i].node, list[j].node);
      list[j].was_match = list[j].was_match || list[i].was_match;
      all.paths.drop(list[i].node);
      list.erase(list.begin() + static_cast<std::ptrdiff_t>(i--));
      ++all.counts.merged;
      break;
    }
  }
}

// The oldest give way: what has waited longest is nearest to its time-out.
void pattern_matcher::evict(half_matches& all, std::vector<half_match>& from) const {
  const auto count = from.size() + all.held.size();
  if (count <= most_.max_partial) return;
  const auto gone = std::min(count - most_.max_partial, from.size());
  for (std::size_t i = 0; i < gone; ++i) all.paths.drop(from[i].node);
  from.erase(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(gone));
  all.counts.evicted += gone;
}

// Brings what was just found into order and tells what may be told.
void pattern_matcher::tell(half_matches& all, match_listener& out) const {
  auto& done = all.done;
  const auto before = [&](const found_match& a, const found_match& b) {
    if (a.start_id != b.start_id) return a.start_id < b.start_id;
    if (a.end_id != b.end_id) return a.end_id < b.end_id;
    return compare(all.paths, a.node, b.node) < 0;
  };
  if (done.size() > 1) std::sort(done.begin(), done.end(), before);
  if (graph_.skip != skip_strategy::none) {
    for (const auto& f : done)
      all.held.insert(std::upper_bound(all.held.begin(), all.held.end(), f, before), f);
    done.clear();
    tell_held(all, out);
    return;
  }
  for (std::size_t i = 0; i < done.size(); ++i) {
    // The same events at the same stages, found on two ways through the pattern, are one match.
    bool again = false;
    for (std::size_t j = i; j-- > 0 && !again && done[j].start_id == done[i].start_id;)
      again = same_match(all, done[i], done[j]);
    if (again) continue;
    ++all.counts.matches;
    out.matched(all, done[i]);
  }
  for (const auto& f : done) all.paths.drop(f.node);
  done.clear();
}

bool pattern_matcher::same_match(const half_matches& all, const found_match& a,
                                 const found_match& b) const {
  return a.end_id == b.end_id && compare(all.paths, a.node, b.node) == 0;
}

// Matches speak in the order of their first events: one waits while a half match that began
// earlier may still become one and skip it.
void pattern_matcher::tell_held(half_matches& all, match_listener& out) const {
  auto& held = all.held;
  const found_match* last = nullptr;
  found_match told;
  while (!held.empty() &&
         (all.partial.empty() || held.front().start_id <= all.partial.front().start_id)) {
    const auto match = held.front();
    held.erase(held.begin());
    if (last == nullptr || !same_match(all, match, told)) {
      ++all.counts.matches;
      out.matched(all, match);
    }
    if (last != nullptr) all.paths.drop(told.node);
    told = match;
    last = &told;
    skip_after(all, match);
  }
  if (last != nullptr) all.paths.drop(told.node);
}

void pattern_matcher::skip_after(half_matches& all, const found_match& match) const {
  const auto& paths = all.paths;
  std::uint64_t below = 0; // those that began before this event go
  switch (graph_.skip) {
  case skip_strategy::none: return;
  case skip_strategy::to_next: below = match.start_id + 1; break;
  case skip_strategy::past_last: below = paths.event_of(match.node).id + 1; break;
  case skip_strategy::to_first:
  case skip_strategy::to_last:
    for (auto n = match.node; n != no_node; n = paths.node(n).parent) {
      if (graph_.positions[paths.node(n).position].stage != graph_.skip_stage) continue;
      below = paths.event_of(n).id;
      if (graph_.skip == skip_strategy::to_last) break;
    }
    break;
  }
  const auto drop_below = [&](auto& list) {
    const auto end =
        std::find_if(list.begin(), list.end(), [&](const auto& x) { return x.start_id >= below; });
    for (auto i = list.begin(); i != end; ++i) all.paths.drop(i->node);
    list.erase(list.begin(), end);
  };
  drop_below(all.partial);
  drop_below(all.held);
}

} // namespace pollux::domain
