// SPDX-License-Identifier: Apache-2.0
// Tabular CUSUM against the textbook's table and a plain recomputation.
#include "tests/unit/domain/alert/limit_fixture.hpp"
#include <algorithm>

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

// Montgomery, Introduction to Statistical Quality Control: target 10, sd 1, k = 0.5, h = 5.
constexpr double thirty[] = {9.45,  7.99,  9.29,  11.66, 12.16, 10.18, 8.04,  11.46, 9.20,  10.34,
                             9.03,  11.47, 10.51, 9.40,  10.08, 9.37,  10.62, 10.31, 8.52,  10.84,
                             10.90, 9.33,  12.29, 11.50, 10.60, 11.08, 10.38, 11.62, 11.31, 10.52};

} // namespace

TEST_CASE("the textbook's thirty readings give the textbook's table") {
  const auto models = rule_library(R"("type": "cusum", "of": "x", "target": 10, "sd": 1)");
  hand device(models, "m");
  double high = 0, low = 0;
  int signal = 0;
  for (int i = 1; i <= 30; ++i) {
    const auto out = device.reading(i, {{"x", thirty[i - 1]}});
    high = std::max(0.0, high + thirty[i - 1] - 10.5);
    low = std::max(0.0, low + 9.5 - thirty[i - 1]);
    REQUIRE(output(device, "score") == doctest::Approx(high >= low ? high : -low).epsilon(1e-9));
    if (i == 2) CHECK(output(device, "score") == doctest::Approx(-1.56)); // as published
    if (out.empty()) continue;
    signal = i;
    REQUIRE(transitions(out) == "raised");
    const auto& proof = out[0].alert.proof;
    CHECK(number(proof, "high") == doctest::Approx(5.28)); // as published
    CHECK(number(proof, "run") == 7);
    CHECK(number(proof, "new_mean") == doctest::Approx(11.25).epsilon(0.001));
    CHECK(number(proof, "limit") == 5);
    CHECK(time(proof, "shift_since") == 23 * ns_per_s);
  }
  CHECK(signal == 29); // as published
}

TEST_CASE("a sum of exactly h does not fire, and an alert ends soon after the shift") {
  const auto models = rule_library(R"("type": "cusum", "of": "x", "target": 0, "sd": 1)");
  hand device(models, "m");
  CHECK(device.reading(1, {{"x", 5.5}}).empty());
  CHECK(transitions(device.reading(2, {{"x", 0.75}})) == "raised");
  for (int t = 3; t < 1000; ++t) CHECK(device.reading(t, {{"x", 100}}).empty());
  int t = 1000;
  for (; t < 1050; ++t)
    if (!device.reading(t, {{"x", 0}}).empty()) break;
  CHECK(t == 1009); // from 2 h down to h, by k a reading
}

TEST_CASE("after an alarm the sums begin anew when the model says so") {
  const auto alarms = [](const std::string& reset) {
    const auto models = rule_library(R"("type": "cusum", "of": "x", "target": 0, "sd": 1, "h": 4,
                                        "reset": ")" +
                                     reset + '"');
    hand device(models, "m");
    std::string all;
    for (int t = 1; t <= 12; ++t) all += device.reading(t, {{"x", 1.5}}).empty() ? '.' : '!';
    return all;
  };
  CHECK(alarms("zero") == "....!....!..");
  CHECK(alarms("half") == "....!..!..!.");
}

TEST_CASE("property: learnt baselines, fixed and running, agree with a recomputation") {
  for (unsigned seed = 0; seed < 40; ++seed) {
    CAPTURE(seed);
    std::mt19937 random{seed};
    normal_noise noise(seed);
    const bool running = seed % 2 == 0;
    const auto models = rule_library(
        std::string(R"("type": "cusum", "of": "x", "min_samples": 20, "baseline": ")") +
        (running ? R"(running", "relearn_after": "7d")" : R"(warm_up", "relearn_after": "7d")"));
    hand device(models, "m");
    std::vector<double> learnt;
    double high = 0, low = 0;
    std::size_t alarms = 0;
    for (int t = 0; t < 600; ++t) {
      const double x = 50 + 3 * noise() + (t > 300 && t < 330 ? 9 : 0);
      const bool was = device.seen().alerts.size() == 1;
      const auto out = device.reading(t, {{"x", x}});
      bool alarm = false;
      if (learnt.size() >= 20) {
        double mean = 0, squares = 0;
        for (const double v : learnt) mean += v / double(learnt.size());
        for (const double v : learnt) squares += (v - mean) * (v - mean);
        const double sd = std::sqrt(squares / double(learnt.size() - 1));
        high = std::min(10.0, std::max(0.0, high + (x - mean) / sd - 0.5));
        low = std::min(10.0, std::max(0.0, low - (x - mean) / sd - 0.5));
        alarm = high > 5 || low > 5;
        REQUIRE(output(device, "mean") == doctest::Approx(mean).epsilon(1e-10));
        REQUIRE(output(device, "score") ==
                doctest::Approx(high >= low ? high : -low).epsilon(1e-6));
      }
      REQUIRE(transitions(out) == (alarm == was ? "" : alarm ? "raised" : "cleared"));
      alarms += alarm && !was ? 1U : 0U;
      if (learnt.size() < 20 || (running && !alarm)) learnt.push_back(x);
      if (random() % 30 == 0) device.reload();
    }
    CHECK(alarms >= 1);
  }
}

TEST_CASE("a window can be the baseline: its readings before the tested one") {
  library models;
  models.add("m", R"({"name": "m", "telemetry": {"x": {}}, "operators": [
    {"name": "w", "type": "window", "of": "x", "span": "100s"},
    {"name": "r", "type": "cusum", "window": "w", "min_samples": 10}]})");
  hand device(models, "m");
  for (int t = 0; t < 50; ++t) (void)device.reading(t, {{"x", t % 2}});
  CHECK(output(device, "mean") == doctest::Approx(24.0 / 49));
  CHECK(device.why("r").starts_with("ok: fires below"));
}

TEST_CASE(
    "steady normal readings alarm about every 465 readings, a shift of one sd after about 10") {
  // Average run lengths of the two-sided CUSUM with k = 0.5, h = 5 (published: 465 and 10.4).
  const auto models = rule_library(
      R"("type": "cusum", "of": "x", "target": 0, "sd": 1, "reset": "zero", "relearn_after": "7d")");
  const auto run_length = [&](double shift) {
    hand device(models, "m");
    normal_noise noise(11);
    int alarms = 0;
    constexpr int readings = 200'000;
    for (int t = 0; t < readings; ++t)
      alarms += static_cast<int>(device.reading(t, {{"x", noise() + shift}}).size());
    return double(readings) / alarms;
  };
  CHECK(run_length(0) == doctest::Approx(465).epsilon(0.15));
  CHECK(run_length(1) == doctest::Approx(10.4).epsilon(0.03));
}
