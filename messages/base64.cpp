// SPDX-License-Identifier: Apache-2.0
#include "messages/base64.hpp"
#include <algorithm>
#include <cstdint>

namespace pollux::messages {

namespace {
constexpr std::string_view digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
} // namespace

std::string to_base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto here = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t b = 0; b < 3; ++b)
      group = group << 8 | (b < here ? static_cast<unsigned char>(bytes[i + b]) : 0u);
    for (std::size_t d = 0; d < 4; ++d) out += d <= here ? digits[group >> (18 - 6 * d) & 63] : '=';
  }
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return {};
  const auto padding = text.ends_with("==") ? 2u : text.ends_with('=') ? 1u : 0u;
  std::string out;
  out.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const auto pads = i + 4 == text.size() ? padding : 0;
    std::uint32_t group = 0;
    for (std::size_t d = 0; d < 4; ++d) {
      const auto digit = d < 4 - pads ? digits.find(text[i + d]) : 0;
      if (digit == digits.npos) return {};
      group = group << 6 | static_cast<std::uint32_t>(digit);
    }
    if ((group & ((1u << 8 * pads) - 1)) != 0) return {}; // bits that stand for nothing
    for (std::size_t b = 0; b < 3 - pads; ++b)
      out += static_cast<char>(group >> (16 - 8 * b) & 255);
  }
  return out;
}

} // namespace pollux::messages
