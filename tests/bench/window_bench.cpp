// SPDX-License-Identifier: Apache-2.0
// What a window and a rule over it add to a reading on a warm twin, for each kind and aggregate:
// the same stream with and without them, the median of the differences; and what a twin with one
// window takes in memory.
#include "domain/model/config_node.hpp"
#include "domain/twin/twin.hpp"
#include "tests/bench/domain_bench.hpp"
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <malloc.h>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace pollux::bench {
namespace {

using namespace domain;

constexpr int readings = 100'000;
constexpr int rounds = 5;

config_node text(std::string_view value) {
  config_node n;
  n.kind = config_node::type::text;
  n.text = value;
  return n;
}
config_node number(double value) {
  config_node n;
  n.kind = config_node::type::number;
  n.number = value;
  return n;
}
config_node many(config_node::type kind, std::vector<config_member> members) {
  config_node n;
  n.kind = kind;
  n.members = std::move(members);
  return n;
}
config_node object(std::vector<config_member> members) {
  return many(config_node::type::object, std::move(members));
}

/// A window (or join) and the rule that asks it for one number at every reading.
struct shape {
  const char* what;
  std::vector<config_member> keys; ///< of the operator; empty: a model without operators
  const char* aggregate;           ///< chosen, and asked for
  double step_s = 10;              ///< between readings
};

class one_model final : public model_source {
public:
  explicit one_model(const shape& of) {
    std::vector<config_member> operators;
    if (!of.keys.empty()) {
      auto keys = of.keys;
      keys.push_back({"name", text("w")});
      const bool join = of.keys.front().second.text == "as_of";
      if (!join)
        keys.push_back({"aggregates", many(config_node::type::array, {{"", text(of.aggregate)}})});
      operators.push_back({"", object(std::move(keys))});
      operators.push_back({"", object({{"name", text("rule")},
                                       {"type", text("threshold")},
                                       {"value", text(std::string("w.") + of.aggregate)},
                                       {"above", number(1e9)}})});
    }
    auto compiled =
        compile(object({{"name", text("m")},
                        {"telemetry", object({{"x", object({})},
                                              {"y", object({})},
                                              {"key", object({{"type", text("integer")}})}})},
                        {"operators", many(config_node::type::array, std::move(operators))}}));
    if (!compiled) {
      std::fprintf(stderr, "window: %s: %s\n", of.what, compiled.error().what.c_str());
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

class device {
public:
  explicit device(const one_model& models) : models_(models), twin_("bench:twin") {
    in_.id = {{1}, 1};
    in_.kind = input_kind::twin_created;
    in_.model_hash = "h";
    step(models_, twin_, in_, out_);
  }
  void feed(double step_s, std::uint32_t random) {
    time_s_ += step_s;
    in_.clear();
    in_.id = {{1}, ++index_ + 1};
    in_.kind = input_kind::readings;
    in_.ingest_time_ns = static_cast<std::int64_t>(time_s_ * 1e9);
    in_.fields.push_back({"x", value_view::of(20 + static_cast<double>(random % 4096) / 512)});
    in_.fields.push_back({"y", value_view::of(static_cast<double>(random % 100))});
    in_.fields.push_back({"key", value_view::of(static_cast<double>(random / 4096 % 20))});
    in_.readings.push_back({in_.ingest_time_ns, 0, 0, 3});
    step(models_, twin_, in_, out_);
    out_.clear();
  }
  [[nodiscard]] std::size_t bytes() const { return describe(models_, twin_, 0).state_bytes; }

private:
  const one_model& models_;
  twin_state twin_;
  input in_;
  effects out_;
  double time_s_ = 0;
  std::uint32_t index_ = 0;
};

/// Nanoseconds of CPU per reading.
double run(const one_model& models, double step_s) {
  device d(models);
  std::mt19937 random(1);
  for (int i = 0; i < 8000; ++i) d.feed(step_s, static_cast<std::uint32_t>(random()));
  const double begun = cpu_s();
  for (int i = 0; i < readings; ++i) d.feed(step_s, static_cast<std::uint32_t>(random()));
  return (cpu_s() - begun) * 1e9 / readings;
}

void costs(const std::vector<shape>& shapes) {
  const shape bare{"", {}, ""};
  const one_model nothing(bare);
  std::printf("window: kind, aggregate, readings inside, ns of CPU added by window and rule\n");
  for (const auto& of : shapes) {
    const one_model models(of);
    std::vector<double> added;
    double base = 0;
    for (int i = 0; i < rounds; ++i) {
      base = run(nothing, of.step_s);
      added.push_back(run(models, of.step_s) - base);
    }
    std::sort(added.begin(), added.end());
    std::printf("  %-44s %7.0f   (%.0f to %.0f; bare reading of 3 values %.0f)\n", of.what,
                added[rounds / 2], added.front(), added.back(), base);
  }
}

/// Twins by the thousand, as the heap sees them.
void memory(const char* what, const shape& of) {
  constexpr int twins = 20'000;
  const one_model models(of);
  const auto before = mallinfo2();
  std::vector<std::unique_ptr<device>> fleet;
  fleet.reserve(twins);
  std::mt19937 random(1);
  for (int i = 0; i < twins; ++i) {
    fleet.push_back(std::make_unique<device>(models));
    for (int r = 0; r < 700 / of.step_s; ++r)
      fleet.back()->feed(of.step_s, static_cast<std::uint32_t>(random()));
  }
  const auto after = mallinfo2();
  const double heap = static_cast<double>(after.uordblks - before.uordblks) / twins;
  // The device itself (the input's vectors) is the benchmark's, not the twin's.
  const double twin = static_cast<double>(fleet[0]->bytes());
  std::printf("  %-44s %7.0f bytes a twin (heap with the feeder %.0f); 1,000,000: %.2f GB\n", what,
              twin, heap, twin * 1e6 / 1e9);
}

} // namespace

void windows() {
  const auto window = [](std::vector<config_member> keys) {
    keys.insert(keys.begin(), {"type", text("window")});
    if (std::none_of(keys.begin(), keys.end(), [](auto& k) { return k.first == "by"; }))
      keys.push_back({"of", text("x")});
    return keys;
  };
  const auto sliding = window({{"span", text("5m")}});
  const auto hour = window({{"span", text("1h")}});
  const auto sliced = window({{"span", text("1h")}, {"slices", number(64)}});
  const auto tumbling = window({{"kind", text("tumbling")}, {"size", text("5m")}});
  const auto last = window({{"kind", text("count")}, {"last", number(50)}});
  const auto by = window({{"span", text("5m")}, {"by", text("key")}});
  const auto hopping =
      window({{"kind", text("hopping")}, {"size", text("5m")}, {"hop", text("1m")}});
  const auto session = window({{"kind", text("session")}, {"gap", text("1m")}});
  const auto state = window({{"kind", text("state")}, {"while", text("y < 90")}});
  const std::vector<config_member> join = {
      {"type", text("as_of")},
      {"of", text("x")},
      {"with", many(config_node::type::array, {{"", text("y")}, {"", text("key")}})},
      {"tolerance", text("1m")}};
  costs({{"sliding 5m, mean, 30", sliding, "mean"},
         {"sliding 5m, max, 30", sliding, "max"},
         {"sliding 5m, delta, 30", sliding, "delta"},
         {"sliding 5m, sum, 30", sliding, "sum"},
         {"sliding 5m, p95, 30", sliding, "p95"},
         {"sliding 5m, distinct, 30", sliding, "distinct"},
         {"sliding 5m, slope, 30", sliding, "slope"},
         {"sliding 5m, time_weighted_mean, 30", sliding, "time_weighted_mean"},
         {"sliding 5m, circular_mean, 30", sliding, "circular_mean"},
         {"sliding 5m, counter_delta, 30", sliding, "counter_delta"},
         {"sliding 1h, mean, 3600", hour, "mean", 1},
         {"sliding 1h, p95, 3600", hour, "p95", 1},
         {"sliding 1h, slope, 3600", hour, "slope", 1},
         {"sliding 1h in 64 slices, mean, 3600", sliced, "mean", 1},
         {"sliding 1h in 64 slices, slope, 3600", sliced, "slope", 1},
         {"sliding 1h in 64 slices, p95, 3600", sliced, "p95", 1},
         {"sliding 1h in 64 slices, distinct, 3600", sliced, "distinct", 1},
         {"tumbling 5m, mean, 30", tumbling, "mean"},
         {"tumbling 5m, p95, 30", tumbling, "p95"},
         {"tumbling 5m, p95, 3000", tumbling, "p95", 0.1},
         {"hopping 5m/1m, mean, 30", hopping, "mean"},
         {"session, mean, endless", session, "mean"},
         {"state, mean, 10", state, "mean"},
         {"count 50, mean", last, "mean"},
         {"by key 5m, count, 30 of 20 keys", by, "count"},
         {"as_of with 2", join, "y"}});
  std::printf("window: memory of a twin with three telemetries and one 5-minute window\n");
  memory("sliding, a reading every 10 s", {"", sliding, "mean"});
  memory("sliding, a reading every second", {"", sliding, "mean", 1});
  memory("tumbling, a reading every 10 s", {"", tumbling, "mean"});
  memory("tumbling, a reading every second", {"", tumbling, "mean", 1});
  memory("sliding in 10 slices, a reading every second",
         {"", window({{"span", text("5m")}, {"slices", number(10)}}), "mean", 1});
}

} // namespace pollux::bench
