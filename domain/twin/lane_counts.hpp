// SPDX-License-Identifier: Apache-2.0
// How the readings of a twin with an event_time block stood to its watermark (docs/semantics.md).
#pragma once
#include <array>
#include <cstdint>

namespace pollux::domain {

/// Each reading counts once; duplicates do not.
struct lane_counts {
  std::uint64_t on_time = 0;   ///< newer than all before
  std::uint64_t reordered = 0; ///< out of order, not behind the watermark
  std::uint32_t late_amended = 0;
  std::uint32_t late_kept = 0;    ///< late = keep: joined its windows, nothing judged again
  std::uint32_t late_dropped = 0; ///< late = drop
  std::uint32_t too_late = 0;     ///< behind the watermark by more than the lateness
  std::uint32_t future = 0;       ///< ahead of our clock by more than the guard

  static constexpr std::array<const char*, 7> names = {
      "on_time", "reordered", "late_amended", "late_kept", "late_dropped", "too_late", "future"};
  /// In the order of `names`.
  [[nodiscard]] std::array<std::uint64_t, 7> all() const noexcept {
    return {on_time, reordered, late_amended, late_kept, late_dropped, too_late, future};
  }
};

} // namespace pollux::domain
