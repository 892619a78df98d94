// SPDX-License-Identifier: Apache-2.0
// The JSON documents people and programs read: a twin, an alert, a command. One writer for every
// door. Times are RFC 3339 with Z; keys are snake_case; numbers shortest round-trip.
#pragma once
#include "domain/twin/description.hpp"
#include "domain/twin/effect.hpp"
#include <string>
#include <string_view>
#include <vector>

namespace pollux::messages {

[[nodiscard]] std::string twin_document(const domain::twin_description& twin, std::int64_t now_ns);
/// What an incident has come to: active, acknowledged, latched, flapping, snoozed, shelved,
/// suppressed, maintenance, and when it is over cleared, emitted, retracted, ended (of a record
/// that a rule was shelved, or of maintenance).
[[nodiscard]] std::string alert_state(const std::vector<domain::effect>& transitions);
[[nodiscard]] bool is_over(std::string_view state) noexcept;
/// As the incident was last told; `transitions` is not empty.
[[nodiscard]] domain::severity alert_severity(const std::vector<domain::effect>& transitions);
/// One incident with its transitions, oldest first, and the evidence of each.
[[nodiscard]] std::string alert_document(std::string_view twin,
                                         const std::vector<domain::effect>& transitions);
/// CloudEvents 1.0 (structured JSON) of one alert transition or command step; id = effect id with
/// the twin.
[[nodiscard]] std::string cloud_event(std::string_view twin, const domain::effect& what);
/// One effect of any kind, for people who step through a twin's history.
[[nodiscard]] std::string effect_document(std::string_view twin, const domain::effect& what);
/// What goes to the device: {"id":..,"command":..,"arguments":{..},"expires_at":".."}.
[[nodiscard]] std::string command_payload(std::string_view twin,
                                          const domain::command_effect& command);

/// One owned value as JSON.
[[nodiscard]] std::string value_json(const domain::owned_value& value);

} // namespace pollux::messages
