// SPDX-License-Identifier: Apache-2.0
// Schedules over changes of the clock, and against a search minute by minute.
#include "domain/alert/schedule.hpp"
#include "tests/unit/domain/alert/hold_fixture.hpp"
#include <random>

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

schedule read(const std::string& json) {
  const auto node = model_text::read(json);
  object_reader in(no_node(), "test");
  auto out = read_schedule(in, node);
  REQUIRE(in.finish().ok());
  return out;
}
std::string refusal(const std::string& json) {
  const auto node = model_text::read(json);
  object_reader in(no_node(), "test");
  (void)read_schedule(in, node);
  const auto outcome = in.finish();
  return outcome ? "" : outcome.error().what;
}
std::int64_t at(std::string_view rfc3339) { return *parse_rfc3339(rfc3339); }

} // namespace

TEST_CASE("office hours in Berlin follow the clock on the wall") {
  const auto s = read(R"({"days": ["mon", "tue", "wed", "thu", "fri"], "from": "08:00",
    "to": "18:00", "zone": "CET-1CEST,M3.5.0,M10.5.0/3"})");
  CHECK(s.text() == "mon tue wed thu fri 08:00-18:00 CET-1CEST,M3.5.0,M10.5.0/3");
  CHECK_FALSE(s.on(at("2024-03-29T06:59:59Z"))); // Friday before summer time
  CHECK(s.on(at("2024-03-29T07:00:00Z")));
  CHECK(s.on(at("2024-03-29T16:59:59Z")));
  CHECK_FALSE(s.on(at("2024-03-29T17:00:00Z")));
  CHECK_FALSE(s.on(at("2024-04-01T05:59:59Z"))); // Monday after it: an hour earlier by UTC
  CHECK(s.on(at("2024-04-01T06:00:00Z")));
  CHECK(s.off_after(at("2024-04-01T06:00:00Z")) == at("2024-04-01T16:00:00Z"));
  CHECK_FALSE(s.on(at("2024-03-30T12:00:00Z"))); // Saturday
}

TEST_CASE("a night belongs to the day it begins on") {
  const auto s = read(R"({"days": ["fri"], "from": "22:00", "to": "06:00"})");
  CHECK(s.on(at("2024-05-03T22:00:00Z")));
  CHECK(s.on(at("2024-05-04T05:59:59Z")));
  CHECK_FALSE(s.on(at("2024-05-04T06:00:00Z")));
  CHECK_FALSE(s.on(at("2024-05-03T05:00:00Z"))); // the end of Thursday's night
  const auto sunday = read(R"({"days": ["sun"], "from": "22:00", "to": "06:00"})");
  CHECK(sunday.on(at("2024-05-06T03:00:00Z"))); // over the end of the week
  CHECK(sunday.off_after(at("2024-05-05T23:00:00Z")) == at("2024-05-06T06:00:00Z"));
}

TEST_CASE("an hour that summer time skips is never on, one it repeats is on twice") {
  const auto s = read(R"({"from": "02:00", "to": "03:00", "zone": "CET-1CEST,M3.5.0,M10.5.0/3"})");
  for (auto t = at("2024-03-31T00:00:00Z"); t < at("2024-03-31T22:00:00Z"); t += 60 * ns_per_s)
    CHECK_FALSE(s.on(t));
  CHECK(s.on(at("2024-10-27T00:30:00Z")));
  CHECK(s.on(at("2024-10-27T01:30:00Z")));
  CHECK(s.off_after(at("2024-10-27T00:30:00Z")) == at("2024-10-27T02:00:00Z"));
}

TEST_CASE("the ends of time have hours of the week, too") {
  const auto s = read(R"({"from": "01:00", "to": "23:00", "zone": "CET-1CEST,M3.5.0,M10.5.0/3"})");
  for (const std::int64_t t : {no_time + 1, no_time + 5, never - 1, never}) {
    CAPTURE(t);
    if (s.on(t)) CHECK(s.off_after(t) >= t);
  }
}

TEST_CASE("all week is always on and never ends") {
  const auto s = read("{}");
  CHECK(s.on(0));
  CHECK(s.off_after(0) == never);
}

TEST_CASE("property: the end is where a search minute by minute finds it, in both hemispheres") {
  const char* const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
  for (unsigned seed = 0; seed < 60; ++seed) {
    CAPTURE(seed);
    std::mt19937 random{seed};
    const auto clock = [&](unsigned minutes) {
      const auto two = [](unsigned n) { return (n < 10 ? "0" : "") + std::to_string(n); };
      return two(minutes / 60) + ":" + two(minutes % 60);
    };
    const auto from = static_cast<unsigned>(random() % 1440);
    const auto to = (from + 1 + static_cast<unsigned>(random() % 1439)) % 1440;
    std::string json = R"({"days": [)";
    for (int d = 0, any = 0; d < 7; ++d)
      if (random() % 2 == 0 || (d == 6 && any == 0))
        json += std::string(any++ > 0 ? "," : "") + '"' + days[d] + '"';
    json += R"(], "from": ")" + clock(from) + R"(", "to": ")" + clock(to) + R"(", "zone": ")" +
            (seed % 2 == 0 ? "CET-1CEST,M3.5.0,M10.5.0/3" : "AEST-10AEDT,M10.1.0,M4.1.0/3") + "\"}";
    CAPTURE(json);
    const auto s = read(json);
    for (int i = 0; i < 40; ++i) {
      // Around both changes of the year and its end.
      const char* const near[] = {"2024-03-29T00:00:00Z", "2024-10-04T00:00:00Z",
                                  "2024-10-25T00:00:00Z", "2024-04-05T00:00:00Z",
                                  "2024-12-30T00:00:00Z", "2024-02-27T00:00:00Z"};
      const auto t = at(near[random() % 6]) + std::int64_t(random() % 5760) * 60 * ns_per_s +
                     std::int64_t(random() % 1'000'000'000);
      if (!s.on(t)) continue;
      auto end = t - t % (60 * ns_per_s);
      while (s.on(end)) end += 60 * ns_per_s;
      CHECK(s.off_after(t) == end);
    }
  }
}

TEST_CASE("a schedule that makes no sense is refused") {
  CHECK(refusal(R"({"from": "8:00"})").find("a time of day as 08:00") != std::string::npos);
  CHECK(refusal(R"({"from": "24:01"})").find("a time of day") != std::string::npos);
  CHECK(refusal(R"({"from": "09:60"})").find("a time of day") != std::string::npos);
  CHECK(refusal(R"({"from": "09:00", "to": "09:00"})").find("no time between") !=
        std::string::npos);
  CHECK(refusal(R"({"from": "24:00", "to": "06:00"})").find("no time between") !=
        std::string::npos);
  CHECK(refusal(R"({"days": []})").find("never be on") != std::string::npos);
  CHECK(refusal(R"({"days": ["monday"]})").find("a day is one of") != std::string::npos);
  CHECK(refusal(R"({"days": [1]})").find("a day is one of") != std::string::npos);
  CHECK(refusal(R"({"zone": "Mars/Olympus"})").find("at character 5 expected") !=
        std::string::npos);
  CHECK(refusal(R"({"form": "08:00"})").find("did you mean \"from\"?") != std::string::npos);
}
