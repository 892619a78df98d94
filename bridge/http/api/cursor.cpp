// SPDX-License-Identifier: Apache-2.0
// A cursor is the place with eight bytes of a hash before it. The hash is no secret: a cursor gives
// nobody a right. It turns mistakes into an error instead of a wrong page.
#include "bridge/http/api/cursor.hpp"
#include "messages/hash.hpp"

namespace pollux::bridge::http {

namespace {
constexpr std::string_view letters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t most_letters = 1024, check_bytes = 8;

std::string check_of(std::string_view of, std::string_view place) {
  const auto hash = messages::hash64(place, messages::hash64(of));
  std::string out;
  for (unsigned shift = 0; shift < 64; shift += 8)
    out += static_cast<char>(static_cast<unsigned char>(hash >> shift));
  return out;
}

std::string encoded(std::string_view bytes) {
  std::string out;
  std::uint32_t held = 0;
  unsigned bits = 0;
  for (const char c : bytes) {
    held = held << 8 | static_cast<unsigned char>(c);
    for (bits += 8; bits >= 6; bits -= 6) out += letters[held >> (bits - 6) & 63];
  }
  if (bits > 0) out += letters[held << (6 - bits) & 63];
  return out;
}

bool decoded(std::string_view text, std::string& out) {
  std::uint32_t held = 0;
  unsigned bits = 0;
  for (const char c : text) {
    const auto at = letters.find(c);
    if (at == std::string_view::npos) return false;
    held = held << 6 | static_cast<std::uint32_t>(at);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    out += static_cast<char>(static_cast<unsigned char>(held >> bits));
  }
  return bits < 6 && (held & ((1U << bits) - 1)) == 0; // one spelling only
}
} // namespace

std::string seal_cursor(std::string_view of, std::string_view place) {
  return encoded(check_of(of, place) + std::string(place));
}

result<std::string> open_cursor(std::string_view of, std::string_view cursor) {
  const failure wrong{errc::invalid_argument, "this cursor was not given out for this list"};
  std::string bytes;
  if (cursor.size() > most_letters || !decoded(cursor, bytes) || bytes.size() < check_bytes)
    return wrong;
  auto place = bytes.substr(check_bytes);
  if (check_of(of, place) != bytes.substr(0, check_bytes)) return wrong;
  return place;
}

} // namespace pollux::bridge::http
