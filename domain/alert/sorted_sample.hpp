// SPDX-License-Identifier: Apache-2.0
// The readings of a sliding time, sorted by value as well: median and median absolute deviation
// of them in logarithmic time. Exact up to a bound; above it, a sample: of every 2^level readings
// one stays, chosen by a hash of its event time, so that the same readings give the same sample
// whatever else happened. A sample of n gives the median of normal readings with a standard error
// of about 1.25 / sqrt(n) of their standard deviation: under 6 % at half of 1,024.
#pragma once
#include "domain/base/bytes.hpp"
#include "domain/base/time.hpp"
#include <cstdint>
#include <vector>

namespace pollux::domain {

class sorted_sample {
public:
  /// At most `bound` readings stay; at least 4.
  explicit sorted_sample(std::uint32_t bound) : bound_(bound) {}

  /// A reading later than all before. Cost: O(log n) and moving on average half of the values; no
  /// allocation once warm.
  void add(std::int64_t t, double value);
  /// Drops the readings at or before `t`.
  void expire(std::int64_t t);

  [[nodiscard]] std::size_t size() const noexcept { return sorted_.size(); }
  [[nodiscard]] std::uint32_t level() const noexcept { return level_; }
  /// The middle value, or the mean of the two in the middle. Only when not empty.
  [[nodiscard]] double median() const noexcept;
  /// The median of the distances to `centre`. Only when not empty. Cost: O(log n).
  [[nodiscard]] double deviation(double centre) const noexcept;
  [[nodiscard]] std::int64_t oldest_ns() const noexcept; ///< only when not empty

  void save(byte_writer& out) const;
  [[nodiscard]] bool load(byte_reader& in);
  [[nodiscard]] std::size_t heap_bytes() const noexcept;

private:
  struct entry {
    std::int64_t t;
    double value;
  };
  [[nodiscard]] bool belongs(std::int64_t t) const noexcept;
  [[nodiscard]] double nearest(std::size_t k, double centre) const noexcept;
  void forget(double value);
  void thin_out();
  void compact();

  std::uint32_t bound_;
  std::uint32_t level_ = 0;
  std::size_t head_ = 0;       ///< entries before it have expired
  std::vector<entry> entries_; ///< by time
  std::vector<double> sorted_; ///< the values of those from head_ on
};

} // namespace pollux::domain
