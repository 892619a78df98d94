// SPDX-License-Identifier: Apache-2.0
// The values of a sliding window in ascending order, so that a quantile is one look. Follows the
// window reading by reading; what cannot be followed is sorted anew from the series. It only saves
// work: the order of a set of numbers depends on nothing else.
#pragma once
#include "domain/window/series.hpp"
#include <vector>

namespace pollux::domain {

class sorted_values {
public:
  /// The values with from < t <= to. Cost: O(1) when followed, else O(n log n).
  void look_at(const series& readings, std::int64_t from_ns, std::int64_t to_ns);
  /// Before the series takes a reading at `to_ns`: lets go what leaves a window that begins after
  /// `from_ns`. Cost: moves of at most 8 bytes a reading.
  void let_go(const series& readings, std::int64_t from_ns);
  void take(std::int64_t time_ns, double value);
  void distrust() noexcept { valid_ = false; } ///< something else than the next reading came

  /// The smallest value that at least permille / 1000 of all do not exceed; there must be one.
  [[nodiscard]] double quantile(unsigned permille) const noexcept;
  [[nodiscard]] std::size_t distinct() const noexcept { return distinct_; }
  [[nodiscard]] std::size_t heap_bytes() const noexcept {
    return values_.capacity() * sizeof(double);
  }

private:
  std::vector<double> values_;
  std::size_t distinct_ = 0;
  std::int64_t from_ns_ = 0, to_ns_ = 0;
  bool valid_ = false;
};

/// How many of `count` readings a quantile may leave at or below it: at least 1, for count > 0.
[[nodiscard]] std::uint64_t rank_of(std::uint64_t count, unsigned permille) noexcept;

} // namespace pollux::domain
