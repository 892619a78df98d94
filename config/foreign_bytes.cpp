// SPDX-License-Identifier: Apache-2.0
#include "config/foreign_bytes.hpp"

namespace pollux::config {

namespace {
bool foreign(char c) noexcept { return static_cast<unsigned char>(c) > 127; }

constexpr auto npos = std::string_view::npos;

/// Steps over the text that begins at `at` with a quote; an unended one ends with its line or the
/// file, where the parser will complain. Gives the place of a foreign byte after a backslash.
std::size_t skip_text(std::string_view toml, std::size_t& at) noexcept {
  const char quote = toml[at];
  const std::string_view mark = quote == '"' ? "\"\"\"" : "'''";
  const bool several_lines = toml.substr(at, 3) == mark;
  at += several_lines ? 3 : 1;
  while (at < toml.size()) {
    const char c = toml[at];
    if (c == '\n' && !several_lines) return npos;
    if (c == '\\' && quote == '"') {
      at += 2;
      if (several_lines && at <= toml.size()) {
        // a backslash joins lines: the parser then looks for white space as outside of a text
        const auto next = toml.find_first_not_of(" \t\r\n", at - 1);
        if (next != npos && foreign(toml[next])) return next;
      }
      continue;
    }
    if (c == quote && (!several_lines || toml.substr(at, 3) == mark)) {
      at += several_lines ? 3 : 1;
      return npos;
    }
    ++at;
  }
  return npos;
}
} // namespace

std::size_t find_foreign_byte(std::string_view toml) noexcept {
  std::size_t at = toml.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  while (at < toml.size()) {
    const char c = toml[at];
    if (foreign(c)) return at;
    if (c == '#') {
      while (at < toml.size() && toml[at] != '\n') ++at;
    } else if (c == '"' || c == '\'') {
      const auto found = skip_text(toml, at);
      if (found != npos) return found;
    } else {
      ++at;
    }
  }
  return npos;
}

} // namespace pollux::config
