// SPDX-License-Identifier: Apache-2.0
// Whether a text names something: a search for the word, because expressions lie in models as text.
#pragma once
#include <string_view>

namespace pollux::domain {

/// `name` stands in `text` with no letter, digit or underscore beside it.
[[nodiscard]] inline bool mentions(std::string_view text, std::string_view name) noexcept {
  const auto in_name = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  for (auto at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
    const auto end = at + name.size();
    if ((at == 0 || !in_name(text[at - 1])) && (end == text.size() || !in_name(text[end])))
      return true;
  }
  return false;
}

} // namespace pollux::domain
