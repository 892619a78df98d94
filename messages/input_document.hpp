// SPDX-License-Identifier: Apache-2.0
// One journaled input as JSON, for people who step through a twin's history.
#pragma once
#include "domain/twin/input.hpp"
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace pollux::messages {

/// "<position hex16>-<index>", as the revision in a twin's document.
[[nodiscard]] std::string input_id_text(const domain::input_id& id);
/// Reads input_id_text's form. False when malformed.
[[nodiscard]] bool parse_input_id(std::string_view text, domain::input_id& out) noexcept;

/// "readings", "command_requested", ...
[[nodiscard]] const char* input_kind_text(domain::input_kind kind) noexcept;

/// A value as JSON; not a number: null. Samples: their number only.
[[nodiscard]] nlohmann::ordered_json value_document(const domain::value_view& value);

/// {"input":..,"ingest_time":..,"kind":..} and what its kind has: readings with event times,
/// sequence numbers and values; commands, actions, timers, models.
[[nodiscard]] nlohmann::ordered_json input_document(const domain::input& in);

} // namespace pollux::messages
