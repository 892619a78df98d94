// SPDX-License-Identifier: Apache-2.0
// Takes one event after another through the automaton of a pattern. Knows nothing of twins: what a
// condition says of an event it asks, and what it finds it tells.
#pragma once
#include "domain/pattern/half_matches.hpp"

namespace pollux::domain {

/// Says whether the event at hand satisfies a condition.
class event_judge {
public:
  virtual ~event_judge() = default;
  /// `path`: the last node of the half match that would take the event; no_node: none yet.
  [[nodiscard]] virtual bool holds(condition_id condition, const path_store& paths,
                                   std::uint32_t path) = 0;
  /// The values to keep with the event, when it is taken.
  [[nodiscard]] virtual const double* values() = 0;
};

/// Hears what was found. The path is valid during the call.
class match_listener {
public:
  virtual ~match_listener() = default;
  virtual void matched(const half_matches& all, const found_match& match) = 0;
  virtual void timed_out(const half_matches& all, const half_match& half,
                         std::int64_t deadline_ns) = 0;
};

/// An event of the stream: ids rise, times do not fall.
struct pattern_event {
  std::uint64_t id = 0;
  std::int64_t time_ns = 0;
};

class pattern_matcher {
public:
  /// `referred`: the stages that conditions look back at, one bit each. `values`: kept for each
  /// event. `tell_time_outs`: half matches are not merged then, each is told of by itself.
  pattern_matcher(pattern_graph graph, pattern_bounds most, std::uint32_t referred,
                  std::size_t values, bool tell_time_outs);

  /// Event time is at or past `time_ns`: ends what had to happen before it.
  void pass(half_matches& all, std::int64_t time_ns, std::uint64_t last_id,
            match_listener& out) const;
  /// Cost: a few conditions for each half match, at most max_partial of them.
  void feed(half_matches& all, const pattern_event& event, event_judge& judge,
            match_listener& out) const;
  [[nodiscard]] const pattern_graph& graph() const noexcept { return graph_; }
  [[nodiscard]] const pattern_bounds& bounds() const noexcept { return most_; }

private:
  struct moment; // feed()'s event while it is taken through
  [[nodiscard]] std::int64_t edge_deadline(const half_match& h, const pattern_edge& e,
                                           const path_store& paths) const;
  [[nodiscard]] std::int64_t waiting_deadline(const half_match& h, const path_store& paths) const;
  [[nodiscard]] std::int64_t deadline(const half_match& h, const path_store& paths) const;
  void fall_due(half_matches& all, std::size_t i, std::int64_t due_ns, std::uint64_t last_id,
                match_listener& out) const;
  [[nodiscard]] bool forbidden(const half_match& h, moment& now) const;
  void go_on(half_match h, moment& now) const;
  void take(const half_match* from, const pattern_edge& edge, moment& now) const;
  void begin(moment& now) const;
  void merge(half_matches& all, std::uint64_t event_id) const;
  [[nodiscard]] bool equal_future(const half_match& a, const half_match& b,
                                  const path_store& paths) const;
  void evict(half_matches& all, std::vector<half_match>& from) const;
  void tell(half_matches& all, match_listener& out) const;
  [[nodiscard]] int compare(const path_store& paths, std::uint32_t a, std::uint32_t b) const;
  [[nodiscard]] bool same_match(const half_matches& all, const found_match& a,
                                const found_match& b) const;
  void tell_held(half_matches& all, match_listener& out) const;
  void skip_after(half_matches& all, const found_match& match) const;

  pattern_graph graph_;
  pattern_bounds most_;
  std::uint32_t referred_;
  std::size_t values_;
  bool merging_;
};

} // namespace pollux::domain
