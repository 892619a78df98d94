// SPDX-License-Identifier: Apache-2.0
// The life of an alert between its rule and whoever listens:
//
//   condition on    raised | reopened (dedup, latched) | recorded in silence | only counted
//   (flapping) condition off   cleared | latched | owed (it ended in silence) | only counted
//   (flapping) silence         snoozed, shelved, suppressed, maintenance: transitions are recorded
//   and not
//                   published; when it ends what is still true is raised again, what is not,
//                   cleared
//   time            severity and escalation while nobody acknowledges; flapping settles
//
// Every time is the twin's ingest clock, so that replay and restarts change nothing.
#pragma once
#include "domain/alert/alert_table.hpp"
#include "domain/alert/life_cycle.hpp"
#include "domain/twin/step_context.hpp"

namespace pollux::domain {

class alert_rule;

/// What the desk needs to know of whatever alerts: a rule, or a group of twins below.
struct alert_source {
  std::uint32_t rule = 0; ///< as active_alert::rule
  std::string name, type;
  std::uint32_t revision = 0;
  severity level = severity::warning;
  std::string message;              ///< empty: the evidence's explanation
  const life_cycle* life = nullptr; ///< nullptr: raised and cleared, nothing else
};

class alert_desk {
public:
  explicit alert_desk(step_context& at) : at_(at), twin_(at.twin) {}

  /// The condition holds. No effect when it did before.
  void raise(const alert_source& source, std::int64_t event_time_ns, evidence proof);
  /// The condition is gone. No effect when it was not there.
  void clear(const alert_source& source, std::int64_t event_time_ns, evidence proof);
  /// An alert without a life.
  void emit(const alert_source& source, std::int64_t event_time_ns, evidence proof);
  /// The condition holds on, perhaps with another severity.
  void grade(const alert_source& source, std::int64_t event_time_ns, evidence proof);
  /// Ends the incident whatever its state, because the rule is gone, or an operator says so. It is
  /// published even in silence.
  void end(const alert_source& source, std::int64_t event_time_ns, evidence proof,
           std::string_view by = {});
  /// Ends all incidents and forgets what was silenced: the twin is deleted or begun anew.
  void close_down(const std::string& why);

  /// All that fell due by the twin's now.
  void fall_due();
  /// Silences that began or ended by what the input brought.
  void look_around();

  /// An effect on an incident; counts it.
  effect& tell(active_alert& alert, alert_transition t, silence quiet, std::int64_t event_time_ns,
               evidence proof);
  /// An effect that is a record of its own, such as shelving a rule without an alert.
  effect& tell_of(std::string_view name, alert_transition t, std::string_view why);
  [[nodiscard]] alert_source source_of(const active_alert& alert) const;
  [[nodiscard]] silence silence_of(const alert_source& source, const active_alert* alert) const;

private:
  void fill(effect& e, const alert_source& source, std::int64_t event_time_ns) const;
  void open(const alert_source& source, std::int64_t event_time_ns, evidence proof, silence quiet,
            std::vector<std::int64_t> changes);
  void reopen(active_alert& alert, const alert_source& source, std::int64_t event_time_ns,
              evidence proof, silence quiet);
  [[nodiscard]] bool may_reopen(const active_alert& alert, const life_cycle& life) const;
  /// Notes a change for flapping; true when it has just begun to flap.
  bool note_change(active_alert& alert, const life_cycle& life) const;
  void finish(active_alert& alert, const alert_source& source, std::int64_t event_time_ns,
              evidence proof);
  void close(active_alert& alert, const life_cycle& life);
  void end_silence(active_alert& alert, const alert_source& source, silence was);
  void set_level(active_alert& alert, std::int64_t event_time_ns, evidence proof);
  void expire_silences();
  void settle(active_alert& alert, const alert_source& source);
  void climb(active_alert& alert, const life_cycle& life);

  step_context& at_;
  twin_state::body& twin_;
};

/// Ingest time at which fall_due() has something to do; `never` when nothing is pending.
[[nodiscard]] std::int64_t next_alert_due_ns(const twin_state::body& twin);

} // namespace pollux::domain
