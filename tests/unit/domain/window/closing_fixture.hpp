// SPDX-License-Identifier: Apache-2.0
// What tests of windows that close share: their model, what was told of each, what it should say.
#pragma once
#include "tests/unit/domain/window/window_fixture.hpp"
#include <map>

namespace pollux::domain::testing {

inline constexpr std::int64_t s = ns_per_s;

inline std::string model_with(const std::string& operators, const std::string& more = "") {
  return R"({"name": "m", "telemetry": {"x": {}, "y": {}, "door": {}}, )" + more +
         R"("operators": [)" + operators + "]}";
}

inline std::string window(const std::string& keys, const char* aggregates = every_aggregate) {
  return R"({"name": "w", "type": "window", "of": "x", "emit": "each", "half_life": "1m", )" +
         keys + R"(, "aggregates": )" + aggregates + "}";
}

/// A window as it was told.
struct told_window {
  std::int64_t from, to;
  std::map<std::string, double> numbers;
};
inline void keep(const effects& out, std::vector<told_window>& all) {
  for (const auto& e : out) {
    REQUIRE(e.kind == effect_kind::alert);
    REQUIRE(e.alert.transition == alert_transition::emitted);
    REQUIRE(e.alert.level == severity::info);
    told_window t{time(e.alert.proof, "window_from"), time(e.alert.proof, "window_to"), {}};
    REQUIRE(e.alert.event_time_ns == t.to);
    for (const auto& n : e.alert.proof.numbers) t.numbers[n.name] = n.value;
    all.push_back(t);
  }
}

/// What a window of `readings` (any order) should say.
inline void check_told(const told_window& got, std::int64_t from, std::int64_t to,
                       samples readings) {
  CAPTURE(from);
  CAPTURE(to);
  REQUIRE(got.from == from);
  REQUIRE(got.to == to);
  std::sort(readings.begin(), readings.end(), [](auto& a, auto& b) { return a.t < b.t; });
  for (const auto& name : aggregate_names()) {
    CAPTURE(name);
    const auto at = got.numbers.find(name);
    const auto value = at == got.numbers.end() ? std::nullopt : std::optional(at->second);
    CHECK(agrees(value, plainly(name, readings, to), 200, 1e-11));
  }
}

inline std::int64_t floor_to(std::int64_t t, std::int64_t step) {
  return (t >= 0 ? t / step : (t - step + 1) / step) * step;
}

} // namespace pollux::domain::testing
