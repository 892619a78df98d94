// SPDX-License-Identifier: Apache-2.0
// Globs over twin ids: * for any run of characters, ? for one.
#pragma once
#include <cstddef>
#include <string_view>

namespace pollux {

/// Cost: O(pattern * text) at worst, no allocation, no recursion.
[[nodiscard]] inline bool matches_glob(std::string_view pattern, std::string_view text) noexcept {
  std::size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p, ++t;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

} // namespace pollux
