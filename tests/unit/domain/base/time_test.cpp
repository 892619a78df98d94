// SPDX-License-Identifier: Apache-2.0
#include "domain/base/time.hpp"
#include <doctest/doctest.h>
#include <random>
#include <vector>

using namespace pollux;

TEST_CASE("a time is written with as few fractional digits as lose nothing") {
  CHECK(format_rfc3339(0) == "1970-01-01T00:00:00Z");
  CHECK(format_rfc3339(1'700'000'000 * ns_per_s) == "2023-11-14T22:13:20Z");
  CHECK(format_rfc3339(1'700'000'000'120 * ns_per_ms) == "2023-11-14T22:13:20.120Z");
  CHECK(format_rfc3339(1'700'000'000'120'003 * ns_per_us) == "2023-11-14T22:13:20.120003Z");
  CHECK(format_rfc3339(1'700'000'000 * ns_per_s + 1) == "2023-11-14T22:13:20.000000001Z");
  CHECK(format_rfc3339(-1) == "1969-12-31T23:59:59.999999999Z");
  CHECK(format_rfc3339(951'782'400 * ns_per_s) == "2000-02-29T00:00:00Z");
}

TEST_CASE("offsets, lower case, a space and leap seconds are read") {
  const std::int64_t expected = 1'700'000'000 * ns_per_s;
  for (const char* text : {"2023-11-14T22:13:20Z", "2023-11-14t22:13:20z", "2023-11-14 22:13:20Z",
                           "2023-11-14T23:13:20+01:00", "2023-11-14T16:43:20-05:30",
                           "2023-11-15T00:13:20.000000000+02:00"}) {
    CAPTURE(text);
    const auto parsed = parse_rfc3339(text);
    REQUIRE(parsed.ok());
    CHECK(*parsed == expected);
  }
  CHECK(*parse_rfc3339("2016-12-31T23:59:60Z") == *parse_rfc3339("2017-01-01T00:00:00Z"));
  CHECK(*parse_rfc3339("1970-01-01T00:00:00.5Z") == 500 * ns_per_ms);
  CHECK(*parse_rfc3339("1969-12-31T23:59:59.5Z") == -500 * ns_per_ms);
}

TEST_CASE("a malformed time is refused with the place") {
  const auto what = [](const char* text) {
    const auto parsed = parse_rfc3339(text);
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.error().code == errc::invalid_argument);
    return parsed.error().what;
  };
  CHECK(what("2023-13-01T00:00:00Z").find("character 6 expected a month") != std::string::npos);
  CHECK(what("2023-02-29T00:00:00Z").find("character 9 expected a day") != std::string::npos);
  CHECK(what("2023-02-28T00:00:00").find("character 20 expected \"Z\"") != std::string::npos);
  CHECK(what("2023-02-28T00:00:00Zx").find("character 21 expected the end") != std::string::npos);
  CHECK(what("2023-02-28T00:00:00.Z").find("fraction") != std::string::npos);
  CHECK(what("2023-02-28T00:00:00.1234567890Z").find("fraction") != std::string::npos);
  CHECK(what("").find("year") != std::string::npos);
  CHECK(what("2023-02-28T24:00:00Z").find("hour") != std::string::npos);
  CHECK(what("1500-01-01T00:00:00Z").find("out of range") != std::string::npos);
  CHECK(what("2262-04-12T00:00:00Z").find("out of range") != std::string::npos);
}

TEST_CASE("property: reading undoes writing for any time") {
  std::mt19937_64 random{1};
  for (int i = 0; i < 20'000; ++i) {
    auto t = static_cast<std::int64_t>(random());
    if (i % 3 == 1) t -= t % ns_per_s;
    if (i % 3 == 2) t -= t % ns_per_us;
    CAPTURE(t);
    const auto parsed = parse_rfc3339(format_rfc3339(t));
    REQUIRE(parsed.ok());
    REQUIRE(*parsed == t);
  }
}

TEST_CASE("property: damaged times never crash, and what is accepted is a time") {
  std::mt19937 random{2};
  for (int i = 0; i < 20'000; ++i) {
    std::string text = "2023-11-14T22:13:20.125+01:00";
    for (unsigned n = 0; n <= random() % 3; ++n)
      text[random() % text.size()] = static_cast<char>(random() % 256);
    text.resize(random() % (text.size() + 1));
    if (const auto parsed = parse_rfc3339(text); parsed.ok())
      REQUIRE(*parse_rfc3339(format_rfc3339(*parsed)) == *parsed);
  }
}

TEST_CASE("durations are read exactly") {
  CHECK(*parse_duration("250ms") == 250 * ns_per_ms);
  CHECK(*parse_duration("45s") == 45 * ns_per_s);
  CHECK(*parse_duration("5m") == 300 * ns_per_s);
  CHECK(*parse_duration("2h") == 7'200 * ns_per_s);
  CHECK(*parse_duration("7d") == 604'800 * ns_per_s);
  CHECK(*parse_duration("1.5s") == 1'500 * ns_per_ms);
  CHECK(*parse_duration("0s") == 0);
  CHECK(*parse_duration("3us") == 3'000);
  CHECK(*parse_duration("7ns") == 7);
  CHECK(*parse_duration("0.000000001s") == 1);
}

TEST_CASE("a malformed duration is refused with the reason") {
  const auto what = [](const char* text) {
    const auto parsed = parse_duration(text);
    REQUIRE_FALSE(parsed.ok());
    CHECK(parsed.error().code == errc::invalid_argument);
    return parsed.error().what;
  };
  CHECK(what("5").find("unit is missing") != std::string::npos);
  CHECK(what("5 m").find("unknown unit \" m\"") != std::string::npos);
  CHECK(what("5min").find("unknown unit \"min\"") != std::string::npos);
  CHECK(what("-5m").find("expected a number") != std::string::npos);
  CHECK(what("").find("expected a number") != std::string::npos);
  CHECK(what("1.s").find("after the point") != std::string::npos);
  CHECK(what("0.5ns").find("finer than a nanosecond") != std::string::npos);
  CHECK(what("300000d").find("too long") != std::string::npos);
  CHECK(what("99999999999999999999s").find("too long") != std::string::npos);
}

TEST_CASE("durations are written short and exactly") {
  CHECK(format_duration(300 * ns_per_s) == "5m");
  CHECK(format_duration(90 * ns_per_s) == "90s");
  CHECK(format_duration(1'500 * ns_per_ms) == "1.5s");
  CHECK(format_duration(100 * ns_per_ms) == "100ms");
  CHECK(format_duration(86'400 * ns_per_s) == "1d");
  CHECK(format_duration(0) == "0s");
  CHECK(format_duration(-300 * ns_per_s) == "-5m");
  CHECK(format_duration(1) == "1ns");
  CHECK(format_duration(never) == "9223372036.854775807s");
}

TEST_CASE("property: reading a duration undoes writing it") {
  std::mt19937_64 random{3};
  for (int i = 0; i < 20'000; ++i) {
    const auto d = static_cast<std::int64_t>(random() >> (1 + random() % 63));
    CAPTURE(d);
    const auto parsed = parse_duration(format_duration(d));
    REQUIRE(parsed.ok());
    REQUIRE(*parsed == d);
  }
}

TEST_CASE("a saturating sum stops at the ends of int64") {
  CHECK(saturating_add(1, 2) == 3);
  CHECK(saturating_add(never, 1) == never);
  CHECK(saturating_add(no_time, -1) == no_time);
  CHECK(saturating_add(never, -1) == never - 1);
  CHECK(saturating_add(no_time, never) == -1);
}
