// SPDX-License-Identifier: Apache-2.0
// The hash chain over a twin's history: one link an input, over what the input says and not over
// the bytes of the block that holds it. So blocks can be joined, split anywhere and compressed
// anew, and every chain value behind them stays; an input changed, left out, added or moved
// changes all of them.
#pragma once
#include "domain/twin/input.hpp"
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace pollux::persistence {

/// SHA-256. All zeros: before a twin's first input.
using chain_value = std::array<std::uint8_t, 32>;

/// What a chain of version 2 starts from behind a block of version 1: that block's hash64, little-
/// endian, then zeros.
[[nodiscard]] chain_value chain_from_hash64(std::uint64_t hash) noexcept;
/// True for the start of a chain: nothing before, or blocks of version 1.
[[nodiscard]] bool is_chain_start(const chain_value& v) noexcept;
/// 64 lower-case hex digits.
[[nodiscard]] std::string to_hex(const chain_value& v);

/// Appends the canonical bytes of an input (docs/journal_format.md, "Hash chain").
void append_canonical(const domain::input& in, std::string& out);

class chain_hasher {
public:
  chain_hasher();
  ~chain_hasher();
  chain_hasher(chain_hasher&&) noexcept;
  chain_hasher& operator=(chain_hasher&&) noexcept;

  void begin(const chain_value& previous) noexcept { value_ = previous; }
  /// Cost: about 0.15 us for a reading of three values with SHA instructions.
  void add(const domain::input& in);
  /// The same for an input that is not readings, of which `encoded` is messages::encode_input().
  void add_encoded(const domain::input& in, std::string_view encoded);
  [[nodiscard]] const chain_value& end() const noexcept { return value_; }

private:
  void link();
  struct digest;
  std::unique_ptr<digest> digest_;
  std::string bytes_; ///< reused
  chain_value value_{};
};

} // namespace pollux::persistence
