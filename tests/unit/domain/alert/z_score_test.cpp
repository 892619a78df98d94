// SPDX-License-Identifier: Apache-2.0
#include "domain/alert/z_score.hpp"
#include "tests/unit/domain/twin/twin_fixture.hpp"
#include <cmath>
#include <random>

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

// mean 20, population sd 0.5
const window_statistics baseline{100, 20.0, 25.0, 19, 21, 1, 2};
const z_score_rule population{.population = true};

} // namespace

TEST_CASE("a reading exactly at the limit does not fire; just above it does") {
  CHECK(judge(population, baseline, 21.5)->side == verdict::none);
  CHECK(judge(population, baseline, std::nextafter(21.5, 22.0))->side == verdict::upper);
}

TEST_CASE("sides say which way counts") {
  auto rule = population;
  CHECK(judge(rule, baseline, 10)->side == verdict::none);
  rule.sides = z_sides::lower;
  CHECK(judge(rule, baseline, 10)->side == verdict::lower);
  CHECK(judge(rule, baseline, 30)->side == verdict::none);
  rule.sides = z_sides::both;
  CHECK(judge(rule, baseline, 10)->side == verdict::lower);
  CHECK(judge(rule, baseline, 30)->side == verdict::upper);
  CHECK(judge(rule, baseline, 30)->z == 20);
}

TEST_CASE("a short or flat baseline gives no verdict") {
  auto rule = population;
  rule.min_samples = 101;
  CHECK_FALSE(judge(rule, baseline, 1e9));
  rule = population;
  rule.min_stddev = 0.6;
  CHECK_FALSE(judge(rule, baseline, 1e9));
  rule.min_stddev = 0;
  auto flat = baseline;
  flat.m2 = 0;
  CHECK_FALSE(judge(rule, flat, 1e9));
}

TEST_CASE("property: the verdict agrees with the textbook computed from the raw readings") {
  for (unsigned seed = 0; seed < 200; ++seed) {
    CAPTURE(seed);
    std::mt19937 random{seed};
    std::normal_distribution<double> noise{20.0, 0.5};
    series readings(1'000'000);
    std::vector<double> raw(30 + seed);
    double sum = 0, squares = 0;
    for (auto& r : raw) sum += r = noise(random);
    for (std::size_t i = 0; i < raw.size(); ++i) (void)readings.insert(std::int64_t(i) + 1, raw[i]);
    const double mean = sum / double(raw.size());
    for (const auto r : raw) squares += (r - mean) * (r - mean);
    const double sd = std::sqrt(squares / double(raw.size() - 1));
    const double value = noise(random) + double(seed % 5);
    const auto found = judge({}, readings.over(0, 1'000'000, true), value);
    REQUIRE(found);
    CHECK((found->side == verdict::upper) == (value > mean + 3 * sd));
  }
}

TEST_CASE("the tested reading is not part of its own baseline, nor is one just span old") {
  library models;
  models.add("m", R"({"name": "m", "telemetry": {"x": {}}, "operators": [
    {"name": "w", "type": "window", "of": "x", "span": "10s"},
    {"name": "z", "type": "z_score", "window": "w", "min_samples": 2, "emit": "each", "sd": "population"}]})");
  hand device(models, "m");
  device.reading(0, {{"x", 1000}}); // open end: exactly 10 s before the tested one
  device.reading(1, {{"x", 1}});
  device.reading(2, {{"x", 3}});
  const auto& out = device.reading(10, {{"x", 100}});
  REQUIRE(out.size() == 1);
  CHECK(number(out[0].alert.proof, "n") == 2);
  CHECK(number(out[0].alert.proof, "mean") == 2);
  CHECK(number(out[0].alert.proof, "sd") == 1);
  CHECK(number(out[0].alert.proof, "max") == 3);
  CHECK(time(out[0].alert.proof, "window_from") == 1 * ns_per_s);
  CHECK(time(out[0].alert.proof, "window_to") == 2 * ns_per_s);
}

TEST_CASE("poison: what an outlier does to the next verdict is the rule's choice") {
  const auto second_z = [](const std::string& poison) {
    library models;
    models.add("m", R"({"name": "m", "telemetry": {"x": {}}, "operators": [
      {"name": "w", "type": "window", "of": "x", "span": "1h"},
      {"name": "z", "type": "z_score", "window": "w", "min_samples": 4, "emit": "each", "limit": 2,
       "sd": "population", "poison": ")" +
                        poison + R"("}]})");
    hand device(models, "m");
    for (int i = 0; i < 8; ++i) device.reading(i, {{"x", i % 2}}); // mean 0.5, sd 0.5
    REQUIRE(device.reading(10, {{"x", 10}}).size() == 1);
    device.reload();
    const auto& out = device.reading(11, {{"x", 20}});
    REQUIRE(out.size() == 1);
    return out[0].alert.proof;
  };
  const auto excluded = second_z("exclude_while_alerting");
  CHECK(number(excluded, "n") == 8);
  CHECK(number(excluded, "mean") == 0.5);
  const auto included = second_z("include");
  CHECK(number(included, "n") == 9);
  CHECK(number(included, "mean") == doctest::Approx(14.0 / 9));
  const auto winsorised = second_z("winsorise"); // 10 counts as 0.5 + 2 x 0.5
  CHECK(number(winsorised, "n") == 9);
  CHECK(number(winsorised, "mean") == doctest::Approx(5.5 / 9));
}

TEST_CASE("the limits of the newest reading are for expressions below") {
  library models;
  models.add("m", R"({"name": "m", "telemetry": {"x": {}}, "operators": [
    {"name": "w", "type": "window", "of": "x", "span": "1h"},
    {"name": "z", "type": "z_score", "window": "w", "min_samples": 4, "sd": "population"},
    {"name": "t", "type": "threshold", "value": "z.score > 5 && x > z.upper"}]})");
  hand device(models, "m");
  for (int i = 0; i < 8; ++i) CHECK(device.reading(i, {{"x", i % 2}}).empty()); // mean 0.5, sd 0.5
  CHECK(device.why("t").starts_with("ok: "));
  CHECK(device.reading(8, {{"x", 2.5}}).size() == 1); // z = 4
  const auto& out = device.reading(9, {{"x", 3.5}});  // z = 6; 2.5 stayed out
  REQUIRE(out.size() == 1);
  CHECK(out[0].alert.rule == "t");
  CHECK(number(out[0].alert.proof, "z.score") == 6);
  CHECK(number(out[0].alert.proof, "z.upper") == 2);
}
