// SPDX-License-Identifier: Apache-2.0
// Source: W3C Trace Context, sections 3.2.2 (format) and 4.3 (later versions).
#include "messages/observability/trace_context.hpp"
#include <algorithm>

namespace pollux::messages {

namespace {

constexpr std::size_t whole_size = 55, longest = 512;

bool is_hex(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_zero(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return c == '0'; });
}

} // namespace

std::optional<trace_context> parse_traceparent(std::string_view text) noexcept {
  if (text.size() < whole_size || text.size() > longest) return std::nullopt;
  if (text[2] != '-' || text[35] != '-' || text[52] != '-') return std::nullopt;
  const auto version = text.substr(0, 2), flags = text.substr(53, 2);
  const trace_context out{text.substr(3, 32), text.substr(36, 16),
                          std::string_view("13579bdf").find(flags[1]) != std::string_view::npos};
  if (!is_hex(version) || version == "ff" || !is_hex(flags)) return std::nullopt;
  if (!is_hex(out.trace_id) || is_zero(out.trace_id)) return std::nullopt;
  if (!is_hex(out.parent_id) || is_zero(out.parent_id)) return std::nullopt;
  if (text.size() == whole_size) return out;
  const bool later = version != "00" && text[whole_size] == '-';
  const auto rest = text.substr(whole_size);
  const bool printable =
      std::all_of(rest.begin(), rest.end(), [](char c) { return c > ' ' && c < 0x7f; });
  return later && printable ? std::optional(out) : std::nullopt;
}

std::string_view trace_id_of(std::string_view traceparent) noexcept {
  const auto parsed = parse_traceparent(traceparent);
  return parsed ? parsed->trace_id : std::string_view{};
}

std::string_view valid_traceparent(std::string_view text) noexcept {
  return parse_traceparent(text) ? text : std::string_view{};
}

} // namespace pollux::messages
