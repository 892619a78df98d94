// SPDX-License-Identifier: Apache-2.0
// Keys of both databases: a table letter, then big-endian numbers, so that LevelDB's byte order is
// journal order (docs/journal_format.md).
#pragma once
#include "domain/twin/effect.hpp"
#include "domain/twin/input.hpp"
#include <cstdint>
#include <string>
#include <string_view>

namespace pollux::persistence {

/// Builds a key in a reused string.
class key_writer {
public:
  explicit key_writer(std::string& out, char table) : out_(out) { out_.assign(1, table); }
  key_writer& u16(std::uint32_t v) { return big_endian<2>(v); }
  key_writer& u32(std::uint32_t v) { return big_endian<4>(v); }
  key_writer& u64(std::uint64_t v) { return big_endian<8>(v); }
  key_writer& input(const domain::input_id& id) { return u64(id.at.value).u32(id.index); }
  key_writer& effect(const domain::effect_id& id) { return input(id.cause).u32(id.ordinal); }
  key_writer& text(std::string_view v) {
    out_.append(v);
    return *this;
  }

private:
  template <int Bytes> key_writer& big_endian(std::uint64_t v) {
    char raw[Bytes];
    for (int i = 0; i < Bytes; ++i) raw[i] = static_cast<char>(v >> (8 * (Bytes - 1 - i)));
    out_.append(raw, Bytes);
    return *this;
  }
  std::string& out_;
};

/// Takes a key apart. Past the end every read gives zero and ok() is false.
class key_reader {
public:
  explicit key_reader(std::string_view key) : rest_(key) {}
  std::uint32_t u16() { return static_cast<std::uint32_t>(big_endian(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(big_endian(4)); }
  std::uint64_t u64() { return big_endian(8); }
  domain::input_id input() {
    domain::input_id id;
    id.at.value = u64();
    id.index = u32();
    return id;
  }
  void skip(std::size_t bytes) { (void)big_endian(bytes); }
  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] std::string_view rest() const noexcept { return rest_; }

private:
  std::uint64_t big_endian(std::size_t bytes) {
    if (rest_.size() < bytes) {
      ok_ = false;
      rest_ = {};
      return 0;
    }
    std::uint64_t v = 0;
    for (std::size_t i = 0; i < bytes; ++i) v = v << 8 | static_cast<unsigned char>(rest_[i]);
    rest_.remove_prefix(bytes);
    return v;
  }
  std::string_view rest_;
  bool ok_ = true;
};

} // namespace pollux::persistence
