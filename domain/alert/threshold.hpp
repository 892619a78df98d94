// SPDX-License-Identifier: Apache-2.0
// Threshold with hysteresis over an expression: raised beyond one limit, cleared at or back within
// another, so that a value that trembles at the limit does not ring again and again.
//   "above": 90, "clear": 85   raised when value > 90, cleared when value <= 85
//   "below": 10, "clear": 12   raised when value < 10, cleared when value >= 12
//   neither                    the expression is a condition: raised when it is not 0
// `clear` defaults to the limit itself. An unknown value gives no verdict: nothing changes.
#pragma once
#include "domain/alert/alert_rule.hpp"
#include "domain/alert/operands.hpp"

namespace pollux::domain {

struct threshold_rule {
  enum class kind : std::uint8_t { above, below, condition };
  kind which = kind::condition;
  double limit = 0;
  double clear = 0;
};

/// Whether an alert should be active after `value`, when it is `active` before.
[[nodiscard]] bool judge(const threshold_rule& rule, double value, bool active) noexcept;

class threshold_operator final : public alert_rule {
public:
  threshold_operator(threshold_rule rule, expression value, std::vector<named_operand> used,
                     alert_keys keys)
      : alert_rule(keys.level, std::move(keys.message)), rule_(rule), value_(std::move(value)),
        used_(std::move(used)) {}
  [[nodiscard]] operator_hooks hooks() const noexcept override { return {.observe = true}; }
  /// Judged whenever a reading brings something the expression looks at.
  void observe(row& reading) const override;
  [[nodiscard]] described_rule explain(const twin_state::body& twin,
                                       std::int64_t now_ns) const override;

private:
  [[nodiscard]] evidence prove(const row& reading, double value, const twin_operands& source,
                               bool raised) const;
  [[nodiscard]] std::string side(bool raised) const;
  threshold_rule rule_;
  expression value_;
  std::vector<named_operand> used_;
};

/// Keys: value, above or below, clear, and alert_keys.
[[nodiscard]] std::unique_ptr<twin_operator> read_threshold(object_reader& in, model_scope& scope);

} // namespace pollux::domain
