// SPDX-License-Identifier: Apache-2.0
// What one pattern remembers of one twin: half matches, and matches that wait for an earlier half
// match to end, because the skip strategy lets the earlier one speak first.
#pragma once
#include "domain/base/bytes.hpp"
#include "domain/pattern/path_store.hpp"
#include "domain/pattern/pattern_graph.hpp"

namespace pollux::domain {

struct half_match {
  std::uint64_t start_id = 0; ///< of its first event
  std::int64_t start_ns = 0;
  std::uint64_t alive = 0; ///< edges of its position that may still be taken
  std::uint32_t node = no_node;
  std::uint16_t position = 0;
  bool untouched = true; ///< no event since its last one
  bool waiting = false;  ///< a match, if what must not come does not come
  bool was_match = false;
};

struct found_match {
  std::uint64_t start_id = 0;
  std::uint64_t end_id = 0; ///< the event that completed it; for a time-out the last one seen
  std::int64_t end_ns = 0;
  std::uint32_t node = no_node;
};

struct pattern_counts {
  std::uint64_t matches = 0;
  std::uint64_t timed_out = 0; ///< half matches
  std::uint64_t evicted = 0;   ///< half matches that gave way at max_partial
  std::uint64_t too_long = 0;  ///< events not taken at max_events
  std::uint64_t late = 0;      ///< rows older than the newest seen
  std::uint64_t merged = 0;    ///< half matches that were another one's equal
};

struct pattern_bounds {
  std::uint32_t max_partial = 64;
  std::uint32_t max_events = 64;
};

class half_matches {
public:
  std::vector<half_match> partial; ///< by start, then as they came to be
  std::vector<found_match> held;   ///< as pattern_matcher tells them
  path_store paths;
  pattern_counts counts;

  void save(byte_writer& out, std::size_t values) const;
  /// False on damage. `values`: kept for each event.
  [[nodiscard]] bool load(byte_reader& in, const pattern_graph& graph, const pattern_bounds& most,
                          std::size_t values);
  [[nodiscard]] std::size_t heap_bytes() const noexcept;

  // Scratch of the matcher, no part of the state.
  std::vector<half_match> next;
  std::vector<found_match> done;
};

} // namespace pollux::domain
