// SPDX-License-Identifier: Apache-2.0
// How a model treats the time of its devices: how much disorder is normal, how long a late reading
// may still change what was found, when a silent device's time goes on without it.
#pragma once
#include <cstddef>
#include <cstdint>

namespace pollux::domain {

class object_reader;

/// What becomes of a reading behind the watermark.
enum class late_policy : std::uint8_t {
  keep,  ///< joins windows at its place; what was judged stays as it was
  amend, ///< inside `lateness` it is worked in, and alerts are raised, corrected or retracted
  drop   ///< counted, not used
};

struct event_time_rule {
  bool configured = false; ///< without the block nothing is kept for it, and `late` is keep
  late_policy late = late_policy::keep;
  std::int64_t disorder_ns = 0; ///< the watermark is this far behind the newest reading
  std::int64_t lateness_ns = 0; ///< behind the watermark and yet amended; 0 unless late is amend
  std::int64_t idle_ns = 0;     ///< ingest time without a reading until time goes on; 0: never
  std::int64_t future_ns = 0;   ///< ahead of our clock: not used; 0: no guard
  std::size_t max_rows = 0;     ///< readings kept for amendment; beyond it the reach is shorter

  /// Readings are kept and worked in at their place.
  [[nodiscard]] bool orders() const noexcept { return configured && late != late_policy::keep; }
  /// How far behind the newest reading the twin may have to go back.
  [[nodiscard]] std::int64_t reach_ns() const noexcept;
  /// Readings are at most this far from the checkpoint before them.
  [[nodiscard]] std::int64_t stride_ns() const noexcept;

  bool operator==(const event_time_rule&) const = default;
};

/// Keys: disorder, lateness, idle, late, future, max_rows. Errors go to `in`.
[[nodiscard]] event_time_rule read_event_time(object_reader& in);

} // namespace pollux::domain
