// SPDX-License-Identifier: Apache-2.0
// Median and deviation of a sliding time, against sorting everything each time.
#include "domain/alert/sorted_sample.hpp"
#include <algorithm>
#include <cmath>
#include <doctest/doctest.h>
#include <random>
#include <string>

using namespace pollux;
using namespace pollux::domain;

namespace {

double median_of(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v.size() % 2 == 1 ? v[v.size() / 2] : (v[v.size() / 2 - 1] + v[v.size() / 2]) / 2;
}
double deviation_of(std::vector<double> v, double centre) {
  for (auto& x : v) x = std::fabs(x - centre);
  return median_of(v);
}
std::string saved(const sorted_sample& s) {
  std::string bytes;
  byte_writer out(bytes);
  s.save(out);
  return bytes;
}

} // namespace

TEST_CASE("property: up to its bound a sample is exact") {
  for (unsigned seed = 0; seed < 50; ++seed) {
    CAPTURE(seed);
    std::mt19937 random{seed};
    const std::int64_t span = 5 + static_cast<std::int64_t>(random() % 300);
    sorted_sample sample(400);
    std::vector<std::pair<std::int64_t, double>> all;
    std::int64_t t = 0;
    for (int i = 0; i < 1500; ++i) {
      t += 1 + static_cast<std::int64_t>(random() % 3);
      const double x = seed % 2 == 0 ? double(random() % 7) - 3 : double(random()) / 1e9;
      sample.expire(t - span);
      std::erase_if(all, [&](const auto& e) { return e.first <= t - span; });
      REQUIRE(sample.size() == all.size());
      if (!all.empty()) {
        std::vector<double> values;
        for (const auto& e : all) values.push_back(e.second);
        REQUIRE(sample.median() == median_of(values));
        REQUIRE(sample.deviation(sample.median()) == deviation_of(values, sample.median()));
      }
      sample.add(t, x);
      all.emplace_back(t, x);
      if (random() % 50 == 0) {
        sorted_sample again(400);
        const auto bytes = saved(sample);
        byte_reader in(bytes);
        REQUIRE(again.load(in));
        REQUIRE(saved(again) == bytes);
        sample = std::move(again);
      }
    }
    CHECK(sample.level() == 0);
  }
}

TEST_CASE("above its bound a sample stays within it and near the truth") {
  std::mt19937_64 random{3};
  std::normal_distribution<double> noise{10, 2};
  sorted_sample sample(512);
  double worst = 0;
  for (std::int64_t t = 0; t < 100'000; ++t) {
    sample.expire(t - 5000);
    sample.add(t * ns_per_s % 7919 + t * 7919, noise(random)); // times of no even pattern
    REQUIRE(sample.size() <= 512);
    if (t < 10'000) continue;
    REQUIRE(sample.size() >= 128);
    worst = std::max(worst, std::fabs(sample.median() - 10) / 2);
  }
  // 1.25 / sqrt(128) = 11 % standard error at the very least size; never four times that.
  CHECK(worst < 0.44);
}

TEST_CASE(
    "a sample does not depend on how often it was saved, and thins out less when few remain") {
  sorted_sample a(64), b(64);
  std::mt19937 random{9};
  std::uint32_t most = 0;
  for (std::int64_t t = 0; t < 20'000; ++t) {
    const std::int64_t at = t < 10'000 ? t * 1'000'003 : (10'000 + (t - 10'000) * 40) * 1'000'003;
    const double x = double(random() % 100);
    for (auto* s : {&a, &b}) {
      s->expire(at - 1000 * 1'000'003LL);
      s->add(at, x);
    }
    most = std::max(most, a.level());
    if (t % 97 == 0) {
      sorted_sample again(64);
      const auto bytes = saved(b);
      byte_reader in(bytes);
      REQUIRE(again.load(in));
      b = std::move(again);
    }
    REQUIRE(saved(a) == saved(b));
  }
  CHECK(most >= 4);
  CHECK(a.level() == 0);
}

TEST_CASE("a damaged sample is refused") {
  sorted_sample sample(64);
  for (int t = 0; t < 50; ++t) sample.add(t, t);
  const auto bytes = saved(sample);
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    byte_reader in(std::string_view(bytes).substr(0, cut));
    sorted_sample none(64);
    CHECK_FALSE(none.load(in));
  }
  byte_reader in(bytes);
  sorted_sample small(49); // more than it may hold
  CHECK_FALSE(small.load(in));
}
