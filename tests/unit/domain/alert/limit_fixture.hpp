// SPDX-License-Identifier: Apache-2.0
// What tests of rules with limits of their own making share: normal noise, and one rule to feed.
#pragma once
#include "domain/alert/limit_rule.hpp"
#include "tests/unit/domain/twin/twin_fixture.hpp"
#include <cmath>
#include <random>

namespace pollux::domain::testing {

/// Normal noise from uniform numbers (Box and Muller 1958): the same on every machine.
class normal_noise {
public:
  explicit normal_noise(std::uint64_t seed) : random_(seed) {}
  double operator()() {
    if (has_) {
      has_ = false;
      return next_;
    }
    const double u = (double(random_() >> 11) + 1) / 9007199254740993.0;
    const double v = double(random_() >> 11) / 9007199254740992.0;
    const double r = std::sqrt(-2 * std::log(u));
    next_ = r * std::sin(6.283185307179586 * v);
    has_ = true;
    return r * std::cos(6.283185307179586 * v);
  }

private:
  std::mt19937_64 random_;
  double next_ = 0;
  bool has_ = false;
};

/// A model with one telemetry x and one rule named r.
inline library rule_library(const std::string& keys) {
  library models;
  models.add("m", R"({"name": "m", "telemetry": {"x": {}}, "operators": [{"name": "r", )" + keys +
                      "}]}");
  return models;
}

/// An output of the rule r; nan while it is unknown.
inline double output(const hand& device, std::string_view which) {
  const auto& twin = device.state.get();
  const auto* op = twin.ruling().find_operator("r");
  const auto all = op->outputs();
  for (std::uint32_t i = 0; i < all.size(); ++i)
    if (all[i].name == which) return op->output(twin, i).value_or(std::nan(""));
  throw std::runtime_error("no such output");
}

inline std::string transitions(const effects& out) {
  std::string all;
  for (const auto& e : out)
    all += std::string(all.empty() ? "" : " ") + to_string(e.alert.transition);
  return all;
}

} // namespace pollux::domain::testing
