// SPDX-License-Identifier: Apache-2.0
// How often each value occurred, in at most 512 steps: exact while no more values occurred, in
// steps that double in width as often as needed beyond. The width depends on which values occurred
// and on nothing else, so the same readings in any order, or merged from any parts, give the same
// bits.
#pragma once
#include "domain/base/bytes.hpp"
#include <cstddef>
#include <cstdint>
#include <vector>

namespace pollux::domain {

class value_sketch {
public:
  static constexpr std::size_t max_steps = 512;

  /// `value` must be finite. Cost: a binary search, and a move of at most 8 KiB for a new step.
  void add(double value);
  void merge(const value_sketch& other);
  /// The smallest value that at least `permille` / 1000 of the readings do not exceed (nearest
  /// rank). Exact up to 512 values; beyond, the middle of its step, held within [least, greatest]:
  /// off by at most 2^-10 of the value, times the number of powers of two that the values span,
  /// rounded up to a power of two. 0 when empty. Cost: one pass over the steps.
  [[nodiscard]] double quantile(unsigned permille, double least, double greatest) const noexcept;
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  /// Each step holds 2^level neighbouring doubles; 0: exact.
  [[nodiscard]] unsigned level() const noexcept { return level_; }
  void clear() noexcept;

  [[nodiscard]] std::size_t heap_bytes() const noexcept { return steps_.capacity() * sizeof(step); }
  void save(byte_writer& out) const;
  [[nodiscard]] bool load(byte_reader& in); ///< false on damage

private:
  struct step {
    std::uint64_t key; ///< the ordered bits of the double, without the lowest level_ of them
    std::uint64_t count;
  };
  void widen();
  void grow();
  std::vector<step> steps_; ///< ascending
  std::uint64_t count_ = 0;
  unsigned level_ = 0;
};

} // namespace pollux::domain
