// SPDX-License-Identifier: Apache-2.0
// The canonical little-endian writer and reader. State bytes are hashed and compared between
// machines, so there is exactly one encoding of every value: fixed widths, no padding.
#pragma once
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace pollux {

class byte_writer {
public:
  explicit byte_writer(std::string& out) : out_(out) {}
  void u8(std::uint8_t v) { out_.push_back(static_cast<char>(v)); }
  void u16(std::uint16_t v) { fixed(v); }
  void u32(std::uint32_t v) { fixed(v); }
  void u64(std::uint64_t v) { fixed(v); }
  void i64(std::int64_t v) { fixed(static_cast<std::uint64_t>(v)); }
  void f64(double v) { fixed(std::bit_cast<std::uint64_t>(v)); }
  void boolean(bool v) { u8(v ? 1 : 0); }
  void text(std::string_view v) {
    u32(static_cast<std::uint32_t>(v.size()));
    out_.append(v);
  }

private:
  template <class T> void fixed(T v) {
    if constexpr (std::endian::native == std::endian::big) {
      for (std::size_t i = 0; i < sizeof(T); ++i) out_.push_back(static_cast<char>(v >> (8 * i)));
    } else {
      char raw[sizeof(T)];
      std::memcpy(raw, &v, sizeof(T));
      out_.append(raw, sizeof(T));
    }
  }
  std::string& out_;
};

/// Reads what byte_writer wrote. Past the end or after damage every read gives zero and ok() is
/// false for good: check it once at the end. Never reads outside `bytes`.
class byte_reader {
public:
  explicit byte_reader(std::string_view bytes) : rest_(bytes) {}
  /// The format of the whole that is read, where it matters to a part; 255: the newest.
  std::uint8_t format = 255;
  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }
  [[nodiscard]] std::size_t remaining() const noexcept { return rest_.size(); }
  void fail() noexcept {
    ok_ = false;
    rest_ = {};
  }
  std::uint8_t u8() { return static_cast<std::uint8_t>(fixed<1>()); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(fixed<2>()); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(fixed<4>()); }
  std::uint64_t u64() { return fixed<8>(); }
  std::int64_t i64() { return static_cast<std::int64_t>(fixed<8>()); }
  double f64() { return std::bit_cast<double>(fixed<8>()); }
  bool boolean() { return u8() != 0; }
  std::string_view text() {
    const auto size = u32();
    if (size > rest_.size()) {
      fail();
      return {};
    }
    const auto out = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return out;
  }

private:
  template <std::size_t N> std::uint64_t fixed() {
    if (rest_.size() < N) {
      fail();
      return 0;
    }
    std::uint64_t v = 0;
    for (std::size_t i = 0; i < N; ++i)
      v |= std::uint64_t{static_cast<unsigned char>(rest_[i])} << (8 * i);
    rest_.remove_prefix(N);
    return v;
  }
  std::string_view rest_;
  bool ok_ = true;
};

} // namespace pollux
