// SPDX-License-Identifier: Apache-2.0
// What a pattern of three stages adds to a reading of three values on a warm twin: the same stream
// through the same model with and without it, in turns; the median of the differences.
#include "domain/model/config_node.hpp"
#include "domain/twin/twin.hpp"
#include "tests/bench/domain_bench.hpp"
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace pollux::bench {
namespace {

using namespace domain;

constexpr int readings = 400'000;
constexpr int rounds = 7;

config_node text(std::string value) {
  config_node n;
  n.kind = config_node::type::text;
  n.text = std::move(value);
  return n;
}

config_node object(std::vector<config_member> members) {
  config_node n;
  n.kind = config_node::type::object;
  n.members = std::move(members);
  return n;
}

class one_model final : public model_source {
public:
  /// `pattern` empty: a model without operators.
  explicit one_model(const std::string& pattern) {
    config_node operators;
    operators.kind = config_node::type::array;
    if (!pattern.empty())
      operators.members.push_back(
          {"",
           object({{"name", text("p")}, {"type", text("pattern")}, {"pattern", text(pattern)}})});
    auto compiled = compile(object({{"name", text("m")},
                                    {"telemetry", object({{"temperature", object({})},
                                                          {"vibration", object({})},
                                                          {"current", object({})}})},
                                    {"operators", std::move(operators)}}));
    if (!compiled) {
      std::fprintf(stderr, "pattern: %s\n", compiled.error().what.c_str());
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

/// Nanoseconds of CPU per reading; counts the alerts.
double run(const one_model& models, std::size_t& alerts) {
  twin_state twin("bench:twin");
  effects out;
  input in;
  in.id = {{1}, 1};
  in.kind = input_kind::twin_created;
  in.model_hash = "h";
  step(models, twin, in, out);
  std::mt19937 random(1);
  double t = 0, begun = 0;
  alerts = 0;
  for (int i = 0; i < readings + 2000; ++i) {
    if (i == 2000) begun = cpu_s();
    t += 1;
    in.clear();
    in.id = {{1}, static_cast<std::uint32_t>(i + 2)};
    in.kind = input_kind::readings;
    in.ingest_time_ns = static_cast<std::int64_t>(t * 1e9);
    const auto r = random();
    in.fields.push_back({"temperature", value_view::of(40.0 + static_cast<double>(r % 1000) / 40)});
    in.fields.push_back(
        {"vibration", value_view::of(2.0 + static_cast<double>(r / 1000 % 1000) / 400)});
    in.fields.push_back(
        {"current", value_view::of(5.0 + static_cast<double>(r / 1000000 % 1000) / 100)});
    in.readings.push_back({in.ingest_time_ns, 0, 0, 3});
    out.clear();
    step(models, twin, in, out);
    alerts += out.size();
  }
  return (cpu_s() - begun) * 1e9 / readings;
}

void measure(const char* what, const std::string& pattern) {
  const one_model without(""), with(pattern);
  if (with.find("") == nullptr) return;
  std::vector<double> shares;
  std::size_t alerts = 0, none = 0;
  for (int i = 0; i < rounds; ++i) {
    const double base = run(without, none);
    shares.push_back(run(with, alerts) - base);
  }
  std::sort(shares.begin(), shares.end());
  std::printf("pattern %-22s %6.0f ns a reading (%.0f to %.0f), %zu matches in %d readings\n", what,
              shares[shares.size() / 2], shares.front(), shares.back(), alerts, readings);
}

} // namespace

void pattern() {
  measure("three stages",
          "rising(vibration, 2) above 4 then [temperature > last(s1.temperature) && temperature > "
          "60] then current below 5.5 within 1m");
  measure("three stages, rare", "vibration above 4.49 then temperature above 64.9 then current "
                                "below 5.05 within 1m");
  measure("three stages, skip none", "vibration above 4.4 thenAny temperature above 64 then "
                                     "current below 5.2 within 1m skip none");
}

} // namespace pollux::bench
