// SPDX-License-Identifier: Apache-2.0
// What every operator that alerts has in common: severity, message, and the turns of an alert.
// raised -> cleared is one incident, named by the raising effect; emitted ones stand alone.
#pragma once
#include "domain/model/operator.hpp"
#include <string>

namespace pollux::domain {

class object_reader;

class alert_rule : public twin_operator {
public:
  alert_rule(severity level, std::string message) : level_(level), message_(std::move(message)) {}
  /// The alert of this rule that is raised now, or nullptr.
  [[nodiscard]] const active_alert* active(const twin_state::body& twin) const noexcept;
  /// Clears the active alert for a reason outside the rule (a new model, a deleted twin).
  void withdraw(step_context& at, std::string why) const;

protected:
  /// No effect when it is already active.
  void raise(step_context& at, std::int64_t event_time_ns, evidence proof) const;
  /// No effect when it is not active.
  void clear(step_context& at, std::int64_t event_time_ns, evidence proof) const;
  void emit(step_context& at, std::int64_t event_time_ns, evidence proof) const;

private:
  effect& transition(step_context& at, alert_transition t, std::int64_t event_time_ns,
                     evidence proof) const;
  severity level_;
  std::string message_; // empty: the evidence's explanation stands for it
};

/// The keys all alerting operators share: severity (default warning) and message (default: the
/// explanation).
struct alert_keys {
  severity level;
  std::string message;
};
[[nodiscard]] alert_keys read_alert_keys(object_reader& in);

} // namespace pollux::domain
