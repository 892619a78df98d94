// SPDX-License-Identifier: Apache-2.0
// The part of the node's interface that deals with alerts beyond listing and acknowledging them.
// node_api.hpp takes it into node_actor.
#pragma once
#include <caf/all.hpp>
#include <cstdint>
#include <string>

namespace pollux::messages {

/// An operator's action, answered when the twin has applied it. The same again changes nothing.
/// Errors: not_found (no such twin, open incident or rule), invalid_argument, conflict (a reset
/// while the condition holds), timed_out (journaled, and not yet applied).
struct alert_action {
  std::string twin;
  std::string verb;     ///< clear, reset, snooze, shelve, unshelve, assign, comment,
                        ///< start_maintenance, stop_maintenance
  std::string incident; ///< stop_maintenance: the id of one, or empty for all
  std::string rule;     ///< shelve, unshelve: instead of an incident
  std::string by;
  std::string detail;        ///< why; the words of a comment; whom it is assigned to
  std::int64_t until_ns = 0; ///< snooze, shelve, start_maintenance: our clock
};

/// Which twin above hears of this twin's alerts. Errors: not_found, conflict (it would be its own
/// parent).
struct parent_set {
  std::string twin;
  std::string parent; ///< empty: none
  std::string by;
};

#define POLLUX_ALERT_TYPES(use) use(alert_action) use(parent_set)

template <class Inspector> typename Inspector::result_type inspect(Inspector& f, alert_action& x) {
  return f(caf::meta::type_name("pollux.alert_action"), x.twin, x.verb, x.incident, x.rule, x.by,
           x.detail, x.until_ns);
}
template <class Inspector> typename Inspector::result_type inspect(Inspector& f, parent_set& x) {
  return f(caf::meta::type_name("pollux.parent_set"), x.twin, x.parent, x.by);
}

} // namespace pollux::messages
