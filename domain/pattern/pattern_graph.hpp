// SPDX-License-Identifier: Apache-2.0
// The automaton of a pattern. A position is one stage at one repetition; an edge says which
// position may come next and under what conditions. A half match stands at the position of its last
// event. Repetitions are written out, so that a position knows how often its stage came.
#pragma once
#include "domain/pattern/pattern_tree.hpp"
#include <variant>

namespace pollux::domain {

/// A condition that ends repetitions. An event for which it holds is not taken by the edge; an edge
/// inside of what it ends dies as well.
struct until_use {
  condition_id condition;
  bool inside;
  auto operator<=>(const until_use&) const = default;
};

struct pattern_edge {
  std::uint16_t to = 0;
  contiguity how = contiguity::relaxed;
  std::int64_t step_ns = 0; ///< at most since the last event; 0: no bound of its own
  std::vector<condition_id> not_next, not_until; ///< what it passes: see pattern_position
  std::vector<until_use> untils;
  std::uint64_t blockers = 0; ///< edges beside this one that go first: greedy repetitions
  bool operator==(const pattern_edge&) const = default;
};

struct pattern_position {
  std::uint16_t stage = 0;
  condition_id where = no_condition;
  std::vector<pattern_edge> edges; ///< at most 64
  /// Of all edges: such an event ends the half match, as the first since its last or as any.
  std::vector<condition_id> not_next, not_until;
  std::uint64_t all_edges = 0; ///< one bit for each
  std::uint64_t strict_edges = 0;
  bool accepts = false; ///< a path that ends here is a match, or waits for what must not come
};

/// What must not come after the last event.
struct pattern_ending {
  std::vector<condition_id> not_next, not_until;
  std::int64_t step_ns = 0; ///< of not_until: how long since the last event; 0: the pattern's bound
  [[nodiscard]] bool empty() const noexcept { return not_next.empty() && not_until.empty(); }
};

struct pattern_graph {
  std::vector<pattern_position> positions;
  pattern_position start; ///< its edges begin a match
  pattern_ending ending;
  std::int64_t within_ns = 0;
  bool has_steps = false; ///< some edge has a bound of its own
  skip_strategy skip = skip_strategy::past_last;
  std::uint16_t skip_stage = 0;
  std::uint32_t shortest = 1; ///< events of the shortest match
};

/// Builds the automaton. Refuses what could grow without bound (no `within`), what could match
/// nothing, and what is too large.
[[nodiscard]] std::variant<pattern_graph, pattern_error> build_pattern(const pattern_tree& tree);

} // namespace pollux::domain
