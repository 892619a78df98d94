// SPDX-License-Identifier: Apache-2.0
// What tests of rules that wait for event time share.
#pragma once
#include "domain/model/operator.hpp"
#include "tests/unit/domain/twin/twin_fixture.hpp"
#include <string>
#include <vector>

namespace pollux::domain::testing {

/// Tells an operator that event time has passed `t_ns`; its effects are in `out`, and only they.
inline effects& pass_watermark(hand& device, std::string_view rule, std::int64_t t_ns) {
  auto& twin = device.state.get();
  input in;
  in.id = {{2}, 1};
  device.out.clear();
  step_context at{twin, in, device.out, device.now_s * ns_per_s};
  const auto* op = twin.ruling().find_operator(rule);
  if (op->hooks().watermark) op->pass_watermark(at, t_ns, false);
  return device.out;
}

/// Reads a part of a model outside any model.
inline const config_node& no_node() {
  static const config_node node = model_text::read("{}");
  return node;
}

/// "raised 1.5" for each effect, with its event time in seconds.
inline std::vector<std::string> told(const effects& out) {
  std::vector<std::string> all;
  for (const auto& e : out) {
    const auto tenths = e.alert.event_time_ns / (ns_per_s / 10);
    all.push_back(std::string(to_string(e.alert.transition)) + " " + std::to_string(tenths / 10) +
                  "." + std::to_string(tenths % 10));
  }
  return all;
}

} // namespace pollux::domain::testing
