// SPDX-License-Identifier: Apache-2.0
// What an incident has come to, from its transitions alone.
#include "messages/documents.hpp"

namespace pollux::messages {

std::string alert_state(const std::vector<domain::effect>& transitions) {
  using domain::alert_transition;
  bool over = false, latched = false, flapping = false, acknowledged = false, record = false;
  bool emitted = false;
  auto quiet = domain::silence::none;
  const char* recorded = "ended";
  for (const auto& e : transitions) {
    switch (e.alert.transition) {
    case alert_transition::raised:
    case alert_transition::reopened:
      over = latched = record = false;
      quiet = e.alert.quiet;
      break;
    case alert_transition::corrected: over = false; break;
    case alert_transition::emitted: emitted = true; break;
    case alert_transition::retracted: return "retracted";
    case alert_transition::cleared: over = true; break;
    case alert_transition::latched: latched = true; break;
    case alert_transition::acknowledged: acknowledged = true; break;
    case alert_transition::flapping: flapping = true; break;
    case alert_transition::settled: flapping = false; break;
    case alert_transition::snoozed: quiet = domain::silence::snoozed; break;
    case alert_transition::suppressed: quiet = domain::silence::suppressed; break;
    case alert_transition::shelved:
      quiet = domain::silence::shelved;
      record = record || &e == &transitions.front();
      recorded = "shelved";
      break;
    case alert_transition::unshelved:
      quiet = domain::silence::none;
      recorded = "ended";
      break;
    case alert_transition::maintenance_started:
      record = true;
      recorded = "maintenance";
      break;
    case alert_transition::maintenance_ended: recorded = "ended"; break;
    case alert_transition::severity_changed:
    case alert_transition::escalated:
    case alert_transition::assigned:
    case alert_transition::commented:
    case alert_transition::members_changed: break;
    }
  }
  if (record) return recorded;
  if (emitted) return "emitted";
  if (over) return "cleared";
  if (quiet != domain::silence::none) return domain::to_string(quiet);
  return flapping ? "flapping" : latched ? "latched" : acknowledged ? "acknowledged" : "active";
}

domain::severity alert_severity(const std::vector<domain::effect>& transitions) {
  // The end of a shelving knows the rule, not its alert.
  for (auto e = transitions.rbegin(); e != transitions.rend(); ++e)
    if (e->alert.transition != domain::alert_transition::unshelved) return e->alert.level;
  return transitions.front().alert.level;
}

bool is_over(std::string_view state) noexcept {
  return state == "cleared" || state == "emitted" || state == "retracted" || state == "ended";
}

} // namespace pollux::messages
