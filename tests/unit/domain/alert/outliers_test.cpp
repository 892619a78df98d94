// SPDX-License-Identifier: Apache-2.0
#include "domain/alert/outliers.hpp"
#include <cmath>
#include <doctest/doctest.h>
#include <map>
#include <random>

using namespace pollux;
using namespace pollux::domain;

TEST_CASE("property: leaving out or replacing agrees with computing from the readings themselves") {
  for (unsigned seed = 0; seed < 200; ++seed) {
    CAPTURE(seed);
    std::mt19937 random{seed};
    std::normal_distribution<double> noise{50, 5};
    const bool replaced = seed % 2 == 1;
    series readings(1'000'000);
    std::map<std::int64_t, double> all, left; // all readings; those the rule counts
    outliers state;
    std::int64_t t = 1000;
    for (int i = 0; i < 300; ++i) {
      t += 1 + std::int64_t(random() % 50);
      const double v = noise(random);
      (void)readings.insert(t, v);
      all[t] = left[t] = v;
      if (random() % 6 != 0) {
        state.open = false;
        continue;
      }
      if (replaced) {
        state.replace(t, v / 2);
        left[t] = v / 2;
      } else {
        state.exclude(t);
        left.erase(t);
      }
    }
    const std::int64_t from = 900 + std::int64_t(random() % 4000), to = from + 3000;
    double count = 0, sum = 0, squares = 0;
    for (const auto& [at, v] : left)
      if (at > from && at < to) {
        ++count;
        sum += v;
      }
    for (const auto& [at, v] : left)
      if (at > from && at < to) squares += (v - sum / count) * (v - sum / count);
    const auto got = over_without(readings, from, to, state.spans, replaced);
    CHECK(double(got.count) == count);
    if (count == 0) continue;
    CHECK(got.mean == doctest::Approx(sum / count).epsilon(1e-12));
    CHECK(got.m2 == doctest::Approx(squares).epsilon(1e-9));
  }
}

TEST_CASE("a run of outliers is one span, however long it is") {
  outliers state;
  for (std::int64_t t = 1; t <= 100'000; ++t) state.exclude(t);
  REQUIRE(state.spans.size() == 1);
  CHECK(state.spans[0].from_ns == 1);
  CHECK(state.spans[0].to_ns == 100'000);
}

TEST_CASE("beyond 256 spans the oldest outliers count again") {
  outliers state;
  for (std::int64_t t = 1; t <= 300; ++t) {
    state.exclude(t * 10);
    state.open = false;
  }
  CHECK(state.spans.size() == max_outlier_spans);
  CHECK(state.spans.front().from_ns == 450);
}

TEST_CASE("a replaced reading that the series has dropped counts no more") {
  series readings(1'000'000, 2);
  for (const std::int64_t t : {10, 20, 30}) (void)readings.insert(t, 1.0);
  outliers state;
  state.replace(10, 5);
  CHECK(over_without(readings, 0, 100, state.spans, true).count == 2);
}
