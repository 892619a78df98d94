// SPDX-License-Identifier: Apache-2.0
// Traceparents of readings, for what they bring about: a reading is journaled without its trace, so
// the way from the door to the outbox leads past here. Bounded; lost with the process.
#pragma once
#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace pollux::messages {

inline constexpr std::size_t max_noted_traces = 10'000; ///< then the oldest goes

/// Thread-safe. Cost of find() while nothing was noted: a relaxed load.
class trace_board {
public:
  /// What came for this twin at this time (its ingest time) came with this traceparent.
  void note(std::string_view twin, std::int64_t ingest_time_ns, std::string_view traceparent);
  /// Empty when none was noted, or too long ago.
  [[nodiscard]] std::string find(std::string_view twin, std::int64_t ingest_time_ns) const;

private:
  using key = std::pair<std::string, std::int64_t>;
  std::atomic<bool> any_{false};
  mutable std::mutex mutex_;
  std::map<key, std::string> traces_;
  std::deque<key> order_;
};

} // namespace pollux::messages
