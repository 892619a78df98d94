// SPDX-License-Identifier: Apache-2.0
#include "config/size.hpp"
#include <array>
#include <charconv>
#include <limits>

namespace pollux::config {

namespace {
struct unit {
  std::string_view name;
  std::uint64_t bytes;
};
constexpr std::array<unit, 11> units{{{"TiB", 1ull << 40},
                                      {"GiB", 1ull << 30},
                                      {"MiB", 1ull << 20},
                                      {"KiB", 1ull << 10},
                                      {"TB", 1'000'000'000'000},
                                      {"GB", 1'000'000'000},
                                      {"MB", 1'000'000},
                                      {"kB", 1'000},
                                      {"KB", 1'000},
                                      {"B", 1},
                                      {"", 1}}};
} // namespace

result<std::uint64_t> parse_size(std::string_view text) {
  const failure bad{errc::invalid_argument,
                    "\"" + std::string(text) + "\" is not a size; write it as \"64MiB\" or 4096"};
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return bad;
  auto suffix = text.substr(static_cast<std::size_t>(end - text.data()));
  if (!suffix.empty() && suffix.front() == ' ') suffix.remove_prefix(1);
  for (const auto& u : units) {
    if (suffix != u.name) continue;
    if (number > std::numeric_limits<std::uint64_t>::max() / u.bytes) return bad;
    return number * u.bytes;
  }
  return bad;
}

std::string format_size(std::uint64_t bytes) {
  for (const auto& u : units)
    if (u.name.size() == 3 && bytes != 0 && bytes % u.bytes == 0)
      return std::to_string(bytes / u.bytes) + std::string(u.name);
  return std::to_string(bytes);
}

} // namespace pollux::config
