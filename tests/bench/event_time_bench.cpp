// SPDX-License-Identifier: Apache-2.0
// What event time costs a warm twin under job J's rules, at one reading of three values a second
// and five-minute windows: without a block, in order with one, and with half of the readings late.
#define DOCTEST_CONFIG_DISABLE
#include "tests/bench/domain_bench.hpp"
#include "tests/unit/domain/twin/twin_fixture.hpp"
#include <algorithm>
#include <cstdio>
#include <random>

namespace {

using namespace pollux;
using namespace pollux::domain;

constexpr std::size_t readings = 40'000;

struct sent {
  std::int64_t event_ns, arrives_ns;
  double temperature, vibration, current;
};

std::vector<sent> in_order() {
  std::mt19937 random{1};
  std::normal_distribution<double> noise{0, 1};
  std::vector<sent> all;
  for (std::size_t i = 0; i < readings; ++i) {
    const auto t = 1'700'000'000 * ns_per_s + static_cast<std::int64_t>(i) * ns_per_s;
    all.push_back({t, t, 60 + noise(random), 3 + noise(random) / 3, 10 + noise(random)});
  }
  return all;
}

std::vector<sent> delayed(double part, std::int64_t most_ns) {
  auto all = in_order();
  std::mt19937 random{2};
  std::uniform_real_distribution<double> coin{0, 1};
  std::uniform_int_distribution<std::int64_t> delay{1, most_ns};
  for (auto& s : all)
    if (coin(random) < part) s.arrives_ns += delay(random);
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.arrives_ns < b.arrives_ns; });
  return all;
}

std::string job_j_with(const std::string& block) {
  std::string text(testing::job_j);
  if (!block.empty()) text.insert(text.find("\"telemetry\""), "\"event_time\": " + block + ", ");
  return text;
}

void line(const char* what, const std::string& block, const std::vector<sent>& all) {
  testing::library models;
  models.add("m", job_j_with(block));
  twin_state last("bench:twin");
  std::size_t told = 0;
  double best_s = 0;
  for (int round = 0; round < 3; ++round) {
    const double start = bench::cpu_s();
    twin_state twin("bench:twin");
    effects out;
    input in;
    in.id = {{1}, 0};
    in.kind = input_kind::twin_created;
    in.model_hash = "m";
    step(models, twin, in, out);
    told = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const auto& s = all[i];
      in.clear();
      in.kind = input_kind::readings;
      in.id = {{i + 2}, 0};
      in.ingest_time_ns = s.arrives_ns;
      in.fields = {{"temperature", value_view::of(s.temperature)},
                   {"vibration", value_view::of(s.vibration)},
                   {"current", value_view::of(s.current)}};
      in.readings.push_back({s.event_ns, 0, 0, 3});
      step(models, twin, in, out);
      told += out.size();
      out.clear();
    }
    last = std::move(twin);
    const double took = bench::cpu_s() - start;
    if (round == 0 || took < best_s) best_s = took;
  }
  const auto seen = describe(models, last, 0);
  std::printf("  %-34s %7.0f ns a reading   %5zu alerts   %6zu bytes (event time %zu)\n", what,
              best_s * 1e9 / static_cast<double>(all.size()), told, seen.state_bytes,
              seen.event_time.bytes);
}

} // namespace

void pollux::bench::event_time() {
  std::printf("event_time: job J's rules\n");
  const auto straight = in_order();
  const std::string amend = R"({"disorder": "5s", "lateness": "1m"})";
  line("without a block", "", straight);
  line("late = keep", R"({"disorder": "5s", "late": "keep"})", straight);
  line("in order", amend, straight);
  line("1 % late by up to 1 min", amend, delayed(0.01, 60 * ns_per_s));
  line("storm: half late by up to 1 min", amend, delayed(0.5, 60 * ns_per_s));
  line("storm, late = keep", R"({"disorder": "5s", "late": "keep"})", delayed(0.5, 60 * ns_per_s));
  line("half late by up to 3 s", amend, delayed(0.5, 3 * ns_per_s));
  line("storm: half late by up to 5 min", R"({"lateness": "5m"})", delayed(0.5, 300 * ns_per_s));
}
