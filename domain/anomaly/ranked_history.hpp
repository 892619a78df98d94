// SPDX-License-Identifier: Apache-2.0
// The last so many numbers and their order statistics: what has been usual lately.
#pragma once
#include "domain/base/bytes.hpp"
#include <cstddef>
#include <vector>

namespace pollux::domain {

class ranked_history {
public:
  /// Keeps the newest `most` numbers (at least 1). Memory: 16 bytes a number; grows with them.
  explicit ranked_history(std::size_t most) : most_(most) {}

  /// A finite number. Cost: O(log n) compares and the move of up to 8 n bytes.
  void add(double value);
  [[nodiscard]] std::size_t size() const noexcept { return ranked_.size(); }
  /// The number at rank floor(share * n), from 0, the last one for share 1; 0 while empty. O(1).
  [[nodiscard]] double quantile(double share) const noexcept;
  [[nodiscard]] std::size_t heap_bytes() const noexcept;

  void save(byte_writer& out) const; ///< the numbers, oldest first
  [[nodiscard]] bool load(byte_reader& in);

private:
  std::size_t most_;
  std::size_t oldest_ = 0;     // in ring_, once it is full
  std::vector<double> ring_;   // in order of arrival
  std::vector<double> ranked_; // the same in ascending order
};

} // namespace pollux::domain
