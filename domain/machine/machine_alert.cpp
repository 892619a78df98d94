// SPDX-License-Identifier: Apache-2.0
#include "domain/machine/machine_alert.hpp"
#include "domain/model/registry.hpp"

namespace pollux::domain {

described_rule machine_alert::explain(const twin_state::body& twin, std::int64_t) const {
  if (const auto* alert = active(twin))
    return {name(), "machine_alert", "alerting", alert->message};
  return {name(), "machine_alert", "ok", "a state machine below raises it"};
}

std::unique_ptr<twin_operator> read_machine_alert(object_reader& in, model_scope&) {
  return std::make_unique<machine_alert>(read_alert_keys(in));
}

} // namespace pollux::domain
