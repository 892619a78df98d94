// SPDX-License-Identifier: Apache-2.0
// When a rule is on: hours of the week by the clock on a wall in some time zone.
//   {"days": ["mon", "tue"], "from": "08:00", "to": "18:00", "zone": "CET-1CEST,M3.5.0,M10.5.0/3"}
// `from` belongs to it, `to` does not. A `to` at or before `from` lies on the next day, which then
// need not be among the days. An hour that summer time skips is never on; one it repeats is on
// twice.
#pragma once
#include "domain/base/calendar.hpp"
#include "domain/model/config_node.hpp"
#include <cstdint>
#include <string>
#include <vector>

namespace pollux::domain {

class schedule {
public:
  /// Part of a week in seconds since Monday 00:00 local time; first <= t < second.
  struct interval {
    std::int32_t first, second;
  };
  /// `parts` in any order, overlapping as they like, each within 0 .. 604800 and not empty.
  schedule(std::vector<interval> parts, time_zone zone, std::string text);

  [[nodiscard]] bool on(std::int64_t time_ns) const noexcept;
  /// The first instant after `time_ns` at which the rule is off; `never` when it never is.
  /// `time_ns` must be on. Cost: a few changes of the clock at most.
  [[nodiscard]] std::int64_t off_after(std::int64_t time_ns) const noexcept;
  /// For people: "mon tue 08:00-18:00 CET-1CEST,M3.5.0,M10.5.0/3".
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
  /// How long the local clock stays inside from `second` of the week on; 0 when it is outside.
  [[nodiscard]] std::int64_t left_s(std::int32_t second) const noexcept;
  std::vector<interval> parts_; ///< sorted, disjoint, not touching
  time_zone zone_;
  std::string text_;
};

/// Reads one such object. Keys: days (default: all), from (00:00), to (24:00), zone (UTC).
/// Errors go to `in`; then the result is not to be used.
[[nodiscard]] schedule read_schedule(object_reader& in, const config_node& node);

/// Reads the POSIX TZ text of the key "zone" (default UTC); errors go to `in`.
[[nodiscard]] time_zone read_zone(object_reader& in);

} // namespace pollux::domain
