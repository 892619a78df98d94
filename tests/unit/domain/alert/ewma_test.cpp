// SPDX-License-Identifier: Apache-2.0
// EWMA limits against weights written out in full, and the control chart against its formula.
#include "tests/unit/domain/alert/limit_fixture.hpp"

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

struct weighted {
  double mean, sd;
};
/// Every reading with its own weight.
weighted slow(const std::vector<std::pair<double, double>>& all, double now, double half_life,
              bool by_time) {
  double w = 0, w2 = 0, sum = 0, squares = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const double age = by_time ? all.back().first - all[i].first : double(all.size() - 1 - i);
    const double weight = std::exp2(-age / half_life);
    w += weight;
    w2 += weight * weight;
    sum += weight * all[i].second;
  }
  (void)now;
  const double mean = sum / w;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const double age = by_time ? all.back().first - all[i].first : double(all.size() - 1 - i);
    squares += std::exp2(-age / half_life) * (all[i].second - mean) * (all[i].second - mean);
  }
  return {mean, std::sqrt(squares / (w - w2 / w))};
}

// Thirty readings: twenty of mean 10, then ten of mean 11, sd 1 (Montgomery, Introduction to
// Statistical Quality Control, chapter on CUSUM and EWMA charts).
constexpr double thirty[] = {9.45,  7.99,  9.29,  11.66, 12.16, 10.18, 8.04,  11.46, 9.20,  10.34,
                             9.03,  11.47, 10.51, 9.40,  10.08, 9.37,  10.62, 10.31, 8.52,  10.84,
                             10.90, 9.33,  12.29, 11.50, 10.60, 11.08, 10.38, 11.62, 11.31, 10.52};

} // namespace

TEST_CASE("property: weighted mean and deviation are those of the weights written out") {
  for (unsigned seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    std::mt19937 random{seed};
    normal_noise noise(seed);
    const bool by_time = seed % 2 == 0;
    const int half_life = 3 + static_cast<int>(random() % 50);
    const auto models =
        rule_library(R"("type": "ewma", "of": "x", "poison": "include", "min_samples": 5, )" +
                     (by_time ? R"("half_life": ")" + std::to_string(half_life) + R"(s")"
                              : R"("half_life_readings": )" + std::to_string(half_life)));
    hand device(models, "m");
    std::vector<std::pair<double, double>> all;
    double t = 0;
    for (int i = 0; i < 200; ++i) {
      t += 1 + double(random() % 10);
      const double x = 1000 + 5 * noise();
      const auto out = device.reading(t, {{"x", x}});
      if (i >= 5) {
        const auto expected = slow(all, t, half_life, by_time);
        REQUIRE(output(device, "mean") == doctest::Approx(expected.mean).epsilon(1e-12));
        REQUIRE(output(device, "sd") == doctest::Approx(expected.sd).epsilon(1e-9));
        REQUIRE(output(device, "upper") ==
                doctest::Approx(expected.mean + 3 * expected.sd).epsilon(1e-12));
        REQUIRE(output(device, "score") ==
                doctest::Approx((x - expected.mean) / expected.sd).epsilon(1e-6));
      } else {
        REQUIRE(std::isnan(output(device, "mean")));
      }
      all.emplace_back(t, x);
      if (random() % 20 == 0) device.reload();
    }
  }
}

TEST_CASE(
    "the chart of the mean follows its formula and finds the shift of the textbook's readings") {
  // lambda = 0.1, L = 2.7; the two readings of the warm-up have mean 10 and sd 1.
  const auto models =
      rule_library(R"("type": "ewma", "of": "x", "test": "mean", "limit": 2.7, "min_samples": 2,
                      "half_life_readings": 6.578813478960585)");
  hand device(models, "m");
  (void)device.reading(0, {{"x", 10 - std::sqrt(0.5)}});
  (void)device.reading(1, {{"x", 10 + std::sqrt(0.5)}});
  double z = 10;
  int signal = 0, expected = 0;
  for (int i = 1; i <= 30; ++i) {
    const auto out = device.reading(1 + i, {{"x", thirty[i - 1]}});
    z += 0.1 * (thirty[i - 1] - z);
    const double width = 2.7 * std::sqrt(0.1 / 1.9 * (1 - std::pow(0.9, 2 * i)));
    REQUIRE(output(device, "upper") == doctest::Approx(10 + width).epsilon(1e-9));
    REQUIRE(output(device, "lower") == doctest::Approx(10 - width).epsilon(1e-9));
    REQUIRE(output(device, "score") == doctest::Approx((z - 10) / (width / 2.7)).epsilon(1e-9));
    if (expected == 0 && std::fabs(z - 10) > width) expected = i;
    if (!out.empty() && signal == 0) {
      signal = i;
      CHECK(transitions(out) == "raised");
      CHECK(number(out[0].alert.proof, "ewma") == doctest::Approx(z));
    }
  }
  CHECK(signal == expected);
  CHECK(signal == 29); // z is 10.5731, 10.6468 at 28, 29; the limit 10.6194
}

TEST_CASE("an outlier stays out of the baseline, comes in clipped, or as it is") {
  const auto after = [](const std::string& poison) {
    const auto models = rule_library(
        R"("type": "ewma", "of": "x", "half_life": "1h", "min_samples": 4, "poison": ")" + poison +
        '"');
    hand device(models, "m");
    for (int i = 0; i < 40; ++i) (void)device.reading(i, {{"x", i % 2}});
    CHECK(transitions(device.reading(40, {{"x", 100}})) == "raised");
    (void)device.reading(41, {{"x", 0}});
    return output(device, "mean");
  };
  CHECK(after("exclude_while_alerting") == doctest::Approx(0.5).epsilon(0.02));
  CHECK(after("winsorise") == doctest::Approx(0.5 + 1.52 / 41).epsilon(0.02));
  CHECK(after("include") == doctest::Approx(120.0 / 41).epsilon(0.02));
}

TEST_CASE("after relearn_after a new level is normal") {
  const auto models = rule_library(
      R"("type": "ewma", "of": "x", "half_life": "1m", "min_samples": 4, "relearn_after": "30s")");
  hand device(models, "m");
  for (int i = 0; i < 100; ++i) (void)device.reading(i, {{"x", i % 2}});
  int cleared = 0;
  for (int i = 100; i < 200; ++i) {
    const auto out = device.reading(i, {{"x", 50 + i % 2}});
    if (i == 100) CHECK(transitions(out) == "raised");
    if (transitions(out) == "cleared") cleared = i;
  }
  CHECK(cleared > 129);
  CHECK(cleared < 140);
}

TEST_CASE("what is missing for a verdict is said") {
  const auto models = rule_library(
      R"("type": "ewma", "of": "x", "half_life": "1m", "min_samples": 4, "warm_up": "10s")");
  hand device(models, "m");
  CHECK(device.why("r") == "no data: no reading of x yet");
  (void)device.reading(1, {{"x", 5}});
  CHECK(device.why("r") == "warming up: 0s of 10s");
  (void)device.reading(12, {{"x", 5}});
  CHECK(device.why("r") == "warming up: 2 of 4 samples");
  for (const int t : {13, 14, 15}) (void)device.reading(t, {{"x", 5}});
  CHECK(device.why("r") == "flat: the baseline's standard deviation 0 is too small to judge by");
  CHECK(device.reading(16, {{"x", 50}}).empty());
  CHECK(device.why("r").starts_with("ok: fires below"));
}

TEST_CASE("with flat = floor a constant signal has limits, too") {
  const auto models = rule_library(R"("type": "ewma", "of": "x", "half_life": "1m",
    "min_samples": 4, "min_stddev": 0.5, "flat": "floor")");
  hand device(models, "m");
  for (const int t : {1, 2, 3, 4}) (void)device.reading(t, {{"x", 5}});
  hand other(models, "m");
  for (const int t : {1, 2, 3, 4}) (void)other.reading(t, {{"x", 5}});
  CHECK(device.reading(5, {{"x", 6.5}}).empty()); // exactly three floors away
  CHECK(transitions(other.reading(5, {{"x", 6.6}})) == "raised");
}
