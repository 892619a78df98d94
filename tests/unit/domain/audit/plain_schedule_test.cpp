// SPDX-License-Identifier: Apache-2.0
// The second opinion on thresholds with hours of the week.
#include "domain/audit/plain_schedule.hpp"
#include "tests/unit/domain/audit/opinions.hpp"

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

constexpr std::string_view hours = R"json({
  "name": "all", "kind": "motor",
  "telemetry": {"t": {}, "v": {}, "open": {"type": "boolean"}},
  "operators": [
    {"name": "day", "type": "threshold", "value": "t", "above": 50.4, "clear": 49.5,
     "active": {"from": "08:00", "to": "18:00", "zone": "CET-1CEST,M3.5.0,M10.5.0/3"}},
    {"name": "night", "type": "threshold", "value": "v", "below": 3.8, "latch": true, "for": "15m",
     "active": {"days": ["mon", "wed", "fri", "sun"], "from": "21:30", "to": "06:15",
                "zone": "<+0545>-5:45"}},
    {"name": "often", "type": "threshold", "value": "t", "above": 49.6, "times": 3, "clear_for": "10m",
     "active": {"days": ["tue", "thu", "sat"]}},
    {"name": "lately", "type": "threshold", "value": "v", "above": 3.5, "times": 4, "within": "2h",
     "active": {"from": "12:00", "to": "00:00", "zone": "EST5EDT,M3.2.0,M11.1.0"}},
    {"name": "always", "type": "threshold", "value": "t", "above": 51, "active": {"zone": "CET-1"}}
  ]})json";

life weeks(std::string_view text, unsigned seed, int inputs) {
  return random_life(seed, text, 300 * ns_per_s).run(inputs);
}

bool by_schedule(const effect& e) {
  const auto& times = e.alert.proof.times;
  return !times.empty() && times.front().name == "schedule_end";
}

plain_hours read_hours(std::string_view active) {
  return plain_hours(model_text::read("{\"active\": " + std::string(active) + "}"));
}

std::int64_t at(const char* time) {
  const auto read = parse_rfc3339(time);
  REQUIRE(static_cast<bool>(read));
  return *read;
}

} // namespace

TEST_CASE("hours of the week are read from the clock on the wall") {
  const auto night = read_hours(R"({"days": ["sat"], "from": "22:00", "to": "04:00",
                     "zone": "CET-1CEST,M3.5.0,M10.5.0/3"})");
  // In the night to 2024-03-31 summer time skips 02:00 to 03:00: the hours are an hour shorter.
  CHECK_FALSE(night.on(at("2024-03-30T20:59:59Z")));
  CHECK(night.on(at("2024-03-30T21:00:00Z")));
  CHECK(night.end_after(at("2024-03-30T21:00:00Z")) == at("2024-03-31T02:00:00Z"));
  // In the night to 2024-10-27 it repeats one.
  CHECK(night.end_after(at("2024-10-26T21:00:00.5Z")) == at("2024-10-27T03:00:00Z"));
  CHECK_FALSE(night.on(at("2024-10-27T21:00:00Z")));
  CHECK(read_hours(R"({"zone": "CET-1"})").end_after(0) == never);
  const auto skipped = read_hours(R"({"from": "02:00", "to": "03:00",
                                      "zone": "CET-1CEST,M3.5.0,M10.5.0/3"})");
  for (int minute = 0; minute < 24 * 60; ++minute)
    CHECK_FALSE(skipped.on(at("2024-03-30T23:00:00Z") + minute * 60 * ns_per_s - 0));
}

TEST_CASE("thresholds with hours of the week are confirmed") {
  sightings seen;
  int ended = 0;
  for (unsigned seed = 1; seed <= 4; ++seed) {
    const auto l = weeks(hours, seed, 600);
    confirm_life(hours, l, seen);
    ended += static_cast<int>(std::count_if(l.alerts.begin(), l.alerts.end(), by_schedule));
  }
  CHECK(ended >= 20);
  check_seen(seen, {"day", "often", "lately", "always"}, {"raised", "cleared"}, 10);
  check_seen(seen, {"night"}, {"raised"}, 1);
  check_seen(seen, {"night"}, {"latched"}, 3);
}

TEST_CASE("thresholds with hours are confirmed where late readings are worked in") {
  sightings seen;
  const auto text = worked_in(hours, R"({"disorder": "20m", "lateness": "6h"})");
  for (unsigned seed = 11; seed <= 13; ++seed) confirm_life(text, weeks(text, seed, 400), seen);
  check_seen(seen, {"day", "often", "lately"}, {"raised", "cleared"}, 3);
}

TEST_CASE("another number, time or verdict of a threshold with hours is contradicted") {
  sightings seen;
  contradict_life(hours, weeks(hours, 6, 600), 12, seen);
  check_seen(seen, {"day", "night", "often", "lately"}, {"moved", "flipped"}, 10);
  check_seen(seen, {"day", "lately"}, {"value"}, 5);
  // An end of the hours that is none.
  const auto model = model_text::read(hours);
  const auto l = weeks(hours, 7, 600);
  int ends = 0;
  for (auto alert : l.alerts) {
    if (!by_schedule(alert)) continue;
    ++ends;
    alert.alert.event_time_ns += 60 * ns_per_s;
    alert.alert.proof.times.front().time_ns += 60 * ns_per_s;
    CHECK(judge_again(model, l.journal, alert).says == opinion::contradicted);
  }
  CHECK(ends >= 5);
}
