// SPDX-License-Identifier: Apache-2.0
#include "domain/alert/alert_rule.hpp"
#include "domain/model/config_node.hpp"

namespace pollux::domain {

const active_alert* alert_rule::active(const twin_state::body& twin) const noexcept {
  return twin.rare ? twin.rare->alerts.of_rule(index()) : nullptr;
}

effect& alert_rule::transition(step_context& at, alert_transition t, std::int64_t event_time_ns,
                               evidence proof) const {
  auto& e = at.add(effect_kind::alert);
  e.alert.transition = t;
  e.alert.incident = e.id;
  e.alert.rule = name();
  e.alert.level = level_;
  e.alert.event_time_ns = event_time_ns;
  e.alert.message = message_.empty() ? proof.explanation : message_;
  e.alert.proof = std::move(proof);
  return e;
}

void alert_rule::raise(step_context& at, std::int64_t event_time_ns, evidence proof) const {
  if (active(at.twin) != nullptr) return;
  const auto& e = transition(at, alert_transition::raised, event_time_ns, std::move(proof));
  at.twin.rarely().alerts.add({.incident = e.id,
                               .rule = index(),
                               .level = level_,
                               .raised_event_ns = event_time_ns,
                               .message = e.alert.message,
                               .acknowledged = false,
                               .by = {}});
}

void alert_rule::clear(step_context& at, std::int64_t event_time_ns, evidence proof) const {
  const auto* alert = active(at.twin);
  if (alert == nullptr) return;
  auto& e = transition(at, alert_transition::cleared, event_time_ns, std::move(proof));
  e.alert.incident = alert->incident;
  e.alert.level = alert->level;
  e.alert.message = alert->message;
  at.twin.rare->alerts.remove(index());
}

void alert_rule::emit(step_context& at, std::int64_t event_time_ns, evidence proof) const {
  transition(at, alert_transition::emitted, event_time_ns, std::move(proof));
}

void alert_rule::withdraw(step_context& at, std::string why) const {
  evidence proof;
  proof.explanation = std::move(why);
  clear(at, at.now_ns, std::move(proof));
}

alert_keys read_alert_keys(object_reader& in) {
  const auto level = in.choice_or("severity", {"info", "warning", "critical"}, 1);
  return {static_cast<severity>(level + 1), in.text_or("message", "")};
}

} // namespace pollux::domain
