// SPDX-License-Identifier: Apache-2.0
// Mean and deviation of readings that are not kept: what a baseline of its own making is made of.
#pragma once
#include "domain/base/bytes.hpp"

namespace pollux::domain {

/// Mean and squared deviations, one reading at a time (Welford 1962), with weights (West 1979).
struct running_moments {
  double weight = 0;
  double mean = 0;
  double m2 = 0;
  void add(double x) noexcept {
    weight += 1;
    const double off = x - mean;
    mean += off / weight;
    m2 += off * (x - mean);
  }
  /// Everything so far counts `factor` as much, 0 to 1.
  void fade(double factor) noexcept {
    weight *= factor;
    m2 *= factor;
  }
  void merge(const running_moments& other) noexcept; ///< Chan et al. 1979
  [[nodiscard]] double sample_sd() const noexcept;   ///< 0 up to a weight of 1
  void save(byte_writer& out) const;
  /// False on damage.
  [[nodiscard]] bool load(byte_reader& in);
};

} // namespace pollux::domain
