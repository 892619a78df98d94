// SPDX-License-Identifier: Apache-2.0
// Numbers over event time: what charts, reports and exports read. A twin's values of an interval,
// sorted, each instant once, a stretch of bounded size at a time, from whichever tier they lie in;
// and what is made of them: buckets, M4, aggregates, completeness.
#pragma once
#include "persistence/history.hpp"
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace pollux::persistence {

struct series_place {
  std::uint32_t shard = 0, row = 0;
  std::string id; ///< as in the journal
};

struct series_interval {
  std::int64_t from_ns = 0, to_ns = 0; ///< event time, both ends inclusive
};

struct point {
  std::int64_t time_ns = 0;
  double value = 0; ///< i64 as the nearest double, boolean as 0 or 1
};

/// Points of one telemetry, event time rising. Where several values of one instant were journaled
/// the newest holds, as in the twin's windows.
using stretch_visit =
    std::function<void(const std::string& telemetry, std::span<const point> points)>;

/// Visits the finite numbers of the telemetries (all when empty), stretch by stretch of event time,
/// oldest first. Memory: about 300,000 readings' points, and those of the tail. Errors: corrupt (a
/// block, named: what came before it has been visited), io. Cost: each block that overlaps the
/// interval is decoded once for every stretch it reaches into (one, for readings in order), and
/// the shard's tail is scanned once.
[[nodiscard]] status each_stretch(const log& tail, const store& blocks, const series_place& twin,
                                  const std::vector<std::string>& telemetry, series_interval what,
                                  series_origin& origin, const stretch_visit& visit);

/// The first and last event time within `what`; from > to where there is nothing. Cost: the index
/// rows of the twin, and a scan of the shard's tail.
[[nodiscard]] result<series_interval> extent_of(const log& tail, const store& blocks,
                                                const series_place& twin, series_interval what);

/// What is told of the points of one telemetry within a bucket or an interval. Points are added in
/// the order of time.
class summary {
public:
  void add(const point& p) noexcept;
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] double sum() const noexcept { return sum_ + rest_; } ///< compensated (Neumaier)
  [[nodiscard]] double mean() const noexcept;                        ///< 0 without points
  [[nodiscard]] double sample_stddev() const noexcept; ///< Welford; 0 below two points
  [[nodiscard]] const point& first() const noexcept { return first_; }
  [[nodiscard]] const point& last() const noexcept { return last_; }
  [[nodiscard]] const point& least() const noexcept { return least_; } ///< the earliest of equals
  [[nodiscard]] const point& greatest() const noexcept { return greatest_; }

private:
  std::uint64_t count_ = 0;
  double sum_ = 0, rest_ = 0, mean_ = 0, m2_ = 0;
  point first_, last_, least_, greatest_;
};

/// One bucket: [from_ns, from_ns + width).
struct bucket {
  std::int64_t from_ns = 0;
  summary of;
};

/// Puts points into buckets of one width; buckets without points are not there.
class bucketing {
public:
  /// Buckets begin at `origin_ns` and whole widths from it. width_ns > 0.
  bucketing(std::int64_t origin_ns, std::int64_t width_ns) : origin_(origin_ns), width_(width_ns) {}
  void add(const point& p);
  [[nodiscard]] const std::vector<bucket>& buckets() const noexcept { return buckets_; }

private:
  std::int64_t origin_, width_;
  std::vector<bucket> buckets_;
};

/// The points a line chart needs so that, at one bucket a pixel column, it looks as if all had been
/// drawn: first, least, greatest and last of each bucket, in the order of time, none twice (M4,
/// Jugel et al., VLDB 2014).
[[nodiscard]] std::vector<point> m4(const std::vector<bucket>& buckets);

/// A time without readings.
struct gap {
  std::int64_t from_ns = 0, to_ns = 0; ///< the readings at both its ends, or the interval's end
  std::uint64_t missing = 0;
};

/// What came of what was due in one period.
struct completeness {
  std::int64_t from_ns = 0, to_ns = 0; ///< both ends inclusive
  std::uint64_t readings = 0;          ///< instants with at least one value
  std::uint64_t expected = 0;
};

struct completeness_report {
  std::int64_t expected_ns = 0; ///< between readings: as given, or the median found; 0 = unknown
  std::vector<completeness> periods;
  std::vector<gap> gaps; ///< longer than 1.5 times the expected; at most max_gaps, the longest
  std::uint64_t gaps_total = 0;
};

inline constexpr std::size_t max_gaps = 1000, max_periods = 100'000;

/// Counts a twin's readings. `period_ns` 0: one period. `expected_ns` 0: the median time between
/// readings of the interval. Errors: invalid_argument (more than max_periods), those of
/// each_stretch.
[[nodiscard]] result<completeness_report>
completeness_of(const log& tail, const store& blocks, const series_place& twin,
                series_interval what, std::int64_t period_ns, std::int64_t expected_ns,
                series_origin& origin);

} // namespace pollux::persistence
