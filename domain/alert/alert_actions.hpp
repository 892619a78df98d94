// SPDX-License-Identifier: Apache-2.0
// What people and twins below do to the alerts of a twin. What cannot be done (no such incident, a
// condition that still holds) is a fault and changes nothing; the same again changes nothing.
#pragma once
#include "domain/twin/step_context.hpp"

namespace pollux::domain {

inline constexpr std::uint32_t max_parent_depth = 8; ///< twins an alert comes up through

/// alert_acknowledged: an open incident; escalation stops.
void acknowledge_alert(step_context& at);
/// alert_action: see alert_verb.
void act_on_alert(step_context& at);
/// child_alert: joins or leaves its group's incident. What was taken before, by the child's effect
/// id, is dropped; what came up through too many twins (a cycle) is a fault.
void take_child_alert(step_context& at);
/// parent_changed: from now on the twin above hears of this twin's alerts.
void change_parent(step_context& at);

} // namespace pollux::domain
