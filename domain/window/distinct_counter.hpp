// SPDX-License-Identifier: Apache-2.0
// How many different values occurred: exact up to 512, beyond it from 2,048 small registers
// (Flajolet et al. 2007, estimated after Ertl 2017). Any order and any parts give the same bits.
#pragma once
#include "domain/base/bytes.hpp"
#include <cstddef>
#include <cstdint>
#include <vector>

namespace pollux::domain {

class distinct_counter {
public:
  static constexpr std::size_t max_exact = 512;
  static constexpr std::size_t registers = 2048;

  void add(double value);
  void merge(const distinct_counter& other);
  /// Exact up to 512; beyond, a standard error of 2.3 %.
  [[nodiscard]] double estimate() const noexcept;
  void clear() noexcept;

  [[nodiscard]] std::size_t heap_bytes() const noexcept {
    return exact_.capacity() * sizeof(std::uint64_t) + ranks_.capacity();
  }
  void save(byte_writer& out) const;
  [[nodiscard]] bool load(byte_reader& in); ///< false on damage

private:
  void insert(std::uint64_t hash);
  void count_in_registers(std::uint64_t hash) noexcept;
  std::vector<std::uint64_t> exact_; ///< hashes, ascending; empty once registers count
  std::vector<std::uint8_t> ranks_;  ///< empty while exact
};

/// A one-to-one mixing of 64 bits: neighbours end up far apart.
[[nodiscard]] std::uint64_t mixed(std::uint64_t bits) noexcept;

} // namespace pollux::domain
