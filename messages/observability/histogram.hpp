// SPDX-License-Identifier: Apache-2.0
// A distribution of durations: eight buckets an octave from 1 us to 67 s, so a quantile is off by
// at most an eighth of its value. Observing is two relaxed atomic adds. What came lately is the
// difference to a copy of the counts taken some minutes ago, so being recent costs observe()
// nothing.
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace pollux::messages {

class histogram {
public:
  static constexpr std::size_t per_octave = 8, octaves = 26;
  /// Finite ones: up to 1 us, then 8 an octave up to 2^26 us; one more for what lies above.
  static constexpr std::size_t buckets = 1 + per_octave * octaves;
  /// How many fell into each bucket; not cumulative.
  using counts = std::array<std::uint64_t, buckets + 1>;

  /// Below 0 counts as 0, NaN as more than any bound. Cost: no lock, no clock, about 10 ns.
  void observe(double seconds) noexcept;
  /// Upper end of a bucket in seconds, inclusive; infinite for the last.
  [[nodiscard]] static double bound(std::size_t bucket) noexcept;
  [[nodiscard]] std::uint64_t count_below(std::size_t bucket) const noexcept; ///< not cumulative
  [[nodiscard]] std::uint64_t count() const noexcept;                         ///< of all buckets
  [[nodiscard]] double sum() const noexcept;
  [[nodiscard]] counts all() const noexcept;

  /// Of everything since the start: the value below which the share `q` of the observations lies,
  /// in seconds, taken as spread evenly within its bucket. NaN without observations, the greatest
  /// finite bound when it lies above that.
  [[nodiscard]] double quantile(double q) const noexcept { return quantile(all(), q); }
  [[nodiscard]] static double quantile(const counts& of, double q) noexcept;

  /// Ends a slice of time. Called every few minutes by one who has a clock.
  void turn();
  /// Observations of this slice and the one before it.
  [[nodiscard]] counts recent() const;

private:
  std::array<std::atomic<std::uint64_t>, buckets + 1> counts_{};
  std::atomic<std::uint64_t> sum_ns_{0};
  mutable std::mutex slices_mutex_;
  counts before_{}, begun_{}; ///< counts when the last slice and this one began
};

} // namespace pollux::messages
