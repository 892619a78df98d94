// SPDX-License-Identifier: Apache-2.0
// An action on an alert against the twin's document: can it be done, and has it been?
#pragma once
#include "domain/base/result.hpp"
#include "domain/twin/input.hpp"
#include "messages/alert_api.hpp"
#include <nlohmann/json.hpp>

namespace pollux::actors {

/// Errors: invalid_argument, naming the verbs there are.
[[nodiscard]] result<domain::alert_verb> parse_alert_verb(const std::string& name);

/// Whether the words are well formed. Errors: invalid_argument.
[[nodiscard]] status check_words(domain::alert_verb verb, const messages::alert_action& a,
                                 std::int64_t now_ns);
/// Errors: not_found (incident, rule, maintenance), conflict (it is not latched).
[[nodiscard]] status can_be_done(domain::alert_verb verb, const messages::alert_action& a,
                                 const nlohmann::json& twin);
/// The rule that shelve and unshelve are about.
[[nodiscard]] std::string rule_of(const messages::alert_action& a, const nlohmann::json& twin);
/// Whether `twin` shows what the action wants; `before`: as it was when it was asked for.
[[nodiscard]] bool is_done(domain::alert_verb verb, const messages::alert_action& a,
                           const nlohmann::json& before, const nlohmann::json& twin);

} // namespace pollux::actors
