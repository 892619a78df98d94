// SPDX-License-Identifier: Apache-2.0
// Thresholds with ranges, holds, counts and schedules, against a clock that ticks second by second.
#include "domain/alert/threshold.hpp"
#include "tests/unit/domain/alert/hold_fixture.hpp"
#include <random>

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;
using kind = threshold_rule::kind;
using list = std::vector<std::string>;

namespace {

std::string model_of(const std::string& keys) {
  return R"({"name": "m", "telemetry": {"x": {}, "y": {}}, "operators": [
    {"name": "r", "type": "threshold", "value": "x", )" +
         keys + "}]}";
}
library one(const std::string& keys) {
  library models;
  models.add("m", model_of(keys));
  return models;
}

} // namespace

TEST_CASE("exactly at a limit nothing fires, exactly at the clear limit it clears") {
  const threshold_rule above{.which = kind::above, .limit = 0.7, .clear = 0.6};
  CHECK_FALSE(judge(above, 0.7, false)); // failure_probability > 0.7
  CHECK(judge(above, std::nextafter(0.7, 1), false));
  CHECK(judge(above, 0.65, true));
  CHECK_FALSE(judge(above, 0.6, true));
  const threshold_rule fuel{.which = kind::below, .limit = 0.2, .clear = 0.25};
  CHECK_FALSE(judge(fuel, 0.2, false));
  CHECK(judge(fuel, std::nextafter(0.2, 0), false));
  CHECK(judge(fuel, std::nextafter(0.25, 0), true));
  CHECK_FALSE(judge(fuel, 0.25, true));
  const threshold_rule outside{kind::outside, 2, 3, 8, 7};
  for (const double v : {2.0, 5.0, 8.0}) CHECK_FALSE(judge(outside, v, false));
  for (const double v : {std::nextafter(2, 0), std::nextafter(8, 9)})
    CHECK(judge(outside, v, false));
  for (const double v : {3.0, 7.0}) CHECK_FALSE(judge(outside, v, true));
  for (const double v : {2.9, 7.1}) CHECK(judge(outside, v, true));
  const threshold_rule inside{kind::inside, 4, 3, 6, 7};
  for (const double v : {4.0, 6.0}) CHECK_FALSE(judge(inside, v, false));
  CHECK(judge(inside, 5, false));
  for (const double v : {3.5, 6.5}) CHECK(judge(inside, v, true));
  for (const double v : {3.0, 7.0}) CHECK_FALSE(judge(inside, v, true));
}

TEST_CASE("a hold falls due between readings, at its own moment, and only once that has passed") {
  const auto models = one(R"("above": 10, "for": "30s")");
  hand device(models, "m");
  CHECK(device.reading(100, {{"x", 11}}).empty());
  CHECK(device.why("r").starts_with("waiting: x is 11, since 1970-01-01T00:01:40Z; due at"));
  CHECK(pass_watermark(device, "r", 130 * ns_per_s).empty()); // a reading at 130 may still come
  const auto& out = pass_watermark(device, "r", 130 * ns_per_s + 1);
  REQUIRE(told(out) == list{"raised 130.0"});
  CHECK(out[0].alert.proof.explanation == "x 11 above 10 for 30s");
  CHECK(out[0].alert.proof.event_times_ns == std::vector<std::int64_t>{100 * ns_per_s});
  CHECK(number(out[0].alert.proof, "for_s") == 30);
  CHECK(pass_watermark(device, "r", 1000 * ns_per_s).empty());
  CHECK(told(device.reading(140, {{"x", 9}})) == list{"cleared 140.0"});
}

TEST_CASE(
    "the next reading, of whatever telemetry, finds a hold that is due; one in time ends it") {
  const auto models = one(R"("above": 10, "for": "30s")");
  hand device(models, "m");
  (void)device.reading(0, {{"x", 11}});
  CHECK(device.reading(30, {{"x", 10}}).empty()); // back at the very moment: it did not hold
  (void)device.reading(40, {{"x", 11}});
  CHECK(told(device.reading(70, {{"x", 12}})) == list{"raised 70.0"}); // still, at that moment
  (void)device.reading(71, {{"x", 1}});
  (void)device.reading(80, {{"x", 11}});
  CHECK(told(device.reading(200, {{"y", 1}})) == list{"raised 110.0"});
  CHECK(told(device.reading(201, {{"x", 1}})) == list{"cleared 201.0"});
  (void)device.reading(210, {{"x", 11}});
  CHECK(told(device.reading(300, {{"x", 1}})) == list{"raised 240.0", "cleared 300.0"});
}

TEST_CASE("clear_for asks that it stays good") {
  const auto models = one(R"("above": 10, "clear": 8, "clear_for": "1m")");
  hand device(models, "m");
  CHECK(told(device.reading(0, {{"x", 11}})) == list{"raised 0.0"});
  CHECK(device.reading(10, {{"x", 7}}).empty());
  CHECK(device.reading(60, {{"x", 9}}).empty()); // between clear and limit: not good
  CHECK(device.reading(100, {{"x", 8}}).empty());
  const auto& out = pass_watermark(device, "r", 200 * ns_per_s);
  REQUIRE(told(out) == list{"cleared 160.0"});
  CHECK(out[0].alert.proof.explanation == "x 8 at or below 8 for 1m");
}

TEST_CASE("so many readings in a row, or within a time") {
  const auto in_row = one(R"("above": 10, "times": 3)");
  hand a(in_row, "m");
  for (const int t : {1, 2}) CHECK(a.reading(t, {{"x", 11}}).empty());
  CHECK(a.why("r").find("2 of 3 readings") != std::string::npos);
  CHECK(a.reading(3, {{"x", 1}}).empty());
  for (const int t : {4, 5}) CHECK(a.reading(t, {{"x", 11}}).empty());
  CHECK(told(a.reading(6, {{"x", 11}})) == list{"raised 6.0"});
  CHECK(told(a.reading(7, {{"x", 1}})) == list{"cleared 7.0"});

  const auto within = one(R"("above": 10, "times": 3, "within": "5m")");
  hand b(within, "m");
  CHECK(b.reading(0, {{"x", 11}}).empty());
  CHECK(b.reading(100, {{"x", 1}}).empty());
  CHECK(b.reading(200, {{"x", 11}}).empty());
  CHECK(b.reading(301, {{"x", 11}}).empty());    // the first is 301 s old
  const auto& out = b.reading(500, {{"x", 11}}); // the second exactly 5 min: it counts
  REQUIRE(told(out) == list{"raised 500.0"});
  CHECK(out[0].alert.proof.event_times_ns ==
        std::vector<std::int64_t>{200 * ns_per_s, 301 * ns_per_s, 500 * ns_per_s});
  CHECK(out[0].alert.proof.explanation == "x 11 above 10, 3 readings within 5m");
}

TEST_CASE("hold and count together ask for both") {
  const auto models = one(R"("above": 10, "for": "1m", "times": 3)");
  hand device(models, "m");
  (void)device.reading(0, {{"x", 11}});
  CHECK(device.reading(100, {{"x", 11}}).empty()); // long enough, but only twice
  CHECK(told(device.reading(101, {{"x", 11}})) == list{"raised 101.0"});
}

TEST_CASE("a rule rests outside its schedule; what is on its way or raised ends with it") {
  // Monday, 1970-01-05, is day 4.
  const auto models = one(
      R"("above": 10, "for": "1m", "active": {"days": ["mon"], "from": "08:00", "to": "18:00"})");
  hand device(models, "m");
  const double monday = 4 * 86400.0;
  CHECK(device.reading(monday + 7 * 3600, {{"x", 99}}).empty());
  device.now_s = static_cast<std::int64_t>(monday) + 7 * 3600;
  CHECK(device.why("r") == "off: outside its schedule: mon 08:00-18:00 UTC0");
  CHECK(device.reading(monday + 8 * 3600, {{"x", 99}}).empty());
  CHECK(told(device.reading(monday + 8 * 3600 + 60, {{"x", 98}})) == list{"raised 374460.0"});
  device.reload();
  const auto& out = pass_watermark(device, "r", static_cast<std::int64_t>((monday + 64800) * 1e9));
  REQUIRE(told(out) == list{"cleared 410400.0"});
  CHECK(out[0].alert.proof.explanation == "its schedule has ended: mon 08:00-18:00 UTC0");
  CHECK(device.reading(monday + 65000, {{"x", 98}}).empty());
  // Due exactly when it ends: too late.
  CHECK(device.reading(monday + 7 * 86400 + 64740, {{"x", 98}}).empty());
  CHECK(device.reading(monday + 7 * 86400 + 70000, {{"x", 98}}).empty());
}

namespace {

struct story {
  std::int64_t minute;
  double value;
};

/// The rule by the clock: minute after minute, the reading of that minute first.
list slow(const std::vector<story>& all, const hold_rule& hold, const schedule* when,
          std::int64_t end) {
  list out;
  bool active = false;
  std::int64_t since = -1;
  std::uint32_t count = 0;
  double value = 0;
  bool known = false;
  std::size_t next = 0;
  const auto tell = [&](const char* what, std::int64_t minute) {
    out.push_back(std::string(what) + " " + std::to_string(minute * 60) + ".0");
    active = !active;
    since = -1;
    count = 0;
  };
  for (std::int64_t m = 0; m < end; ++m) {
    const bool on = when == nullptr || when->on(m * 60 * ns_per_s);
    const bool fresh = next < all.size() && all[next].minute == m;
    if (fresh) value = all[next++].value;
    if (!on) {
      if (active) tell("cleared", m);
      since = -1;
      count = 0;
      known = false;
      continue;
    }
    known = known || fresh;
    if (!known) continue;
    const bool speaks = (value > 10) != active;
    const auto wait = (active ? hold.clear_for_ns : hold.for_ns) / (60 * ns_per_s);
    const auto times = active ? 1U : hold.times;
    if (fresh && !speaks) {
      since = -1;
      count = 0;
    }
    if (fresh && speaks) {
      if (since < 0) since = m;
      ++count;
    }
    if (since >= 0 && count >= times && m - since >= wait) tell(active ? "cleared" : "raised", m);
  }
  return out;
}

} // namespace

TEST_CASE("property: holds, counts and schedules agree with a clock that ticks") {
  std::size_t transitions = 0;
  for (unsigned seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    std::mt19937 random{seed};
    const auto pick = [&](unsigned n) { return static_cast<std::int64_t>(random() % n); };
    hold_rule hold;
    hold.for_ns = pick(3) * pick(20) * 60 * ns_per_s;
    hold.clear_for_ns = pick(2) * pick(10) * 60 * ns_per_s;
    hold.times = static_cast<std::uint32_t>(1 + pick(2) * pick(4));
    std::string keys = R"("above": 10)";
    if (hold.for_ns > 0) keys += R"(, "for": ")" + format_duration(hold.for_ns) + '"';
    if (hold.clear_for_ns > 0)
      keys += R"(, "clear_for": ")" + format_duration(hold.clear_for_ns) + '"';
    if (hold.times > 1) keys += R"(, "times": )" + std::to_string(hold.times);
    std::optional<schedule> when;
    if (seed % 2 == 1) {
      const auto hour = [&](std::int64_t h) {
        return (h < 10 ? "0" : "") + std::to_string(h) + ":30";
      };
      const auto from = pick(23);
      const std::string text = R"({"from": ")" + hour(from) + R"(", "to": ")" +
                               hour((from + 1 + pick(22)) % 24) +
                               R"(", "zone": "EST5EDT,M3.2.0,M11.1.0"})";
      keys += R"(, "active": )" + text;
      const auto node = model_text::read(text);
      object_reader in(no_node(), "test");
      when = read_schedule(in, node);
    }
    CAPTURE(keys);
    library models;
    models.add("m", model_of(keys));
    hand device(models, "m");
    const std::int64_t end = 4 * 24 * 60;
    std::vector<story> all;
    for (std::int64_t m = pick(30); m < end - 60; m += 1 + pick(seed % 3 == 0 ? 3 : 40))
      all.push_back({m, pick(3) == 0 ? 5.0 : 15.0});
    list got;
    const auto keep = [&](const effects& out) {
      for (const auto& line : told(out)) got.push_back(line);
    };
    for (const auto& s : all) {
      if (pick(3) == 0) keep(pass_watermark(device, "r", s.minute * 60 * ns_per_s));
      keep(device.reading(double(s.minute) * 60, {{"x", s.value}}));
      if (pick(10) == 0) device.reload();
    }
    keep(pass_watermark(device, "r", (end - 1) * 60 * ns_per_s + 1));
    const auto expected = slow(all, hold, when ? &*when : nullptr, end);
    CHECK(got == expected);
    transitions += expected.size();
  }
  CHECK(transitions > 5000);
}

TEST_CASE("property: counts within a time agree with a search through all readings") {
  for (unsigned seed = 0; seed < 100; ++seed) {
    CAPTURE(seed);
    std::mt19937 random{seed};
    const auto times = 2 + static_cast<unsigned>(random() % 5);
    const auto within = 20 + static_cast<unsigned>(random() % 200);
    const auto models = one(R"("above": 10, "times": )" + std::to_string(times) +
                            R"(, "within": ")" + std::to_string(within) + R"(s")");
    hand device(models, "m");
    std::vector<int> met;
    bool active = false;
    int t = 0;
    for (int i = 0; i < 400; ++i) {
      t += 1 + static_cast<int>(random() % 40);
      const bool high = random() % 3 == 0;
      const auto got = told(device.reading(t, {{"x", high ? 11.0 : 9.0}}));
      list expected;
      if (active && !high) {
        active = false;
        expected = {"cleared " + std::to_string(t) + ".0"};
      } else if (!active && high) {
        met.push_back(t);
        unsigned inside = 0;
        for (const int m : met) inside += t - m <= static_cast<int>(within) ? 1 : 0;
        if (inside >= times) {
          active = true;
          met.clear();
          expected = {"raised " + std::to_string(t) + ".0"};
        }
      }
      CHECK(got == expected);
      if (random() % 20 == 0) device.reload();
    }
  }
}

TEST_CASE("what a hold remembers is read back as it was, and damage is refused") {
  hold_state state;
  const hold_rule rule{.times = 64, .within_ns = 1000};
  for (int t = 0; t < 40; ++t) (void)state.note(rule, true, true, t);
  state.off_ns = 77;
  std::string bytes;
  byte_writer out(bytes);
  state.save(out);
  hold_state again;
  byte_reader in(bytes);
  REQUIRE(again.load(in));
  CHECK(in.at_end());
  std::string twice;
  byte_writer out_again(twice);
  again.save(out_again);
  CHECK(twice == bytes);
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    byte_reader damaged(std::string_view(bytes).substr(0, cut));
    hold_state none;
    CHECK_FALSE(none.load(damaged));
  }
  bytes[28] = static_cast<char>(200); // more readings than there can be
  byte_reader damaged(bytes);
  CHECK_FALSE(hold_state{}.load(damaged));
}
