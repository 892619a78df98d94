// SPDX-License-Identifier: Apache-2.0
// JSON as text, as far as a search needs it: one value out of a twin's properties without building
// a tree, and values written. The properties were checked when they were set; damage is found, not
// followed.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace pollux::domain {

/// The value at a JSON pointer ("/place/floor", RFC 6901) as it stands in `json`; empty when there
/// is none. Cost: one pass over what stands before it; no allocation for keys without escapes.
[[nodiscard]] std::string_view find_json(std::string_view json, std::string_view pointer);

/// A JSON string's content (with its quotes given). Without escapes a view into `json`, else made
/// in `scratch`.
[[nodiscard]] std::string_view json_string(std::string_view json, std::string& scratch);

void append_json(std::string& out, std::string_view text); ///< quoted; bytes no UTF-8: U+FFFD
void append_json(std::string& out, double number);         ///< shortest exact form; else null
void append_json(std::string& out, std::int64_t number);

/// Calls each(key, value) for the members of an object, in their order; key as it is written,
/// without quotes. `each` returns false to stop.
template <class Each> void each_json_member(std::string_view object, Each each);

/// From a value's first byte to behind its last; npos on damage. Leading blanks are not skipped.
[[nodiscard]] std::size_t json_end(std::string_view json, std::size_t at) noexcept;
[[nodiscard]] std::size_t skip_json_blanks(std::string_view json, std::size_t at) noexcept;

template <class Each> void each_json_member(std::string_view object, Each each) {
  constexpr auto npos = std::string_view::npos;
  auto at = skip_json_blanks(object, 0);
  if (at >= object.size() || object[at] != '{') return;
  for (++at;;) {
    at = skip_json_blanks(object, at);
    if (at >= object.size() || object[at] != '"') return;
    const auto key_end = json_end(object, at);
    if (key_end == npos) return;
    const auto key = object.substr(at + 1, key_end - at - 2);
    at = skip_json_blanks(object, key_end);
    if (at >= object.size() || object[at] != ':') return;
    at = skip_json_blanks(object, at + 1);
    const auto end = json_end(object, at);
    if (end == npos || !each(key, object.substr(at, end - at))) return;
    at = skip_json_blanks(object, end);
    if (at >= object.size() || object[at] != ',') return;
    ++at;
  }
}

} // namespace pollux::domain
