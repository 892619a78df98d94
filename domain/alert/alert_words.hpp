// SPDX-License-Identifier: Apache-2.0
// How the state of an alert is called, in one word, wherever people read it.
#pragma once
#include "domain/alert/alert_table.hpp"

namespace pollux::domain {

/// active, acknowledged, latched, flapping, snoozed, shelved, suppressed, maintenance.
[[nodiscard]] const char* state_word(const active_alert& alert) noexcept;

} // namespace pollux::domain
