// SPDX-License-Identifier: Apache-2.0
// What may come next in a pattern, worked out by walking its tree anew after every event taken.
#pragma once
#include "domain/audit/plain_pattern.hpp"

namespace pollux::domain::audit {

/// Ends a repetition. `inside`: it has begun, so its event ends it; before, it is only refused.
struct plain_until {
  std::string condition;
  bool inside = false;
};

/// A greedy stage that was left, or left out: what follows waits until it would take no event.
struct greedy_watch {
  const pattern_step* step = nullptr;
  char how = 't';
  std::vector<plain_until> untils;
  bool over = false; ///< it can take nothing any more
};

/// What was passed on the way from one event to the next.
struct pattern_gap {
  std::vector<std::string> not_next, not_until;
  std::vector<greedy_watch> greedy;
};

struct gathered;
/// What comes when a part of the pattern is over. `took`: it took an event.
using what_follows = std::function<void(gathered&, const pattern_gap&, bool took)>;

/// A stage that may take the next event.
struct pattern_way {
  const pattern_step* step = nullptr;
  char how = 't';
  std::vector<plain_until> untils;
  pattern_gap gap;
  what_follows then;
};

/// All that may come next, and whether the pattern may end here.
struct gathered {
  std::vector<pattern_way> ways;
  std::optional<pattern_gap> end;
};

/// At the pattern's beginning; `pattern` must outlive what is gathered.
[[nodiscard]] gathered ways_to_begin(const plain_pattern& pattern);
/// After the way's stage has taken an event.
[[nodiscard]] gathered ways_after(const pattern_way& taken);

} // namespace pollux::domain::audit
