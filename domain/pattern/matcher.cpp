// SPDX-License-Identifier: Apache-2.0
#include "domain/pattern/matcher.hpp"
#include "domain/base/time.hpp"
#include <algorithm>

namespace pollux::domain {

struct pattern_matcher::moment {
  half_matches& all;
  const pattern_event& event;
  event_judge& judge;
  std::uint32_t kept = no_node; // the event's place in the store, once a path took it

  bool holds(condition_id c, std::uint32_t node) {
    return c == no_condition || judge.holds(c, all.paths, node);
  }
};

namespace {

// The edges that would take the event, and those that end here.
struct verdicts {
  std::uint64_t takes = 0;
  std::uint64_t ends = 0;
};

constexpr std::uint64_t bit(std::size_t i) { return std::uint64_t{1} << i; }

} // namespace

pattern_matcher::pattern_matcher(pattern_graph graph, pattern_bounds most, std::uint32_t referred,
                                 std::size_t values, bool tell_time_outs)
    : graph_(std::move(graph)), most_(most), referred_(referred), values_(values),
      merging_(!tell_time_outs &&
               (graph_.skip == skip_strategy::to_next || graph_.skip == skip_strategy::past_last)) {
}

std::int64_t pattern_matcher::edge_deadline(const half_match& h, const pattern_edge& e,
                                            const path_store& paths) const {
  std::int64_t at = graph_.within_ns > 0 ? saturating_add(h.start_ns, graph_.within_ns) : never;
  if (e.step_ns > 0) at = std::min(at, saturating_add(paths.event_of(h.node).time_ns, e.step_ns));
  return at;
}

std::int64_t pattern_matcher::waiting_deadline(const half_match& h, const path_store& paths) const {
  std::int64_t at = graph_.within_ns > 0 ? saturating_add(h.start_ns, graph_.within_ns) : never;
  if (graph_.ending.step_ns > 0)
    at = std::min(at, saturating_add(paths.event_of(h.node).time_ns, graph_.ending.step_ns));
  return at;
}

// When time next does something to it: it becomes a match, or nothing can follow any more.
std::int64_t pattern_matcher::deadline(const half_match& h, const path_store& paths) const {
  if (!graph_.has_steps && graph_.ending.step_ns == 0)
    return graph_.within_ns > 0 ? saturating_add(h.start_ns, graph_.within_ns) : never;
  const auto decided = h.waiting ? waiting_deadline(h, paths) : never;
  std::int64_t last = no_time;
  const auto& edges = graph_.positions[h.position].edges;
  for (std::size_t i = 0; i < edges.size(); ++i)
    if ((h.alive & bit(i)) != 0) last = std::max(last, edge_deadline(h, edges[i], paths));
  if (last == no_time) return decided;
  return std::min(decided, last);
}

// Does what is due at `due_ns` to the half match at `i`.
void pattern_matcher::fall_due(half_matches& all, std::size_t i, std::int64_t due_ns,
                               std::uint64_t last_id, match_listener& out) const {
  auto& h = all.partial[i];
  if (h.waiting && !graph_.ending.not_until.empty() && waiting_deadline(h, all.paths) == due_ns) {
    all.paths.keep(h.node);
    all.done.push_back({h.start_id, last_id, due_ns, h.node});
    h.waiting = false;
    h.was_match = true;
    if (h.alive != 0 && deadline(h, all.paths) > due_ns) return;
  }
  const auto gone = h;
  all.partial.erase(all.partial.begin() + static_cast<std::ptrdiff_t>(i));
  if (!gone.was_match) {
    ++all.counts.timed_out;
    out.timed_out(all, gone, due_ns);
  }
  all.paths.drop(gone.node);
}

void pattern_matcher::pass(half_matches& all, std::int64_t time_ns, std::uint64_t last_id,
                           match_listener& out) const {
  const bool by_start = !graph_.has_steps && graph_.ending.step_ns == 0;
  while (!all.partial.empty()) {
    std::int64_t due = deadline(all.partial.front(), all.paths);
    for (std::size_t i = 1; !by_start && i < all.partial.size(); ++i)
      due = std::min(due, deadline(all.partial[i], all.paths));
    if (due >= time_ns) return;
    // All that end at one instant do so together: what is told first is for tell() to say.
    for (std::size_t i = 0; i < all.partial.size();) {
      const auto before = all.partial.size();
      const auto at = deadline(all.partial[i], all.paths);
      if (at == due) fall_due(all, i, due, last_id, out);
      if (by_start && at != due) break;
      if (all.partial.size() == before) ++i;
    }
    tell(all, out);
  }
}

// True when the event is one that must not come here: it ends the half match.
bool pattern_matcher::forbidden(const half_match& h, moment& now) const {
  const auto any = [&](const std::vector<condition_id>& nots) {
    return std::any_of(nots.begin(), nots.end(),
                       [&](condition_id c) { return now.holds(c, h.node); });
  };
  const auto& position = graph_.positions[h.position];
  if (any(position.not_until) || (h.untouched && any(position.not_next))) return true;
  if (!h.waiting) return false;
  return any(graph_.ending.not_until) || (h.untouched && any(graph_.ending.not_next));
}

void pattern_matcher::go_on(half_match h, moment& now) const {
  if (forbidden(h, now)) {
    now.all.paths.drop(h.node);
    return;
  }
  const auto& position = graph_.positions[h.position];
  verdicts v;
  for (std::size_t i = 0; i < position.edges.size(); ++i) {
    if ((h.alive & bit(i)) == 0) continue;
    const auto& e = position.edges[i];
    if (e.step_ns > 0 && now.event.time_ns > edge_deadline(h, e, now.all.paths)) {
      v.ends |= bit(i);
      continue;
    }
    bool stopped = false;
    for (const auto& u : e.untils) {
      if (!now.holds(u.condition, h.node)) continue;
      stopped = true;
      if (u.inside) v.ends |= bit(i);
    }
    if (!stopped && now.holds(graph_.positions[e.to].where, h.node)) v.takes |= bit(i);
  }
  for (std::size_t i = 0; i < position.edges.size(); ++i) {
    if ((h.alive & bit(i)) == 0) continue;
    const auto& e = position.edges[i];
    if ((e.blockers & v.takes) != 0) {
      v.ends |= bit(i);
    } else if ((v.takes & bit(i)) != 0) {
      take(&h, e, now);
      if (e.how == contiguity::relaxed) v.ends |= bit(i);
    }
  }
  h.alive &= ~(v.ends | position.strict_edges);
  if (h.waiting && graph_.ending.not_until.empty()) { // only the next event had to be another one
    now.all.paths.keep(h.node);
    now.all.done.push_back({h.start_id, now.event.id, now.event.time_ns, h.node});
    h.waiting = false;
    h.was_match = true;
  }
  h.untouched = false;
  if (h.alive != 0 || h.waiting)
    now.all.next.push_back(h);
  else
    now.all.paths.drop(h.node);
}

void pattern_matcher::take(const half_match* from, const pattern_edge& edge, moment& now) const {
  auto& paths = now.all.paths;
  if (from != nullptr && paths.node(from->node).length >= most_.max_events) {
    ++now.all.counts.too_long;
    return;
  }
  if (now.kept == no_node)
    now.kept = paths.add_event(now.event.id, now.event.time_ns, now.judge.values(), values_);
  const auto& position = graph_.positions[edge.to];
  half_match h;
  h.start_id = from != nullptr ? from->start_id : now.event.id;
  h.start_ns = from != nullptr ? from->start_ns : now.event.time_ns;
  h.alive = position.all_edges;
  h.node = paths.extend(from != nullptr ? from->node : no_node, now.kept, edge.to);
  h.position = edge.to;
  if (position.accepts && graph_.ending.empty()) {
    paths.keep(h.node);
    now.all.done.push_back({h.start_id, now.event.id, now.event.time_ns, h.node});
    h.was_match = true;
  }
  h.waiting = position.accepts && !graph_.ending.empty();
  if (h.alive != 0 || h.waiting)
    now.all.next.push_back(h);
  else
    paths.drop(h.node);
}

// Every event may begin a match.
void pattern_matcher::begin(moment& now) const {
  const auto& edges = graph_.start.edges;
  std::uint64_t takes = 0;
  for (std::size_t i = 0; i < edges.size(); ++i) {
    const bool stopped =
        std::any_of(edges[i].untils.begin(), edges[i].untils.end(),
                    [&](const until_use& u) { return now.holds(u.condition, no_node); });
    if (!stopped && now.holds(graph_.positions[edges[i].to].where, no_node)) takes |= bit(i);
  }
  for (std::size_t i = 0; i < edges.size(); ++i)
    if ((takes & bit(i)) != 0 && (edges[i].blockers & takes) == 0) take(nullptr, edges[i], now);
}

void pattern_matcher::feed(half_matches& all, const pattern_event& event, event_judge& judge,
                           match_listener& out) const {
  pass(all, event.time_ns, event.id - 1, out);
  moment now{all, event, judge};
  all.next.clear();
  for (const auto& h : all.partial) {
    go_on(h, now);
    // Many followers of many half matches: what will give way anyway goes early.
    if (all.next.size() > 2 * most_.max_partial + max_pattern_followers) evict(all, all.next);
  }
  begin(now);
  std::swap(all.partial, all.next);
  all.next.clear();
  if (now.kept == no_node && all.done.empty() && all.held.empty()) return;
  if (now.kept != no_node) merge(all, event.id);
  tell(all, out);
  evict(all, all.partial);
  tell(all, out);
}

} // namespace pollux::domain
