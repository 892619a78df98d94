// SPDX-License-Identifier: Apache-2.0
// What a machine's telemetry looked like together while it was learnt: means, standard deviations,
// correlations. How far a row lies from that, in the measure of how they usually go together.
#pragma once
#include "domain/base/bytes.hpp"
#include <cstddef>
#include <vector>

namespace pollux::domain {

inline constexpr std::size_t most_dimensions = 32;

/// A running mean and co-moments, added row by row (Welford 1962, in its form for pairs).
class comoments {
public:
  explicit comoments(std::size_t dimensions)
      : mean_(dimensions, 0), sums_(dimensions * (dimensions + 1) / 2, 0) {}
  void add(const double* row) noexcept;
  [[nodiscard]] std::uint32_t count() const noexcept { return count_; }
  [[nodiscard]] std::size_t dimensions() const noexcept { return mean_.size(); }
  [[nodiscard]] double mean(std::size_t i) const noexcept { return mean_[i]; }
  [[nodiscard]] double deviation(std::size_t i) const noexcept; ///< sqrt(sum / n)
  [[nodiscard]] double correlation(std::size_t i, std::size_t j) const noexcept;
  [[nodiscard]] std::size_t heap_bytes() const noexcept;
  void save(byte_writer& out) const;
  [[nodiscard]] bool load(byte_reader& in);

private:
  [[nodiscard]] double sum(std::size_t i, std::size_t j) const noexcept {
    return i < j ? sums_[j * (j + 1) / 2 + i] : sums_[i * (i + 1) / 2 + j];
  }
  std::uint32_t count_ = 0;
  std::vector<double> mean_;
  std::vector<double> sums_; // of products of deviations: the lower triangle, row by row
};

/// The lower Cholesky factor of (1 - shrinkage) R + shrinkage I, R the correlations: positive
/// definite for shrinkage > 0 whatever was learnt (Ledoit and Wolf 2004 for why to shrink).
class cholesky {
public:
  cholesky(const comoments& learnt, double shrinkage);
  /// |L^-1 z|^2 for z of the same dimensions; `work` has as many places. Cost: O(dimensions^2).
  [[nodiscard]] double squared_length(const double* z, double* work) const noexcept;
  [[nodiscard]] std::size_t heap_bytes() const noexcept {
    return factor_.capacity() * sizeof(double);
  }

private:
  std::size_t dimensions_;
  std::vector<double> factor_; // the lower triangle, row by row
};

} // namespace pollux::domain
