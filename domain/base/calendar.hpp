// SPDX-License-Identifier: Apache-2.0
// Days of the civil (proleptic Gregorian) calendar, and time zones as data. A zone's rules come as
// a POSIX TZ text, which holds them whole: the domain asks no database of the machine, so the same
// model gives the same verdict everywhere and in every year. Such a text knows today's rules only:
// they are applied to all times, also to years in which other rules were in force.
#pragma once
#include "domain/base/result.hpp"
#include "domain/base/time.hpp"
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace pollux {

struct civil_date {
  std::int32_t year = 1970;
  std::int32_t month = 1; ///< 1 .. 12
  std::int32_t day = 1;   ///< 1 .. 31
  friend bool operator==(const civil_date&, const civil_date&) = default;
};

/// Days since 1970-01-01 of a date; exact for years -100000 .. 100000.
[[nodiscard]] std::int64_t days_from_civil(const civil_date& date) noexcept;
[[nodiscard]] civil_date civil_from_days(std::int64_t days) noexcept;
[[nodiscard]] bool is_leap_year(std::int32_t year) noexcept;
/// 0 = Monday .. 6 = Sunday.
[[nodiscard]] int weekday_of(std::int64_t days) noexcept;

/// What the clock on the wall shows.
struct local_time {
  std::int64_t days = 0;          ///< since 1970-01-01, of the local date
  std::int32_t second_of_day = 0; ///< 0 .. 86399
  [[nodiscard]] int weekday() const noexcept { return weekday_of(days); }
};

class time_zone {
public:
  time_zone() = default; ///< UTC

  /// Reads a POSIX TZ text ("CET-1CEST,M3.5.0,M10.5.0/3", "<+0530>-5:30"), with the hours -167 to
  /// 167 of RFC 8536; "UTC" is read as UTC0. A name with a summer time needs its rule: there is
  /// no default. Errors: invalid_argument, naming the character.
  static result<time_zone> parse(std::string_view text);

  /// Seconds east of Greenwich that are in force at `time_ns`. Cost: about 20 ns with a summer
  /// time, else nothing.
  [[nodiscard]] std::int32_t offset_s(std::int64_t time_ns) const noexcept;
  [[nodiscard]] local_time local(std::int64_t time_ns) const noexcept;
  /// The first instant after `time_ns` at which offset_s() may change; `never` without one.
  [[nodiscard]] std::int64_t next_change_ns(std::int64_t time_ns) const noexcept;
  /// The abbreviation in force: "CET".
  [[nodiscard]] const std::string& abbreviation(std::int64_t time_ns) const noexcept;
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
  class parser;
  /// The day and time of a change in any year.
  struct change {
    enum class kind : std::uint8_t { julian, zero_based, month_week };
    kind form = kind::month_week;
    std::int32_t month = 1, week = 1, weekday = 0; ///< weekday as POSIX counts: 0 = Sunday
    std::int32_t day = 0;                          ///< of Jn (1 .. 365) and n (0 .. 365)
    std::int32_t second = 7200;                    ///< of the local day, -604800 .. 604800
  };
  [[nodiscard]] static std::int64_t local_second(const change& c, std::int32_t year) noexcept;
  [[nodiscard]] bool summer_at(std::int64_t utc_second) const noexcept;

  std::string text_ = "UTC0";
  std::array<std::string, 2> names_{"UTC", {}}; ///< standard, summer
  std::array<std::int32_t, 2> east_{0, 0};      ///< their offsets, seconds east
  bool has_summer_ = false;
  bool near_new_year_ = false; ///< a change may fall into the year before or after
  change begins_, ends_;
};

} // namespace pollux
