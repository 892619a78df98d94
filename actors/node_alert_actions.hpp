// SPDX-License-Identifier: Apache-2.0
// What operators do to alerts: an input like any other. The twin's document says beforehand whether
// it can be done and afterwards whether it was: nothing is journaled that would only become a
// fault, or that holds already.
#pragma once
#include "actors/node_state.hpp"

namespace pollux::actors {

caf::result<messages::done> act_on_alert(node_pointer self, const messages::alert_action& a);
/// Refuses a parent above which, within 8 twins, this twin stands already.
caf::result<messages::done> set_parent(node_pointer self, const messages::parent_set& p);
/// Works the patch out on the properties the twin has now; the twin takes it if they still are.
caf::result<messages::done> patch_twin(node_pointer self, const messages::twin_patch& p);

/// An action's pause is over: asks the twin again. False when the number is not an action's.
bool look_at_action(node_pointer self, std::uint64_t waiter);

} // namespace pollux::actors
