// SPDX-License-Identifier: Apache-2.0
// Partial results of long windows. Time is cut into slices of a power of two of nanoseconds,
// aligned to the epoch, so that the cuts are the same whatever arrived when. What is kept here
// only saves work: a summary that is missing is computed again from the readings, to the same bits.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace pollux::domain {

/// Statistics of a run of neighbouring readings.
struct slice_summary {
  static constexpr std::uint32_t unknown = UINT32_MAX;
  std::uint32_t count = unknown;
  double mean = 0;
  double m2 = 0;
  double min = 0;
  double max = 0;
};

/// One series' summaries. At most four widths at once (windows of similar spans share one) of at
/// most 512 slices each; what does not fit is forgotten.
class slice_cache {
public:
  /// The summaries of slices [first, last) of 2^shift ns; the caller fills in the unknown ones.
  /// Valid until the next call. Needs last - first <= 512.
  std::span<slice_summary> slices(unsigned shift, std::int64_t first, std::int64_t last);
  /// The readings of the slice around `time_ns` changed.
  void touch(std::int64_t time_ns) noexcept;
  /// Readings up to and including `time_ns` are gone.
  void forget_through(std::int64_t time_ns) noexcept;
  [[nodiscard]] std::size_t memory_bytes() const noexcept;

private:
  struct grid {
    unsigned shift = 0;
    std::int64_t first = 0;
    std::uint64_t used = 0;
    std::vector<slice_summary> slices;
  };
  grid& find(unsigned shift);
  std::vector<grid> grids_;
  std::uint64_t clock_ = 0; ///< counts calls, to tell which grid was used last
};

} // namespace pollux::domain
