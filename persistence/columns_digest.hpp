// SPDX-License-Identifier: Apache-2.0
// A number over what inputs say, taken from their columns: equal for equal inputs in equal order,
// however blocks divide them and whatever order their dictionaries have. A tier move compares what
// it read with what it wrote by it. It finds mistakes and damage, not somebody who edits: against
// those is the hash chain.
#pragma once
#include "persistence/input_columns.hpp"
#include <cstdint>
#include <utility>
#include <vector>

namespace pollux::persistence {

class columns_digest {
public:
  /// Goes on with inputs `from` to `to` (not that one) of decoded columns. Cost: about a
  /// nanosecond a number.
  void add(const input_columns& decoded, std::size_t from, std::size_t to);
  [[nodiscard]] std::uint64_t value() const noexcept { return sum_; }

private:
  [[nodiscard]] std::uint64_t& place_in(std::uint64_t column);
  void add_values(const input_columns& decoded, const input_columns::span& s);

  std::uint64_t sum_ = 0;
  std::uint64_t inputs_ = 0, with_readings_ = 0, readings_ = 0;  ///< added so far
  std::vector<std::pair<std::uint64_t, std::uint64_t>> columns_; ///< which, values added so far
};

} // namespace pollux::persistence
