// SPDX-License-Identifier: Apache-2.0
#include "actors/stage_metrics.hpp"
#include <algorithm>
#include <chrono>
#include <cmath>
#include <doctest/doctest.h>
#include <random>
#include <thread>

using namespace pollux;
using namespace pollux::actors;

namespace {
std::int64_t wall_clock_ns() {
  using namespace std::chrono;
  return duration_cast<nanoseconds>(system_clock::now().time_since_epoch()).count();
}
} // namespace

TEST_CASE("recent values keep the last 512, and give those of a time on") {
  recent_values values;
  CHECK(values.since(0).empty());
  for (int i = 1; i <= 600; ++i) values.add(i, i);
  auto kept = values.since(1);
  CHECK(kept.size() == 512);
  CHECK(*std::min_element(kept.begin(), kept.end()) == 89);
  kept = values.since(599);
  std::sort(kept.begin(), kept.end());
  CHECK(kept == std::vector<double>{599, 600});
  CHECK(values.since(601).empty());
}

TEST_CASE("recent values are added by many threads while they are read") {
  recent_values values;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 1; i <= 2'000; ++i) values.add(i, 7);
    });
  for (int i = 0; i < 50; ++i)
    for (const auto v : values.since(1)) REQUIRE((v == 7 || v == 0)); // 0: its value is on the way
  for (auto& t : threads) t.join();
  CHECK(values.since(1).size() == 512);
}

TEST_CASE("property: mean, greatest and p99 are those of the sorted values") {
  std::mt19937 random{3};
  for (int round = 0; round < 200; ++round) {
    std::vector<double> values(1 + random() % 300);
    for (auto& v : values) v = static_cast<double>(random() % 1'000);
    auto sorted = values;
    std::sort(sorted.begin(), sorted.end());
    CHECK(greatest_of(values) == sorted.back());
    const auto p99 = p99_of(values);
    const auto not_above = std::upper_bound(sorted.begin(), sorted.end(), p99) - sorted.begin();
    const auto below = std::lower_bound(sorted.begin(), sorted.end(), p99) - sorted.begin();
    REQUIRE(static_cast<double>(not_above) >= 0.99 * static_cast<double>(values.size()));
    REQUIRE(static_cast<double>(below) < 0.99 * static_cast<double>(values.size()));
    double sum = 0;
    for (const auto v : sorted) sum += v;
    CHECK(mean_of(values) == doctest::Approx(sum / static_cast<double>(values.size())));
  }
  CHECK(mean_of({}) == 0);
  CHECK(greatest_of({}) == 0);
  CHECK(p99_of({}) == 0);
}

TEST_CASE("memory of a host is the samples' mean times its twins; old samples no longer count") {
  messages::metrics m;
  auto& awake = m.make_gauge("pollux_twins_awake", "A.", {{"host", "0"}});
  awake.set(10);
  const auto samples = std::make_shared<twin_samples>();
  export_samples(m, {{"host", "0"}}, samples, awake);
  CHECK(m.total("pollux_memory_bytes") == 0);
  const auto now = wall_clock_ns();
  samples->state_bytes.add(now, 100);
  samples->state_bytes.add(now, 300);
  samples->window_bytes.add(now, 50);
  samples->watermark_lag_s.add(now, 3);
  samples->watermark_lag_s.add(now - twin_samples::kept_ns - 1'000'000'000, 900);
  CHECK(m.total("pollux_memory_bytes") == 2'500);
  CHECK(m.total("pollux_watermark_lag_worst_seconds") == 3);
  CHECK(m.total("pollux_watermark_lag_p99_seconds") == 3);
}

TEST_CASE("a clock set back gives a time below zero, which a histogram takes as none") {
  messages::metrics m;
  auto& stage = stage_seconds(m, "ingest_to_journal");
  CHECK(&stage == &stage_seconds(m, "ingest_to_journal"));
  stage.observe(seconds_between(2'000'000'000, 1'000'000'000));
  CHECK(stage.count_below(0) == 1);
  CHECK(stage.sum() == 0);
}
