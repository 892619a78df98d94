// SPDX-License-Identifier: Apache-2.0
// What every operator that alerts has in common: severity, message, and the turns of an alert.
// raised -> cleared is one incident, named by the raising effect; emitted ones stand alone. What
// happens between the verdict and whoever listens is the alert_desk's.
#pragma once
#include "domain/alert/alert_desk.hpp"
#include "domain/model/operator.hpp"
#include <string>

namespace pollux::domain {

class object_reader;

class alert_rule : public twin_operator {
public:
  alert_rule(severity level, std::string message) : level_(level), message_(std::move(message)) {}
  /// The alert of this rule, while its condition holds; else nullptr. Whether anybody was told is
  /// another matter (alert_desk.hpp): a rule need not know.
  [[nodiscard]] const active_alert* active(const twin_state::body& twin) const noexcept;
  /// Ends the alert for a reason outside the rule (a new model).
  void withdraw(step_context& at, std::string why) const;
  [[nodiscard]] alert_source source() const;
  [[nodiscard]] const life_cycle* life() const noexcept { return life_.get(); }

protected:
  /// The condition holds. No effect when it did already.
  void raise(step_context& at, std::int64_t event_time_ns, evidence proof) const;
  /// The condition is gone. No effect when it did not hold.
  void clear(step_context& at, std::int64_t event_time_ns, evidence proof) const;
  void emit(step_context& at, std::int64_t event_time_ns, evidence proof) const;
  /// The severity depends on the value: call grade() for every verdict while active.
  [[nodiscard]] bool graded() const noexcept { return life_ && !life_->levels.empty(); }
  void grade(step_context& at, std::int64_t event_time_ns, evidence proof) const;

private:
  friend class model_compiler;
  /// To the alert_desk; in a re-run without a life (verdict_notes.hpp). Noted where asked for.
  void decide(step_context& at, alert_transition t, std::int64_t event_time_ns,
              evidence proof) const;
  severity level_;
  std::string message_;                    // empty: the evidence's explanation stands for it
  std::unique_ptr<const life_cycle> life_; // nullptr: raised and cleared, nothing else
};

/// The keys all alerting operators share: severity (default warning) and message (default: the
/// explanation).
struct alert_keys {
  severity level;
  std::string message;
};
[[nodiscard]] alert_keys read_alert_keys(object_reader& in);

} // namespace pollux::domain
