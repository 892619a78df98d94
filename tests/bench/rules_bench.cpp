// SPDX-License-Identifier: Apache-2.0
// What one rule adds to a reading on a warm twin: the same noise with and without it, the median of
// the differences.
#include "domain/model/config_node.hpp"
#include "domain/twin/twin.hpp"
#include "tests/bench/domain_bench.hpp"
#include <algorithm>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace pollux::bench {
namespace {

using namespace domain;

constexpr int readings = 200'000;
constexpr int rounds = 5;

struct key {
  const char* name;
  const char* text;  ///< nullptr: a number
  double number = 0; ///< when there is no text
};
struct rule_shape {
  const char* what;
  std::vector<key> keys; ///< of the rule; empty: none
  bool window = false;   ///< with a window w of 5 min above it
};

config_node leaf(const key& k) {
  config_node n;
  n.kind = k.text != nullptr ? config_node::type::text : config_node::type::number;
  if (k.text != nullptr) n.text = k.text;
  n.number = k.number;
  return n;
}
config_node object(const std::vector<key>& keys) {
  config_node n;
  n.kind = config_node::type::object;
  for (const auto& k : keys) n.members.push_back({k.name, leaf(k)});
  return n;
}

class one_model final : public model_source {
public:
  explicit one_model(const rule_shape& of) {
    config_node root = object({{"name", "m"}}), telemetry = object({}), operators;
    telemetry.members.push_back({"x", object({})});
    operators.kind = config_node::type::array;
    if (of.window)
      operators.members.push_back(
          {"", object({{"name", "w"}, {"type", "window"}, {"of", "x"}, {"span", "5m"}})});
    if (!of.keys.empty()) {
      auto rule = object(of.keys);
      rule.members.push_back({"name", leaf({"name", "r"})});
      operators.members.push_back({"", std::move(rule)});
    }
    root.members.push_back({"telemetry", std::move(telemetry)});
    root.members.push_back({"operators", std::move(operators)});
    auto compiled = compile(root);
    if (!compiled) {
      std::fprintf(stderr, "rules: %s: %s\n", of.what, compiled.error().what.c_str());
      return;
    }
    compiled->hash = "h";
    model_ = std::make_shared<model>(std::move(*compiled));
  }
  [[nodiscard]] std::shared_ptr<const model> find(std::string_view) const override {
    return model_;
  }

private:
  std::shared_ptr<model> model_;
};

/// Nanoseconds of CPU per reading, one a second.
double run(const one_model& models, const std::vector<double>& noise) {
  twin_state twin("bench:twin");
  effects out;
  input in;
  in.id = {{1}, 1};
  in.kind = input_kind::twin_created;
  in.model_hash = "h";
  step(models, twin, in, out);
  double begun = 0;
  for (std::uint32_t i = 0; i < readings + 10'000; ++i) {
    if (i == 10'000) begun = cpu_s();
    in.clear();
    in.id = {{1}, i + 2};
    in.kind = input_kind::readings;
    in.ingest_time_ns = std::int64_t{1'700'000'000 + i} * 1'000'000'000;
    in.fields.push_back({"x", value_view::of(noise[i % noise.size()])});
    in.readings.push_back({in.ingest_time_ns, 0, 0, 1});
    step(models, twin, in, out);
    out.clear();
  }
  return (cpu_s() - begun) * 1e9 / readings;
}

} // namespace

void rules() {
  std::mt19937 random(1);
  std::normal_distribution<double> normal(20, 1);
  std::vector<double> noise(4099);
  for (auto& x : noise) x = std::clamp(normal(random), 17.1, 22.9);
  const char* const zone = "CET-1CEST,M3.5.0,M10.5.0/3";
  const rule_shape bare{"", {}}, window{"", {}, true};
  const rule_shape shapes[] = {
      {"threshold", {{"type", "threshold"}, {"value", "x"}, {"above", nullptr, 99}}},
      {"threshold, held",
       {{"type", "threshold"}, {"value", "x"}, {"above", nullptr, 20}, {"for", "30s"}}},
      {"z_score, 300 readings",
       {{"type", "z_score"}, {"window", "w"}, {"limit", nullptr, 5}},
       true},
      {"ewma, by time",
       {{"type", "ewma"}, {"of", "x"}, {"half_life", "5m"}, {"limit", nullptr, 5}}},
      {"ewma, by readings",
       {{"type", "ewma"},
        {"of", "x"},
        {"half_life_readings", nullptr, 300},
        {"limit", nullptr, 5}}},
      {"cusum", {{"type", "cusum"}, {"of", "x"}, {"h", nullptr, 50}}},
      {"seasonal, UTC", {{"type", "seasonal"}, {"of", "x"}, {"limit", nullptr, 5}}},
      {"seasonal, summer time, fading",
       {{"type", "seasonal"},
        {"of", "x"},
        {"zone", zone},
        {"half_life", "28d"},
        {"limit", nullptr, 5}}},
      {"robust, 300 readings",
       {{"type", "robust"}, {"of", "x"}, {"span", "5m"}, {"limit", nullptr, 5}}},
      {"robust, 1,000 readings",
       {{"type", "robust"}, {"of", "x"}, {"span", "1000s"}, {"limit", nullptr, 5}}},
  };
  const one_model without(bare), with_window(window);
  std::printf("rules: ns of CPU that one adds to a reading of one value\n");
  for (const auto& of : shapes) {
    const one_model models(of);
    std::vector<double> added;
    double base = 0;
    for (int i = 0; i < rounds; ++i) {
      base = run(of.window ? with_window : without, noise);
      added.push_back(run(models, noise) - base);
    }
    std::sort(added.begin(), added.end());
    std::printf("  %-32s %6.0f   (%.0f to %.0f; reading%s alone %.0f)\n", of.what,
                added[rounds / 2], added.front(), added.back(), of.window ? " and window" : "",
                base);
  }
}

} // namespace pollux::bench
