// SPDX-License-Identifier: Apache-2.0
#include "domain/base/twin_id.hpp"
#include <array>

namespace pollux {

namespace {

/// One table look-up a byte: ids are checked for every message.
constexpr std::array<bool, 256> id_bytes = [] {
  std::array<bool, 256> allowed{};
  for (int c = 'a'; c <= 'z'; ++c) allowed[static_cast<std::size_t>(c)] = true;
  for (int c = 'A'; c <= 'Z'; ++c) allowed[static_cast<std::size_t>(c)] = true;
  for (int c = '0'; c <= '9'; ++c) allowed[static_cast<std::size_t>(c)] = true;
  for (const char c : {'_', '.', '-'}) allowed[static_cast<std::size_t>(c)] = true;
  return allowed;
}();

bool is_id_byte(char c) noexcept { return id_bytes[static_cast<unsigned char>(c)]; }

std::string shown(char c) {
  if (c >= 0x20 && c < 0x7f) return {'"', c, '"'};
  constexpr const char* hex = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  return {'0', 'x', hex[byte >> 4], hex[byte & 15]};
}

status check_part(std::string_view part, const char* which, std::size_t offset) {
  if (part.empty())
    return failure{errc::invalid_argument,
                   std::string("twin id: the ") + which + " is empty (namespace:name expected)"};
  if (part.size() > max_id_part)
    return failure{errc::invalid_argument, std::string("twin id: the ") + which + " has " +
                                               std::to_string(part.size()) + " bytes, at most " +
                                               std::to_string(max_id_part) + " are allowed"};
  for (std::size_t i = 0; i < part.size(); ++i)
    if (!is_id_byte(part[i]))
      return failure{errc::invalid_argument, "twin id: " + shown(part[i]) + " at character " +
                                                 std::to_string(offset + i + 1) +
                                                 " is not one of A-Z a-z 0-9 _ . -"};
  return {};
}

} // namespace

result<twin_id_parts> parse_twin_id(std::string_view id) {
  const std::size_t colon = id.find(':');
  if (colon == std::string_view::npos)
    return failure{errc::invalid_argument, "twin id \"" + std::string(id.substr(0, 40)) +
                                               "\" has no \":\" (namespace:name expected)"};
  const twin_id_parts parts{id.substr(0, colon), id.substr(colon + 1)};
  if (auto checked = check_part(parts.name_space, "namespace", 0); !checked) return checked.error();
  if (auto checked = check_part(parts.name, "name", colon + 1); !checked) return checked.error();
  return parts;
}

bool is_id_part(std::string_view part) noexcept {
  if (part.empty() || part.size() > max_id_part) return false;
  for (const char c : part)
    if (!is_id_byte(c)) return false;
  return true;
}

} // namespace pollux
