// SPDX-License-Identifier: Apache-2.0
// W3C Trace Context: the `traceparent` that devices and programs send along. The node makes no
// spans of its own: it hands the header on as it came and names its trace id in what it says.
#pragma once
#include <optional>
#include <string_view>

namespace pollux::messages {

/// Views into the text it was read from.
struct trace_context {
  std::string_view trace_id;  ///< 32 hex digits, not all 0
  std::string_view parent_id; ///< 16 hex digits, not all 0
  bool sampled = false;
};

/// "00-<trace id>-<parent id>-<flags>", hex digits in lower case. Of a later version, which may
/// carry more behind, what version 00 knows is read. Nothing when it is not one: then it is to be
/// ignored, not refused. Safe on any bytes; no allocation.
[[nodiscard]] std::optional<trace_context> parse_traceparent(std::string_view text) noexcept;

/// The trace id of a traceparent, empty when it is not one.
[[nodiscard]] std::string_view trace_id_of(std::string_view traceparent) noexcept;

/// The text itself when it is a traceparent, else empty.
[[nodiscard]] std::string_view valid_traceparent(std::string_view text) noexcept;

} // namespace pollux::messages
