// SPDX-License-Identifier: Apache-2.0
#include "messages/time_zones.hpp"
#include "domain/base/calendar.hpp"
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace pollux::messages {
namespace {

constexpr std::size_t max_name = 64;
constexpr std::uintmax_t max_file = 1 << 20; ///< real ones have a few kilobytes

// Letters, digits, _ + - and single slashes between them: no dots, so no way out of the folder.
bool is_zone_name(std::string_view name) {
  if (name.empty() || name.size() > max_name || name.front() == '/' || name.back() == '/')
    return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '+' || c == '-' || c == '/';
  });
}

/// The rule at the end of a compiled zone file (RFC 8536, section 3.3): between two line ends.
std::string_view footer(std::string_view file) {
  if (!file.starts_with("TZif") || file.size() < 44 || file[4] < '2' || file.back() != '\n')
    return {};
  file.remove_suffix(1);
  const auto start = file.rfind('\n');
  return start == std::string_view::npos ? std::string_view{} : file.substr(start + 1);
}

} // namespace

result<std::string> posix_time_zone(std::string_view name) {
  const auto unknown = [&](const char* why) {
    return failure{errc::not_found,
                   "time zone \"" + std::string(name.substr(0, max_name)) + "\" " + why};
  };
  if (!is_zone_name(name)) return unknown("is not a name as Europe/Berlin");
  for (const auto folder : zone_folders) {
    const auto path = std::filesystem::path(folder) / name;
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) continue;
    if (const auto size = std::filesystem::file_size(path, error); error || size > max_file)
      continue;
    std::ifstream in(path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>{in}, {}};
    const auto rule = footer(bytes);
    if (rule.empty() || !time_zone::parse(rule))
      return failure{errc::corrupt, path.string() + " holds no time-zone rule for today"};
    return std::string(rule);
  }
  return unknown("is not in this machine's time-zone database");
}

// Recursion is bounded: parse_config_tree reads at most 64 levels.
bool resolve_zones(domain::config_node& tree) {
  bool replaced = false;
  for (auto& [key, child] : tree.members) {
    if (key == "zone" && child.kind == domain::config_node::type::text &&
        !time_zone::parse(child.text)) {
      if (auto rule = posix_time_zone(child.text)) {
        child.text = std::move(*rule);
        replaced = true;
      }
    }
    replaced = resolve_zones(child) || replaced;
  }
  return replaced;
}

} // namespace pollux::messages
