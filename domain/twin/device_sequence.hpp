// SPDX-License-Identifier: Apache-2.0
// De-duplication by the running number a device puts on its readings (decision 24).
#pragma once
#include <cstdint>

namespace pollux::domain {

struct sequence_memory {
  std::uint64_t& top;     ///< largest number seen, 0 = none
  std::uint64_t& seen;    ///< bit i: top - i was seen
  std::uint8_t& expected; ///< of the 64 up to the largest, so many belong to this count: at most 64
  std::uint64_t& missing; ///< numbers that were never seen, of all counts
};

/// A larger leap is no gap: the device has begun to count elsewhere.
inline constexpr std::uint64_t widest_gap = std::uint64_t{1} << 20;

/// How the event time of the reading stands to the twin's newest.
enum class device_clock : std::uint8_t { none, newer, not_newer };

/// The twin remembers the largest number and which of the 64 up to it were seen.
///   above the largest              new
///   among the 64, not seen         new: it came out of order
///   among the 64, seen             duplicate, unless the device's clock says it is newer than all
///                                  before: then the device has begun to count anew
///   below the 64                   device clock newer than all before, or no device clock: it has
///                                  begun to count anew; else unknown here: the series decides by
///                                  (time, value)
/// A device without a clock that restarts within its first 64 numbers loses the readings up to the
/// largest number seen: from the numbers alone nobody could tell those from redelivered ones.
///
/// A number is missing once it was not seen and lies below the 64, or the device begins to count
/// anew. What lies before the first number of a count is not missing.
///
/// True when the reading is a duplicate; otherwise the number is remembered. `number` is not 0.
[[nodiscard]] bool seen_before(sequence_memory memory, std::uint64_t number,
                               device_clock clock) noexcept;

} // namespace pollux::domain
