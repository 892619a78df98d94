// SPDX-License-Identifier: Apache-2.0
#include "domain/alert/verdict_notes.hpp"

namespace pollux::domain {

void say_again(step_context& at, const alert_source& source, alert_transition t,
               std::int64_t event_time_ns, evidence proof) {
  auto& e = at.add(effect_kind::alert);
  e.alert.transition = t;
  e.alert.incident = e.id;
  e.alert.rule = source.name;
  e.alert.type = source.type;
  e.alert.revision = source.revision;
  e.alert.level = source.level;
  e.alert.event_time_ns = event_time_ns;
  e.alert.message = source.message.empty() ? proof.explanation : source.message;
  e.alert.proof = std::move(proof);
  auto& table = at.twin.rarely().alerts;
  if (t == alert_transition::raised) {
    active_alert alert;
    alert.incident = e.id;
    alert.rule = source.rule;
    alert.level = source.level;
    alert.raised_event_ns = event_time_ns;
    alert.message = e.alert.message;
    table.add(std::move(alert));
  } else if (const auto* alert = std::as_const(table).of_rule(source.rule);
             alert != nullptr && t == alert_transition::cleared) {
    e.alert.incident = alert->incident;
    e.alert.message = alert->message;
    table.remove(source.rule);
  }
}

} // namespace pollux::domain
