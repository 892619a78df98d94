// SPDX-License-Identifier: Apache-2.0
// How long, or how often, a condition must be met before a rule changes its mind. A value holds
// from its reading until the next one says otherwise, so a hold can end between two readings: then
// it becomes due at its very moment, as soon as event time is known to have passed it.
#pragma once
#include "domain/base/bytes.hpp"
#include "domain/base/time.hpp"
#include "domain/model/operator_state.hpp"
#include <cstdint>
#include <vector>

namespace pollux::domain {

inline constexpr std::uint32_t max_hold_times = 64;

struct hold_rule {
  std::int64_t for_ns = 0;       ///< raised once the condition was met so long
  std::uint32_t times = 1;       ///< and by so many readings in a row; at most max_hold_times
  std::int64_t within_ns = 0;    ///< above 0: so many in this time, others between them allowed
  std::int64_t clear_for_ns = 0; ///< cleared once it was not met so long
  [[nodiscard]] bool plain() const noexcept {
    return for_ns == 0 && times == 1 && clear_for_ns == 0;
  }
};

/// What a rule remembers of the way to its next change. At most 64 times of readings.
struct hold_state final : operator_state {
  std::int64_t since_ns = no_time; ///< first reading of the run that is on; no_time: none
  std::int64_t last_ns = no_time;  ///< newest reading of it
  std::uint32_t count = 0;         ///< readings of it, held at the number that is asked for
  std::int64_t off_ns = never;     ///< the schedule in which the rule is ends here
  std::vector<std::int64_t> met;   ///< with `within`: readings that met the condition, oldest first
  /// What the newest reading of the run was judged by: the value, then each name it looks at (NaN:
  /// unknown). A correction or a late reading may change those before the hold ends, and nothing is
  /// judged again. Empty where the run cannot end without a reading.
  std::vector<double> judged;

  /// The reading at `t` spoke for the change (`speaks`) to `raised`, or against it. True when that
  /// makes the change due now. Readings come in the order in which they are judged: of several
  /// telemetries a newer value may have an older time than another's.
  [[nodiscard]] bool note(const hold_rule& rule, bool raising, bool speaks, std::int64_t t);
  /// When the change becomes due without another reading; `never` while that is not known. A
  /// reading at that very moment is heard first.
  [[nodiscard]] std::int64_t due_ns(const hold_rule& rule, bool raising) const noexcept;
  /// Forgets the way so far: the change has come, or nothing speaks for it any more.
  void start_over() noexcept;

  void save(byte_writer& out) const;
  [[nodiscard]] bool load(byte_reader& in);

private:
  [[nodiscard]] bool load_judged(byte_reader& in);
};

} // namespace pollux::domain
