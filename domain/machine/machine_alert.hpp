// SPDX-License-Identifier: Apache-2.0
// An alert that a state machine below raises, clears or emits: it has a life cycle of its own, but
// no condition.
//
//   {"name": "overpressure", "type": "machine_alert", "severity": "critical"}
#pragma once
#include "domain/alert/alert_rule.hpp"

namespace pollux::domain {

class machine_alert final : public alert_rule {
public:
  explicit machine_alert(alert_keys keys) : alert_rule(keys.level, std::move(keys.message)) {}
  using alert_rule::clear;
  using alert_rule::emit;
  using alert_rule::raise;
  [[nodiscard]] operator_hooks hooks() const noexcept override { return {.live = true}; }
  [[nodiscard]] described_rule explain(const twin_state::body& twin,
                                       std::int64_t now_ns) const override;
};

/// Keys: alert_keys.
[[nodiscard]] std::unique_ptr<twin_operator> read_machine_alert(object_reader& in,
                                                                model_scope& scope);

} // namespace pollux::domain
