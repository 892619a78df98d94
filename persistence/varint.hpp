// SPDX-License-Identifier: Apache-2.0
// Variable-length numbers, as blocks store them: seven bits a byte, least significant first.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace pollux::persistence {

inline void put_varint(std::string& out, std::uint64_t v) {
  while (v >= 0x80) {
    out.push_back(static_cast<char>(v | 0x80));
    v >>= 7;
  }
  out.push_back(static_cast<char>(v));
}

/// Small negative numbers become small positive ones: 0, -1, 1, -2 -> 0, 1, 2, 3.
[[nodiscard]] inline std::uint64_t zigzag(std::int64_t v) noexcept {
  return static_cast<std::uint64_t>(v) << 1 ^ static_cast<std::uint64_t>(v >> 63);
}
[[nodiscard]] inline std::int64_t unzigzag(std::uint64_t v) noexcept {
  return static_cast<std::int64_t>(v >> 1 ^ (~(v & 1) + 1));
}

/// Reads a block piece by piece. Past the end or after damage every read gives zero or nothing and
/// ok() is false for good. Never reads outside the bytes it was given.
class block_cursor {
public:
  explicit block_cursor(std::string_view bytes) : rest_(bytes) {}
  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }
  [[nodiscard]] std::size_t remaining() const noexcept { return rest_.size(); }
  void fail() noexcept {
    ok_ = false;
    rest_ = {};
  }
  std::uint8_t u8() {
    const auto b = bytes(1);
    return b.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(b[0]);
  }
  std::string_view bytes(std::uint64_t count) {
    if (count > rest_.size()) {
      fail();
      return {};
    }
    const auto out = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return out;
  }
  std::uint64_t varint() {
    std::uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto b = u8();
      v |= std::uint64_t{b & 0x7fu} << shift;
      if (b < 0x80) return v;
    }
    fail();
    return 0;
  }
  /// A count of things that take at least one byte each, or of which at most `limit` may be.
  std::size_t count(std::uint64_t limit) {
    const auto v = varint();
    if (v > limit) fail();
    return ok_ ? static_cast<std::size_t>(v) : 0;
  }

private:
  std::string_view rest_;
  bool ok_ = true;
};

} // namespace pollux::persistence
