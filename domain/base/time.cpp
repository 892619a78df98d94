// SPDX-License-Identifier: Apache-2.0
// Calendar arithmetic is left to <chrono>'s integer calendar, which asks no clock and no locale.
#include "domain/base/time.hpp"
#include <array>
#include <chrono>
#include <cstdio>

namespace pollux {

namespace {

struct unit {
  std::string_view name;
  std::int64_t ns;
};

constexpr std::int64_t ns_per_day = 86'400 * ns_per_s;
/// Longest first: among equally short forms the largest unit wins.
constexpr std::array<unit, 7> units{{{"d", ns_per_day},
                                     {"h", 3'600 * ns_per_s},
                                     {"m", 60 * ns_per_s},
                                     {"s", ns_per_s},
                                     {"ms", ns_per_ms},
                                     {"us", ns_per_us},
                                     {"ns", 1}}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

void set_digits(char* at, int count, std::int64_t value) {
  for (; count > 0; value /= 10) at[--count] = static_cast<char>('0' + value % 10);
}

failure bad_time(std::string_view text, std::size_t at, const char* expected) {
  return {errc::invalid_argument, "time \"" + std::string(text.substr(0, 40)) +
                                      "\": at character " + std::to_string(at + 1) + " expected " +
                                      expected};
}

/// Walks over a time text; the first thing that does not fit sticks.
class time_scanner {
public:
  explicit time_scanner(std::string_view text) : text_(text) {}
  [[nodiscard]] bool ok() const { return expected_ == nullptr; }
  [[nodiscard]] failure error() const { return bad_time(text_, at_, expected_); }
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  void want(const char* expected) {
    if (ok()) expected_ = expected;
  }
  bool take(std::string_view any_of) {
    if (!ok() || at_ >= text_.size() || any_of.find(text_[at_]) == std::string_view::npos)
      return false;
    ++at_;
    return true;
  }
  void require(std::string_view any_of, const char* expected) {
    if (!take(any_of)) want(expected);
  }
  /// Exactly `digits` digits within [low, high].
  int number(int digits, int low, int high, const char* expected) {
    if (!ok()) return low;
    int value = 0;
    for (int i = 0; i < digits; ++i) {
      const auto place = at_ + static_cast<std::size_t>(i);
      if (place >= text_.size() || !is_digit(text_[place])) {
        at_ = place;
        want(expected);
        return low;
      }
      value = value * 10 + (text_[place] - '0');
    }
    if (value < low || value > high) {
      want(expected);
      return low;
    }
    at_ += static_cast<std::size_t>(digits);
    return value;
  }
  /// 1 to 9 digits of a fraction of a second, as nanoseconds.
  std::int64_t fraction() {
    std::int64_t ns = 0;
    std::int64_t place = ns_per_s / 10;
    std::size_t digits = 0;
    while (is_digit(peek()) && digits < 9) {
      ns += (peek() - '0') * place;
      place /= 10;
      ++digits;
      ++at_;
    }
    if (digits == 0 || is_digit(peek())) want("1 to 9 digits of a fraction of a second");
    return ns;
  }
  void finish() {
    if (ok() && at_ != text_.size()) want("the end");
  }

private:
  std::string_view text_;
  std::size_t at_ = 0;
  const char* expected_ = nullptr;
};

/// Digits of value / unit after the point, or empty when they do not end within 9.
std::string exact_fraction(std::int64_t remainder, std::int64_t unit_ns) {
  std::string digits;
  // remainder < unit <= one day = 8.64e13 ns, so times ten stays far inside int64
  while (remainder != 0 && digits.size() < 9) {
    remainder *= 10;
    digits.push_back(static_cast<char>('0' + remainder / unit_ns));
    remainder %= unit_ns;
  }
  return remainder == 0 ? digits : std::string{};
}

} // namespace

// Documents hold dozens of times: the digits are set by hand, for a tenth of what printf takes.
std::string format_rfc3339(std::int64_t time_ns) {
  using namespace std::chrono;
  std::int64_t seconds_since = time_ns / ns_per_s;
  std::int64_t fraction = time_ns % ns_per_s;
  if (fraction < 0) {
    fraction += ns_per_s;
    --seconds_since;
  }
  const sys_seconds whole{seconds{seconds_since}};
  const auto day = floor<days>(whole);
  const year_month_day date{day};
  const auto of_day = (whole - day).count();
  char text[] = "0000-00-00T00:00:00.000000000Z"; // any int64 lies in the years 1677 to 2262
  set_digits(text, 4, static_cast<int>(date.year()));
  set_digits(text + 5, 2, static_cast<unsigned>(date.month()));
  set_digits(text + 8, 2, static_cast<unsigned>(date.day()));
  set_digits(text + 11, 2, of_day / 3600);
  set_digits(text + 14, 2, of_day / 60 % 60);
  set_digits(text + 17, 2, of_day % 60);
  set_digits(text + 20, 9, fraction);
  const int decimals = fraction == 0               ? -1 // and no point
                       : fraction % ns_per_ms == 0 ? 3
                       : fraction % ns_per_us == 0 ? 6
                                                   : 9;
  const auto size = static_cast<std::size_t>(20 + decimals);
  text[size] = 'Z';
  return {text, size + 1};
}

result<std::int64_t> parse_rfc3339(std::string_view text) {
  using namespace std::chrono;
  time_scanner in(text);
  const int y = in.number(4, 0, 9999, "a year of four digits");
  in.require("-", "\"-\"");
  const int m = in.number(2, 1, 12, "a month, 01 to 12");
  in.require("-", "\"-\"");
  const unsigned days_in_month = static_cast<unsigned>(
      year_month_day_last{year{y}, month_day_last{month{static_cast<unsigned>(m)}}}.day());
  const int d =
      in.number(2, 1, static_cast<int>(days_in_month), "a day that this month has, 01 to 31");
  in.require("Tt ", "\"T\"");
  const int hour = in.number(2, 0, 23, "an hour, 00 to 23");
  in.require(":", "\":\"");
  const int minute = in.number(2, 0, 59, "a minute, 00 to 59");
  in.require(":", "\":\"");
  // A leap second is named 60; on a clock without leap seconds it is the second after.
  const int second = in.number(2, 0, 60, "a second, 00 to 60");
  const std::int64_t fraction = in.take(".") ? in.fraction() : 0;
  std::int64_t offset_minutes = 0;
  if (!in.take("Zz")) {
    const char sign = in.peek();
    in.require("+-", "\"Z\" or an offset such as +01:00");
    const int offset_hours = in.number(2, 0, 23, "an hour of the offset, 00 to 23");
    in.require(":", "\":\"");
    offset_minutes = offset_hours * 60 + in.number(2, 0, 59, "a minute of the offset, 00 to 59");
    if (sign == '-') offset_minutes = -offset_minutes;
  }
  in.finish();
  if (!in.ok()) return in.error();

  const sys_days date{
      year_month_day{year{y}, month{static_cast<unsigned>(m)}, day{static_cast<unsigned>(d)}}};
  const std::int64_t since = date.time_since_epoch().count() * std::int64_t{86'400} + hour * 3600 +
                             minute * 60 + second - offset_minutes * 60;
  std::int64_t ns = 0;
  // The last instants before int64 ends are the sentinels no_time and never: not times either.
  if (__builtin_mul_overflow(since, ns_per_s, &ns) || __builtin_add_overflow(ns, fraction, &ns) ||
      ns == no_time || ns == never)
    return failure{errc::invalid_argument,
                   "time \"" + std::string(text) + "\" is out of range: 1677-09-21 to 2262-04-11"};
  return ns;
}

result<std::int64_t> parse_duration(std::string_view text) {
  const auto bad = [&](const std::string& why) {
    return failure{errc::invalid_argument,
                   "duration \"" + std::string(text.substr(0, 40)) + "\": " + why};
  };
  std::size_t at = 0;
  std::int64_t whole = 0;
  while (at < text.size() && is_digit(text[at])) {
    if (__builtin_mul_overflow(whole, 10, &whole) ||
        __builtin_add_overflow(whole, text[at] - '0', &whole))
      return bad("too long (at most 292 years)");
    ++at;
  }
  if (at == 0) return bad("expected a number and a unit, such as 250ms, 45s, 5m, 2h or 7d");
  std::string_view fraction;
  if (at < text.size() && text[at] == '.') {
    const std::size_t start = ++at;
    while (at < text.size() && is_digit(text[at])) ++at;
    fraction = text.substr(start, at - start);
    if (fraction.empty() || fraction.size() > 9)
      return bad("expected 1 to 9 digits after the point");
  }
  const std::string_view name = text.substr(at);
  for (const auto& u : units) {
    if (u.name != name) continue;
    std::int64_t ns = 0;
    std::int64_t rest = u.ns;
    std::int64_t below = 0;
    for (const char c : fraction) {
      const std::int64_t digit = c - '0';
      if (digit != 0 && rest % 10 != 0) return bad("finer than a nanosecond");
      rest /= 10;
      below += digit * rest;
    }
    if (__builtin_mul_overflow(whole, u.ns, &ns) || __builtin_add_overflow(ns, below, &ns))
      return bad("too long (at most 292 years)");
    return ns;
  }
  return bad(name.empty() ? "the unit is missing: ns, us, ms, s, m, h or d"
                          : "unknown unit \"" + std::string(name.substr(0, 20)) +
                                "\"; use ns, us, ms, s, m, h or d");
}

std::string format_duration(std::int64_t duration_ns) {
  if (duration_ns == 0) return "0s";
  if (duration_ns == no_time) return "-9223372036854775808ns";
  const std::int64_t size = duration_ns < 0 ? -duration_ns : duration_ns;
  std::string best;
  for (const auto& u : units) {
    if (size < u.ns) continue; // "100ms" reads better than "0.1s"
    std::string text = std::to_string(size / u.ns);
    if (size % u.ns != 0) {
      const std::string digits = exact_fraction(size % u.ns, u.ns);
      if (digits.empty()) continue;
      text += "." + digits;
    }
    text += u.name;
    if (best.empty() || text.size() < best.size()) best = text;
  }
  return duration_ns < 0 ? "-" + best : best;
}

std::int64_t saturating_add(std::int64_t a, std::int64_t b) noexcept {
  std::int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b < 0 ? std::numeric_limits<std::int64_t>::min()
               : std::numeric_limits<std::int64_t>::max();
}

} // namespace pollux
