// SPDX-License-Identifier: Apache-2.0
// The calendar against the standard library's, zones against hand-checked changes, a slow search,
// and, where the machine has a time-zone database, against its compiled tables' newest rules.
#include "domain/base/calendar.hpp"
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <doctest/doctest.h>
#include <random>

using namespace pollux;

namespace {

time_zone zone(std::string_view text) {
  auto parsed = time_zone::parse(text);
  REQUIRE_MESSAGE(parsed.ok(), (parsed.ok() ? "" : parsed.error().what));
  return *parsed;
}
std::int64_t at(std::string_view rfc3339) { return *parse_rfc3339(rfc3339); }
int hours(const time_zone& z, std::string_view when) { return z.offset_s(at(when)) / 3600; }

constexpr std::string_view berlin = "CET-1CEST,M3.5.0,M10.5.0/3";
constexpr std::string_view new_york = "EST5EDT,M3.2.0,M11.1.0";
constexpr std::string_view sydney = "AEST-10AEDT,M10.1.0,M4.1.0/3";

} // namespace

TEST_CASE("every day of eight centuries has the date and weekday of the standard calendar") {
  using namespace std::chrono;
  for (std::int64_t d = -150'000; d <= 150'000; ++d) {
    const sys_days day{days{d}};
    const year_month_day expected{day};
    const auto got = civil_from_days(d);
    if (got.year != static_cast<int>(expected.year()) ||
        got.month != static_cast<int>(static_cast<unsigned>(expected.month())) ||
        got.day != static_cast<int>(static_cast<unsigned>(expected.day())) ||
        days_from_civil(got) != d ||
        weekday_of(d) != static_cast<int>(weekday{day}.iso_encoding()) - 1) {
      CAPTURE(d);
      FAIL("day differs");
    }
  }
}

TEST_CASE("leap years follow the Gregorian rule") {
  CHECK(is_leap_year(2000));
  CHECK(is_leap_year(2024));
  CHECK_FALSE(is_leap_year(1900));
  CHECK_FALSE(is_leap_year(2100));
  CHECK_FALSE(is_leap_year(2023));
  CHECK(days_from_civil({2024, 3, 1}) - days_from_civil({2024, 2, 28}) == 2);
  CHECK(days_from_civil({2100, 3, 1}) - days_from_civil({2100, 2, 28}) == 1);
}

TEST_CASE("north of the equator: the very second of both changes") {
  const auto z = zone(berlin);
  CHECK(hours(z, "2024-03-31T00:59:59Z") == 1);
  CHECK(hours(z, "2024-03-31T01:00:00Z") == 2);
  CHECK(hours(z, "2024-10-27T00:59:59Z") == 2);
  CHECK(hours(z, "2024-10-27T01:00:00Z") == 1);
  CHECK(z.abbreviation(at("2024-07-01T00:00:00Z")) == "CEST");
  CHECK(z.abbreviation(at("2024-01-01T00:00:00Z")) == "CET");
  CHECK(z.local(at("2024-03-31T00:59:59Z")).second_of_day == 2 * 3600 - 1);
  CHECK(z.local(at("2024-03-31T01:00:00Z")).second_of_day == 3 * 3600); // 02:xx does not exist
  CHECK(z.local(at("2024-10-27T00:30:00Z")).second_of_day == 9000);     // 02:30 comes twice
  CHECK(z.local(at("2024-10-27T01:30:00Z")).second_of_day == 9000);
  const auto ny = zone(new_york);
  CHECK(hours(ny, "2023-03-12T06:59:59Z") == -5);
  CHECK(hours(ny, "2023-03-12T07:00:00Z") == -4);
  CHECK(hours(ny, "2023-11-05T05:59:59Z") == -4);
  CHECK(hours(ny, "2023-11-05T06:00:00Z") == -5);
}

TEST_CASE("south of the equator summer lasts over the new year") {
  const auto z = zone(sydney);
  CHECK(hours(z, "2024-01-01T00:00:00Z") == 11);
  CHECK(hours(z, "2023-12-31T23:59:59Z") == 11);
  CHECK(hours(z, "2024-04-06T15:59:59Z") == 11);
  CHECK(hours(z, "2024-04-06T16:00:00Z") == 10);
  CHECK(hours(z, "2024-10-05T15:59:59Z") == 10);
  CHECK(hours(z, "2024-10-05T16:00:00Z") == 11);
  const auto chile = zone("<-04>4<-03>,M9.1.6/24,M4.1.6/24"); // at midnight, written as hour 24
  CHECK(hours(chile, "2024-09-08T03:59:59Z") == -4);
  CHECK(hours(chile, "2024-09-08T04:00:00Z") == -3);
}

TEST_CASE("half hours, negative hours, days of the year and reversed summers") {
  CHECK(zone("IST-5:30").offset_s(0) == 19'800);
  CHECK(zone("<+0545>-5:45").offset_s(0) == 20'700);
  CHECK(zone("UTC").offset_s(0) == 0);
  const auto lord_howe = zone("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0");
  CHECK(lord_howe.offset_s(at("2024-01-01T00:00:00Z")) == 11 * 3600);
  CHECK(lord_howe.offset_s(at("2024-07-01T00:00:00Z")) == 37'800);
  const auto dublin = zone("IST-1GMT0,M10.5.0,M3.5.0/1"); // winter is the exception
  CHECK(hours(dublin, "2024-07-01T00:00:00Z") == 1);
  CHECK(hours(dublin, "2024-03-31T00:59:59Z") == 0);
  CHECK(hours(dublin, "2024-03-31T01:00:00Z") == 1);
  const auto nuuk = zone("<-02>2<-01>,M3.5.0/-1,M10.5.0/0"); // the day before, at 23:00
  CHECK(hours(nuuk, "2024-03-31T00:59:59Z") == -2);
  CHECK(hours(nuuk, "2024-03-31T01:00:00Z") == -1);
  const auto by_days = zone("AAA0BBB,J60/0,300/0"); // J60 is 1 March in every year
  CHECK(hours(by_days, "2024-02-29T23:59:59Z") == 0);
  CHECK(hours(by_days, "2024-03-01T00:00:00Z") == 1);
  CHECK(hours(by_days, "2023-03-01T00:00:00Z") == 1);
  CHECK(hours(by_days, "2024-10-26T22:59:59Z") == 1); // day 300 of a leap year is 27 October
  CHECK(hours(by_days, "2024-10-26T23:00:00Z") == 0);
}

TEST_CASE("summer time all the year round never ends at the new year") {
  const auto z = zone("EST5EDT,0/0,J365/25");
  for (std::int64_t t = at("2023-12-30T00:00:00Z"); t < at("2024-01-03T00:00:00Z");
       t += 1800 * ns_per_s)
    CHECK(z.offset_s(t) == -4 * 3600);
}

TEST_CASE("the next change is where a search by the minute finds it") {
  for (const auto text :
       {berlin, new_york, sydney, std::string_view("<-02>2<-01>,M3.5.0/-1,M10.5.0/0")}) {
    const auto z = zone(text);
    std::int64_t t = at("2023-12-20T00:00:00Z");
    for (int changes = 0; changes < 5; ++changes) {
      const auto next = z.next_change_ns(t);
      std::int64_t found = t;
      const auto before = z.offset_s(t);
      while (z.offset_s(found) == before) found += 60 * ns_per_s;
      CHECK(next == found);
      CHECK(z.offset_s(next - 1) == before);
      t = next;
    }
  }
  CHECK(zone("IST-5:30").next_change_ns(0) == never);
}

TEST_CASE("zones agree with the machine's own reading of the same text, by random instants") {
  // The C library reads POSIX TZ texts too: an independent implementation of the same rules.
  const char* const before = std::getenv("TZ");
  const std::string kept = before != nullptr ? before : "";
  for (const char* text :
       {"CET-1CEST,M3.5.0,M10.5.0/3", "EST5EDT,M3.2.0,M11.1.0", "AEST-10AEDT,M10.1.0,M4.1.0/3",
        "IST-1GMT0,M10.5.0,M3.5.0/1", "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "IST-5:30",
        "<-04>4<-03>,M9.1.6/24,M4.1.6/24", "AAA0BBB,J60/0,300/0", "NZST-12NZDT,M9.5.0,M4.1.0/3"}) {
    CAPTURE(text);
    ::setenv("TZ", text, 1);
    ::tzset();
    const auto z = zone(text);
    std::mt19937_64 random{7};
    std::uniform_int_distribution<std::int64_t> second{0, 4'102'444'800}; // to the year 2100
    for (int i = 0; i < 20'000; ++i) {
      const std::time_t t = second(random);
      std::tm fields{};
      ::localtime_r(&t, &fields);
      const auto mine = z.local(t * ns_per_s);
      const auto date = civil_from_days(mine.days);
      if (z.offset_s(t * ns_per_s) != fields.tm_gmtoff || date.day != fields.tm_mday ||
          date.month != fields.tm_mon + 1 || (mine.weekday() + 1) % 7 != fields.tm_wday ||
          mine.second_of_day != fields.tm_hour * 3600 + fields.tm_min * 60 + fields.tm_sec) {
        CAPTURE(t);
        FAIL("local time differs");
      }
    }
  }
  before != nullptr ? ::setenv("TZ", kept.c_str(), 1) : ::unsetenv("TZ");
  ::tzset();
}

TEST_CASE("times at the ends of int64 have a local time, too") {
  const auto z = zone(berlin);
  CHECK(z.local(no_time + 1).second_of_day >= 0);
  CHECK(z.local(never - 1).second_of_day < 86'400);
  CHECK(z.next_change_ns(never - 1) == never);
  CHECK(zone("AAA-24").local(never - 1).second_of_day < 86'400);
}

TEST_CASE("what is no POSIX TZ text is refused with its place") {
  const std::pair<const char*, const char*> cases[] = {
      {"", "at character 1 expected a zone's abbreviation"},
      {"Europe/Berlin", "at character 7 expected the offset"},
      {"CET", "at character 4 expected the offset"},
      {"CET-25", "expected the offset"},
      {"CET-1CEST", "at character 10 expected a comma and the day summer time begins"},
      {"CET-1CEST,M3.5.0", "expected a comma and the day summer time ends"},
      {"CET-1CEST,M13.5.0,M10.5.0", "a month, 1 to 12"},
      {"CET-1CEST,M3.6.0,M10.5.0", "a week, 1 to 5"},
      {"CET-1CEST,M3.5.7,M10.5.0", "a day of the week"},
      {"CET-1CEST,J0,M10.5.0", "a day of the year"},
      {"CET-1CEST,M3.5.0/168,M10.5.0", "a time, -167 to 167"},
      {"CET-1:60", "minutes"},
      {"CET-1 ", "expected"},
      {"<+03-3", "abbreviation"},
  };
  for (const auto& [text, error] : cases) {
    CAPTURE(text);
    const auto parsed = time_zone::parse(text);
    REQUIRE_FALSE(parsed.ok());
    CAPTURE(parsed.error().what);
    CHECK(parsed.error().what.find(error) != std::string::npos);
  }
  CHECK_FALSE(time_zone::parse(std::string(100'000, 'A')).ok());
  std::mt19937 random{1};
  const std::string letters = "CETM<>,./-+:0123456789J";
  for (int i = 0; i < 50'000; ++i) { // whatever comes: an answer, no crash
    std::string text = "CET-1CEST,M3.5.0,M10.5.0/3";
    for (int n = 0; n < 3; ++n) text[random() % text.size()] = letters[random() % letters.size()];
    if (const auto parsed = time_zone::parse(text))
      (void)parsed->offset_s(std::int64_t(random()) << 20);
  }
}
