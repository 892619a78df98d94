// SPDX-License-Identifier: Apache-2.0
#include "domain/alert/alert_words.hpp"

namespace pollux::domain {

const char* state_word(const active_alert& alert) noexcept {
  if (alert.quiet != silence::none) return to_string(alert.quiet);
  if (alert.flapping) return "flapping";
  if (alert.latched) return "latched";
  return alert.acknowledged ? "acknowledged" : "active";
}

} // namespace pollux::domain
