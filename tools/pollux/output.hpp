// SPDX-License-Identifier: Apache-2.0
// How answers of a node are put on a terminal or into a pipe. What came from a device never gets
// to the terminal as it is: control characters would let it write there what it likes.
#pragma once
#include "tools/pollux/cli.hpp"
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace pollux::cli {

using json = nlohmann::ordered_json;

/// `text` with control characters and invalid UTF-8 as \xNN.
[[nodiscard]] std::string printable(std::string_view text);

/// The document, or its text as a string when it is not JSON.
[[nodiscard]] json parse_document(const std::string& text);

/// One document: indented for -o json, on one line for -o jsonl.
void print_document(const json& document, output format);

/// A scalar as people read it: text without quotes, null as "-", numbers in the fewest digits that
/// give the same value back; anything else as JSON.
[[nodiscard]] std::string plain(const json& value);

/// "-" for "never".
[[nodiscard]] std::string time_text(std::int64_t time_ns);
/// 0.35 -> "350ms", 75 -> "1m15s", 90000 -> "1d1h": two units at most. null -> "-".
[[nodiscard]] std::string age_text(const json& seconds);

/// One field of a CSV row, quoted where RFC 4180 wants it.
[[nodiscard]] std::string csv_field(std::string_view text);

/// Whoever read our output has gone away (`pollux twin ls | head -1`).
[[nodiscard]] bool reader_gone();

} // namespace pollux::cli
