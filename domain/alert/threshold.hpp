// SPDX-License-Identifier: Apache-2.0
// Threshold with hysteresis over an expression: raised beyond one limit, cleared at or back within
// another, so that a value that trembles at the limit does not ring again and again.
//   "above": 90, "clear": 85              raised when value > 90, cleared when value <= 85
//   "below": 10, "clear": 12              raised when value < 10, cleared when value >= 12
//   "outside": [2, 8], "clear": [3, 7]    raised when value < 2 or > 8, cleared when 3 <= value <=
//   7 "inside": [4, 6], "clear": [3, 7]     raised when 4 < value < 6, cleared when <= 3 or >= 7
//   none of them                          the expression is a condition: raised when it is not 0
// Exactly at a limit nothing fires. `clear` defaults to the limits themselves. An unknown value
// gives no verdict: an alert stays as it is, but a run that was on its way does not go on.
// for, times, within, clear_for (hold.hpp) and active (schedule.hpp) make it patient.
#pragma once
#include "domain/alert/alert_rule.hpp"
#include "domain/alert/hold.hpp"
#include "domain/alert/operands.hpp"
#include "domain/alert/schedule.hpp"
#include <optional>

namespace pollux::domain {

struct threshold_rule {
  enum class kind : std::uint8_t { above, below, condition, outside, inside };
  kind which = kind::condition;
  double limit = 0; ///< above, below; the lower end of a range
  double clear = 0;
  double high = 0; ///< the upper end of a range
  double clear_high = 0;
};

/// Whether an alert should be active after `value`, when it is `active` before.
[[nodiscard]] bool judge(const threshold_rule& rule, double value, bool active) noexcept;

class threshold_operator final : public alert_rule {
public:
  threshold_operator(threshold_rule rule, hold_rule hold, std::optional<schedule> when,
                     expression value, std::vector<named_operand> used, alert_keys keys)
      : alert_rule(keys.level, std::move(keys.message)), rule_(rule), hold_(hold),
        when_(std::move(when)), patient_(!hold.plain() || when_), value_(std::move(value)),
        used_(std::move(used)) {}
  [[nodiscard]] operator_hooks hooks() const noexcept override {
    return {.judge = patient_, .observe = true, .state = patient_, .watermark = patient_};
  }
  /// What became due before this reading.
  void judge(row& reading) const override;
  /// Judged whenever a reading brings a newer value of something the expression looks at; of what
  /// may change with any reading, whenever it brings anything newer. Late readings are not judged.
  void observe(row& reading) const override;
  void pass_watermark(step_context& at, std::int64_t watermark_ns, bool by_idle) const override;
  void save(const operator_state& state, byte_writer& out) const override;
  [[nodiscard]] std::unique_ptr<operator_state> load(byte_reader& in) const override;
  [[nodiscard]] std::size_t state_bytes(const operator_state& state) const override;
  [[nodiscard]] described_rule explain(const twin_state::body& twin,
                                       std::int64_t now_ns) const override;

private:
  [[nodiscard]] evidence prove(const twin_operands& source, double value, bool raised,
                               std::int64_t t) const;
  [[nodiscard]] bool add_operands(evidence& proof, const twin_operands& source,
                                  const hold_state* hold) const;
  void prove_hold(evidence& proof, const hold_state& state, bool raised) const;
  [[nodiscard]] std::string side(bool raised) const;
  [[nodiscard]] std::string patience(bool raised) const;
  [[nodiscard]] described_rule explain_wait(const twin_state::body& twin, double value) const;
  void change(step_context& at, std::int64_t t, double value, const twin_operands& source,
              bool raised) const;
  void observe_patiently(row& reading, std::optional<double> value,
                         const twin_operands& source) const;
  /// Notes what a reading was judged by, for when the hold ends without one.
  void note_judged(hold_state& state, double value, const twin_operands& source) const;
  /// Event time stands at `t`: what a hold or the schedule made due by then.
  void pass_time(step_context& at, std::int64_t t) const;

  threshold_rule rule_;
  hold_rule hold_;
  std::optional<schedule> when_;
  bool patient_; ///< holds, counts or keeps to a schedule: it needs a state
  expression value_;
  std::vector<named_operand> used_;
};

/// Keys: value; above, below, outside or inside; clear; for, times, within, clear_for; active; and
/// alert_keys.
[[nodiscard]] std::unique_ptr<twin_operator> read_threshold(object_reader& in, model_scope& scope);

} // namespace pollux::domain
