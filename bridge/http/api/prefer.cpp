// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/api/prefer.hpp"
#include "domain/base/time.hpp"
#include <algorithm>
#include <charconv>

namespace pollux::bridge::http {

namespace {
std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

/// "wait=5", with or without quotes.
std::int64_t wait_of(std::string_view word) {
  const auto equals = word.find('=');
  if (equals == std::string_view::npos || trimmed(word.substr(0, equals)) != "wait") return 0;
  auto value = trimmed(word.substr(equals + 1));
  if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"'))
    value = value.substr(1, value.size() - 2);
  std::int64_t seconds = 0;
  const auto read = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (read.ec != std::errc{} || read.ptr != value.data() + value.size() || seconds < 0) return 0;
  return std::min(seconds, longest_wait_ns / ns_per_s) * ns_per_s;
}
} // namespace

std::int64_t preferred_wait(const request& r) {
  std::int64_t out = 0;
  for (const auto& [name, value] : r.headers) {
    if (name != "prefer") continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      const auto end = std::min(rest.find(','), rest.size());
      out = std::max(out, wait_of(trimmed(rest.substr(0, end))));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return out;
}

} // namespace pollux::bridge::http
