// SPDX-License-Identifier: Apache-2.0
#include "domain/anomaly/reference.hpp"
#include <algorithm>
#include <cmath>

namespace pollux::domain {

void comoments::add(const double* row) noexcept {
  const double n = ++count_;
  double before[most_dimensions]; // deviations from the old mean
  for (std::size_t i = 0; i < dimensions(); ++i) {
    before[i] = row[i] - mean_[i];
    mean_[i] += before[i] / n;
  }
  std::size_t at = 0;
  for (std::size_t i = 0; i < dimensions(); ++i)
    for (std::size_t j = 0; j <= i; ++j) sums_[at++] += before[i] * (row[j] - mean_[j]);
}

double comoments::deviation(std::size_t i) const noexcept {
  return count_ == 0 ? 0 : std::sqrt(std::max(0.0, sum(i, i) / count_));
}

// What did not vary goes together with nothing.
double comoments::correlation(std::size_t i, std::size_t j) const noexcept {
  if (i == j) return 1;
  const double scale = std::sqrt(sum(i, i)) * std::sqrt(sum(j, j));
  return scale > 0 ? std::clamp(sum(i, j) / scale, -1.0, 1.0) : 0;
}

std::size_t comoments::heap_bytes() const noexcept {
  return (mean_.capacity() + sums_.capacity()) * sizeof(double);
}

void comoments::save(byte_writer& out) const {
  out.u32(count_);
  for (const double v : mean_) out.f64(v);
  for (const double v : sums_) out.f64(v);
}

bool comoments::load(byte_reader& in) {
  count_ = in.u32();
  for (auto& v : mean_) v = in.f64();
  for (auto& v : sums_) v = in.f64();
  const auto finite = [](double v) { return std::isfinite(v); };
  if (!in.ok() || !std::all_of(mean_.begin(), mean_.end(), finite) ||
      !std::all_of(sums_.begin(), sums_.end(), finite))
    return false;
  for (std::size_t i = 0; i < dimensions(); ++i)
    if (sum(i, i) < 0) return false;
  return true;
}

cholesky::cholesky(const comoments& learnt, double shrinkage) : dimensions_(learnt.dimensions()) {
  factor_.resize(dimensions_ * (dimensions_ + 1) / 2);
  const auto row = [&](std::size_t i) { return factor_.data() + i * (i + 1) / 2; };
  for (std::size_t i = 0; i < dimensions_; ++i)
    for (std::size_t j = 0; j <= i; ++j) {
      double rest = i == j ? 1 : (1 - shrinkage) * learnt.correlation(i, j);
      for (std::size_t k = 0; k < j; ++k) rest -= row(i)[k] * row(j)[k];
      // The smallest pivot of a positive definite matrix with a unit diagonal is at least the
      // smallest eigenvalue, which shrinkage keeps from 0; rounding must not undo that.
      row(i)[j] = i == j ? std::sqrt(std::max(rest, 0.5 * shrinkage)) : rest / row(j)[j];
    }
}

double cholesky::squared_length(const double* z, double* work) const noexcept {
  double sum = 0;
  const double* row = factor_.data();
  for (std::size_t i = 0; i < dimensions_; row += ++i) {
    double rest = z[i];
    for (std::size_t k = 0; k < i; ++k) rest -= row[k] * work[k];
    work[i] = rest / row[i];
    sum += work[i] * work[i];
  }
  return sum;
}

} // namespace pollux::domain
