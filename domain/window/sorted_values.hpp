// SPDX-License-Identifier: Apache-2.0
// Numbers in ascending order, so that a quantile is one look, in runs of a few hundred: adding or
// taking away one moves at most 4 KB.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace pollux::domain {

class sorted_values {
public:
  /// Exactly these numbers, in any order; the vector is sorted. -0 counts as 0.
  void assign(std::vector<double>& values);
  void add(double value);
  /// False when it is not among them.
  bool remove(double value);

  /// The smallest value that at least permille / 1000 of all do not exceed; there must be one.
  [[nodiscard]] double quantile(unsigned permille) const noexcept;
  [[nodiscard]] std::size_t distinct() const noexcept { return distinct_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t heap_bytes() const noexcept;

private:
  using run = std::vector<double>;
  [[nodiscard]] std::size_t run_of(double value) const noexcept;
  void split(std::size_t index);
  void drop_run(std::size_t index);
  std::vector<run> runs_;  ///< none empty
  std::vector<run> spare_; ///< memory to use again
  std::size_t size_ = 0;
  std::size_t distinct_ = 0;
};

/// How many of `count` readings a quantile may leave at or below it: at least 1, for count > 0.
[[nodiscard]] std::uint64_t rank_of(std::uint64_t count, unsigned permille) noexcept;

} // namespace pollux::domain
