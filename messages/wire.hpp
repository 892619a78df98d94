// SPDX-License-Identifier: Apache-2.0
// Protobuf's wire format by hand: what the hot path writes and reads without message objects.
// Source: the Protocol Buffers encoding specification (varints, fixed64, length-delimited).
// Groups, which proto3 does not have, are refused.
#pragma once
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace pollux::messages {

static_assert(std::endian::native == std::endian::little, "the wire form is copied as it lies");

enum class wire_type : std::uint32_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

/// Field number and wire type as they stand before each field.
[[nodiscard]] constexpr std::uint32_t wire_tag(std::uint32_t field, wire_type type) noexcept {
  return field << 3 | static_cast<std::uint32_t>(type);
}

[[nodiscard]] constexpr std::size_t varint_size(std::uint64_t v) noexcept {
  return (static_cast<std::size_t>(std::bit_width(v | 1)) + 6) / 7;
}
[[nodiscard]] constexpr std::uint64_t zigzag(std::int64_t v) noexcept {
  return (static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v >> 63);
}
[[nodiscard]] constexpr std::int64_t unzigzag(std::uint64_t v) noexcept {
  return static_cast<std::int64_t>(v >> 1) ^ -static_cast<std::int64_t>(v & 1);
}

/// Writes at a place that the caller has made large enough; never checks.
class wire_writer {
public:
  explicit wire_writer(char* at) noexcept : at_(at) {}
  [[nodiscard]] char* at() const noexcept { return at_; }
  void varint(std::uint64_t v) noexcept {
    while (v >= 0x80) {
      *at_++ = static_cast<char>(v | 0x80);
      v >>= 7;
    }
    *at_++ = static_cast<char>(v);
  }
  void tag(std::uint32_t field, wire_type type) noexcept { varint(wire_tag(field, type)); }
  void raw64(std::uint64_t v) noexcept {
    std::memcpy(at_, &v, sizeof v);
    at_ += sizeof v;
  }
  void raw(std::string_view v) noexcept {
    if (!v.empty()) std::memcpy(at_, v.data(), v.size());
    at_ += v.size();
  }
  void bytes(std::uint32_t field, std::string_view v) noexcept {
    tag(field, wire_type::bytes);
    varint(v.size());
    raw(v);
  }
  // proto3 leaves out a field that holds its default
  void number(std::uint32_t field, std::uint64_t v) noexcept {
    if (v == 0) return;
    tag(field, wire_type::varint);
    varint(v);
  }
  void fixed(std::uint32_t field, std::uint64_t v) noexcept {
    if (v == 0) return;
    tag(field, wire_type::fixed64);
    raw64(v);
  }
  void text(std::uint32_t field, std::string_view v) noexcept {
    if (!v.empty()) bytes(field, v);
  }

private:
  char* at_;
};

/// Reads bytes nobody vouches for. After damage every read gives zero, done() is true and ok() is
/// false for good: check it once at the end. Never reads outside the bytes given.
class wire_reader {
public:
  explicit wire_reader(std::string_view bytes) noexcept
      : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}
  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] bool done() const noexcept { return at_ == end_; }
  [[nodiscard]] const char* at() const noexcept { return at_; }
  [[nodiscard]] std::size_t remaining() const noexcept {
    return static_cast<std::size_t>(end_ - at_);
  }
  void fail() noexcept {
    ok_ = false;
    at_ = end_;
  }
  /// Steps over `size` bytes that the caller has looked at; size <= remaining().
  void advance(std::size_t size) noexcept { at_ += size; }

  std::uint64_t varint() noexcept {
    if (at_ != end_ && static_cast<unsigned char>(*at_) < 0x80)
      return static_cast<unsigned char>(*at_++);
    return long_varint();
  }
  /// A varint that must fit 32 bits.
  std::uint32_t small() noexcept {
    const auto v = varint();
    if (v > 0xffffffff) {
      fail();
      return 0;
    }
    return static_cast<std::uint32_t>(v);
  }
  std::uint32_t tag() noexcept {
    const auto v = small();
    if (v >> 3 == 0) fail();
    return ok_ ? v : 0;
  }
  std::uint64_t fixed64() noexcept {
    std::uint64_t v = 0;
    if (remaining() < sizeof v) {
      fail();
      return 0;
    }
    std::memcpy(&v, at_, sizeof v);
    at_ += sizeof v;
    return v;
  }
  std::string_view bytes() noexcept {
    const auto size = varint();
    if (size > remaining()) {
      fail();
      return {};
    }
    const std::string_view out(at_, static_cast<std::size_t>(size));
    at_ += size;
    return out;
  }
  /// Passes over the value of a field this release does not know.
  void skip(std::uint32_t tag) noexcept {
    switch (static_cast<wire_type>(tag & 7)) {
    case wire_type::varint: varint(); return;
    case wire_type::fixed64: fixed64(); return;
    case wire_type::bytes: bytes(); return;
    case wire_type::fixed32:
      if (remaining() < 4) return fail();
      at_ += 4;
      return;
    }
    fail();
  }

private:
  std::uint64_t long_varint() noexcept {
    std::uint64_t v = 0;
    for (unsigned shift = 0; shift < 64 && at_ != end_; shift += 7) {
      const auto byte = static_cast<unsigned char>(*at_++);
      v |= std::uint64_t{byte & 0x7fU} << shift;
      if (byte < 0x80) {
        if (shift == 63 && byte > 1) break; // more than 64 bits
        return v;
      }
    }
    fail();
    return 0;
  }
  const char* at_;
  const char* end_;
  bool ok_ = true;
};

} // namespace pollux::messages
