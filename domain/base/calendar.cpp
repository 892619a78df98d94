// SPDX-License-Identifier: Apache-2.0
#include "domain/base/calendar.hpp"
#include <algorithm>
#include <limits>

namespace pollux {
namespace {

constexpr std::int64_t day_s = 86'400;
constexpr std::int64_t days_of_400_years = 146'097;

std::int64_t floor_divide(std::int64_t a, std::int64_t b) noexcept {
  const std::int64_t q = a / b;
  return a % b < 0 ? q - 1 : q;
}

} // namespace

bool is_leap_year(std::int32_t year) noexcept {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

// Counted in years that begin in March, so that the leap day is the last of its year; 719468 days
// lie between 0000-03-01 and 1970-01-01.
std::int64_t days_from_civil(const civil_date& date) noexcept {
  const std::int64_t year = std::int64_t{date.year} - (date.month <= 2 ? 1 : 0);
  const std::int64_t cycle = floor_divide(year, 400);
  const std::int64_t in_cycle = year - cycle * 400;
  const std::int64_t month = (date.month + 9) % 12; // 0 = March
  const std::int64_t in_year = (153 * month + 2) / 5 + date.day - 1;
  const std::int64_t day = in_cycle * 365 + in_cycle / 4 - in_cycle / 100 + in_year;
  return cycle * days_of_400_years + day - 719'468;
}

civil_date civil_from_days(std::int64_t days) noexcept {
  const std::int64_t shifted = days + 719'468;
  const std::int64_t cycle = floor_divide(shifted, days_of_400_years);
  const std::int64_t day = shifted - cycle * days_of_400_years;
  const std::int64_t year = (day - day / 1460 + day / 36'524 - day / 146'096) / 365;
  const std::int64_t in_year = day - (365 * year + year / 4 - year / 100);
  const std::int64_t month = (5 * in_year + 2) / 153;
  civil_date out;
  out.day = static_cast<std::int32_t>(in_year - (153 * month + 2) / 5 + 1);
  out.month = static_cast<std::int32_t>(month < 10 ? month + 3 : month - 9);
  out.year = static_cast<std::int32_t>(cycle * 400 + year + (out.month <= 2 ? 1 : 0));
  return out;
}

// 1970-01-01 was a Thursday.
int weekday_of(std::int64_t days) noexcept {
  return static_cast<int>(days + 3 - floor_divide(days + 3, 7) * 7);
}

/// Walks over a POSIX TZ text; the first thing that does not fit sticks.
class time_zone::parser {
public:
  explicit parser(std::string_view text) : text_(text) {}

  result<time_zone> run() {
    time_zone zone;
    zone.text_ = text_;
    if (text_ == "UTC") return time_zone{};
    zone.names_[0] = name();
    zone.east_[0] = -time(24, "the offset from UTC, as in CET-1");
    if (ok() && at_ < text_.size()) read_summer(zone);
    if (ok() && at_ != text_.size()) want("the end");
    if (!ok())
      return failure{errc::invalid_argument, "time zone \"" + std::string(text_.substr(0, 60)) +
                                                 "\": at character " + std::to_string(at_ + 1) +
                                                 " expected " + expected_};
    return zone;
  }

private:
  void read_summer(time_zone& zone) {
    zone.has_summer_ = true;
    zone.names_[1] = name();
    zone.east_[1] = zone.east_[0] + 3600;
    if (ok() && at_ < text_.size() && peek() != ',')
      zone.east_[1] = -time(24, "an offset or a comma");
    if (ok() && !take(',')) want("a comma and the day summer time begins");
    zone.begins_ = read_change();
    if (ok() && !take(',')) want("a comma and the day summer time ends");
    zone.ends_ = read_change();
    zone.near_new_year_ = near_new_year(zone.begins_) || near_new_year(zone.ends_);
  }
  /// A change that its hours, or the zone's offset, may move into another year.
  static bool near_new_year(const change& c) {
    for (const std::int32_t year : {2000, 2001}) {
      const auto day = floor_divide(local_second(c, year), day_s) - days_from_civil({year, 1, 1});
      if (day < 8 || day > 357) return true;
    }
    return false;
  }
  [[nodiscard]] bool ok() const { return expected_ == nullptr; }
  void want(const char* expected) {
    if (ok()) expected_ = expected;
  }
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    if (!ok() || peek() != c) return false;
    ++at_;
    return true;
  }
  static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }

  /// Three or more letters, or letters, digits and signs between < and >; at most 16.
  std::string name() {
    constexpr const char* expected = "a zone's abbreviation, as CET or <+03>";
    const bool quoted = take('<');
    const std::size_t start = at_;
    while (is_letter(peek()) || (quoted && (is_digit(peek()) || peek() == '+' || peek() == '-')))
      ++at_;
    const std::string_view found = text_.substr(start, at_ - start);
    if (found.size() < 3 || found.size() > 16 || (quoted && !take('>'))) want(expected);
    return std::string(found);
  }
  int number(int low, int high, const char* expected) {
    const std::size_t start = at_;
    int value = 0;
    while (ok() && is_digit(peek()) && at_ - start < 3) value = value * 10 + (text_[at_++] - '0');
    if (at_ == start || value < low || value > high) want(expected);
    return value;
  }
  /// [+-]hh[:mm[:ss]] in seconds.
  int time(int most_hours, const char* expected) {
    const bool minus = take('-');
    if (!minus) take('+');
    int seconds = 3600 * number(0, most_hours, expected);
    if (take(':')) seconds += 60 * number(0, 59, "minutes, 0 to 59");
    if (take(':')) seconds += number(0, 59, "seconds, 0 to 59");
    return minus ? -seconds : seconds;
  }
  change read_change() {
    change c;
    if (take('M')) {
      c.month = number(1, 12, "a month, 1 to 12");
      if (!take('.')) want("a dot and the week");
      c.week = number(1, 5, "a week, 1 to 5 (5 = the last)");
      if (!take('.')) want("a dot and the day of the week");
      c.weekday = number(0, 6, "a day of the week, 0 (Sunday) to 6");
    } else if (take('J')) {
      c.form = change::kind::julian;
      c.day = number(1, 365, "a day of the year, 1 to 365");
    } else {
      c.form = change::kind::zero_based;
      c.day = number(0, 365, "Mm.w.d, Jn or n: the day of a change");
    }
    if (take('/')) c.second = time(167, "a time, -167 to 167 hours");
    return c;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  const char* expected_ = nullptr;
};

result<time_zone> time_zone::parse(std::string_view text) { return parser(text).run(); }

/// Seconds since 1970-01-01T00:00:00 of the local clock before the change.
std::int64_t time_zone::local_second(const change& c, std::int32_t year) noexcept {
  std::int64_t day = 0;
  switch (c.form) {
  case change::kind::julian: // counts as if 29 February did not exist
    day = days_from_civil({year, 1, 1}) + c.day - 1;
    if (is_leap_year(year) && c.day >= 60) ++day;
    break;
  case change::kind::zero_based: day = days_from_civil({year, 1, 1}) + c.day; break;
  case change::kind::month_week: {
    const std::int64_t first = days_from_civil({year, c.month, 1});
    const std::int64_t end =
        c.month == 12 ? days_from_civil({year + 1, 1, 1}) : days_from_civil({year, c.month + 1, 1});
    const int wanted = (c.weekday + 6) % 7; // 0 = Monday
    day = first + (wanted - weekday_of(first) + 7) % 7 + 7 * (c.week - 1);
    while (day >= end) day -= 7; // week 5: the last one there is
    break;
  }
  }
  return day * day_s + c.second;
}

// Summer begins by the standard clock and ends by the summer clock. Within a year that has both
// changes inside, their order says all: north of the equator it begins first.
bool time_zone::summer_at(std::int64_t utc_second) const noexcept {
  const auto year = civil_from_days(floor_divide(utc_second + east_[0], day_s)).year;
  if (!near_new_year_) {
    const std::int64_t begin = local_second(begins_, year) - east_[0];
    const std::int64_t end = local_second(ends_, year) - east_[1];
    if (begin < end) return begin <= utc_second && utc_second < end;
    return utc_second < end || begin <= utc_second;
  }
  std::int64_t newest = std::numeric_limits<std::int64_t>::min();
  bool summer = false;
  for (std::int32_t y = year - 2; y <= year + 1; ++y) {
    const std::int64_t begin = local_second(begins_, y) - east_[0];
    const std::int64_t end = local_second(ends_, y) - east_[1];
    // A summer that ends at the moment the next one begins does not end.
    if (begin <= utc_second && begin >= newest) {
      newest = begin;
      summer = true;
    }
    if (end <= utc_second && end > newest) {
      newest = end;
      summer = false;
    }
  }
  return summer;
}

std::int32_t time_zone::offset_s(std::int64_t time_ns) const noexcept {
  if (!has_summer_) return east_[0];
  return east_[summer_at(floor_divide(time_ns, ns_per_s)) ? 1 : 0];
}

local_time time_zone::local(std::int64_t time_ns) const noexcept {
  const std::int64_t second = floor_divide(time_ns, ns_per_s) + offset_s(time_ns);
  const std::int64_t days = floor_divide(second, day_s);
  return {days, static_cast<std::int32_t>(second - days * day_s)};
}

std::int64_t time_zone::next_change_ns(std::int64_t time_ns) const noexcept {
  if (!has_summer_) return never;
  const std::int64_t now = floor_divide(time_ns, ns_per_s);
  const auto year = civil_from_days(floor_divide(now + east_[0], day_s)).year;
  std::int64_t next = never;
  for (std::int32_t y = year - 1; y <= year + 2; ++y)
    for (const std::int64_t at :
         {local_second(begins_, y) - east_[0], local_second(ends_, y) - east_[1]})
      if (at > now) next = std::min(next, at);
  return next > never / ns_per_s ? never : next * ns_per_s;
}

const std::string& time_zone::abbreviation(std::int64_t time_ns) const noexcept {
  return names_[has_summer_ && summer_at(floor_divide(time_ns, ns_per_s)) ? 1 : 0];
}

} // namespace pollux
