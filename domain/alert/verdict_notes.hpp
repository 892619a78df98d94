// SPDX-License-Identifier: Apache-2.0
// What a rule says while readings are gone through once more: the same verdicts, without the life
// an alert has among people. And where verdicts are noted, so that a re-run can be compared.
#pragma once
#include "domain/alert/alert_desk.hpp"
#include "domain/model/model.hpp"

namespace pollux::domain {

/// raised, cleared or emitted, as plain effects; `raised` and `cleared` change the alert table.
void say_again(step_context& at, const alert_source& source, alert_transition t,
               std::int64_t event_time_ns, evidence proof);

/// Whether verdicts of this rule are noted now.
[[nodiscard]] inline bool noting(const step_context& at, std::uint32_t rule) {
  return at.verdicts != nullptr && !at.twin.ruling().by_time.live[rule];
}

} // namespace pollux::domain
