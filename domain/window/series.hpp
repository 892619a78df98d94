// SPDX-License-Identifier: Apache-2.0
// The readings of one telemetry that its windows still need, in event-time order, and exact
// statistics over any event-time interval of them. Every result is a pure function of the
// content (decision 21): the same readings in any order of arrival give the same bits.
#pragma once
#include "domain/base/bytes.hpp"
#include "domain/base/time.hpp"
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace pollux::domain {

struct window_statistics {
  std::uint64_t count = 0;
  double mean = 0;
  double m2 = 0; ///< sum of squared deviations from the mean
  double min = 0;
  double max = 0;
  std::int64_t from_ns = no_time; ///< event time of the oldest and newest reading inside
  std::int64_t to_ns = no_time;
  /// sqrt(m2 / (n-1)); 0 below two readings
  [[nodiscard]] double sample_stddev() const noexcept;
  /// sqrt(m2 / n); 0 for none
  [[nodiscard]] double population_stddev() const noexcept;
};

class series {
public:
  /// Keeps what lies within `span_ns` before the newest reading, at most `max_entries`
  /// (beyond it the oldest go, and `truncated()` counts them).
  explicit series(std::int64_t span_ns, std::size_t max_entries = 200'000);
  series(series&&) noexcept;
  series& operator=(series&&) noexcept;
  ~series();

  enum class placed : std::uint8_t { newest, late, duplicate, correction, too_old };
  /// Puts a reading in its event-time place. Same time and same value: duplicate, dropped; same
  /// time with another value: correction, replaces. Older than the span: too_old, dropped.
  /// Cost: amortised O(1) for the newest, O(distance) for a late one; no allocation when warm.
  placed insert(std::int64_t event_time_ns, double value);

  /// Exact statistics of the readings with from < t < to (open_end) or from < t <= to.
  /// Up to 64 readings one pass; above, per-slice partial results are cached and merged in
  /// event-time order (Chan et al. 1979), slices aligned to the epoch.
  [[nodiscard]] window_statistics over(std::int64_t from_ns, std::int64_t to_ns, bool open_end) const;

  /// Visits (event time, value) with from < t <= to, oldest first.
  template <class F> void each(std::int64_t from_ns, std::int64_t to_ns, F&& visit) const;

  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] std::int64_t newest_ns() const noexcept; ///< no_time when empty
  [[nodiscard]] std::uint64_t truncated() const noexcept;
  [[nodiscard]] std::size_t memory_bytes() const noexcept; ///< heap bytes held
  void save(byte_writer& out) const;      ///< canonical: content only, no caches, no capacity
  [[nodiscard]] bool load(byte_reader& in); ///< false on damage

  // The rest is the business of series.cpp and each(); kept as compact as it can be.
};

} // namespace pollux::domain
