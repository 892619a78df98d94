// SPDX-License-Identifier: Apache-2.0
#include "domain/alert/limit_moments.hpp"
#include <cmath>

namespace pollux::domain {

void running_moments::merge(const running_moments& other) noexcept {
  if (!(other.weight > 0)) return;
  if (!(weight > 0)) {
    *this = other;
    return;
  }
  const double total = weight + other.weight;
  const double off = other.mean - mean;
  mean += off * (other.weight / total);
  m2 += other.m2 + off * off * (weight * other.weight / total);
  weight = total;
}

double running_moments::sample_sd() const noexcept {
  return weight > 1 ? std::sqrt(m2 / (weight - 1)) : 0;
}

void running_moments::save(byte_writer& out) const {
  for (const double v : {weight, mean, m2}) out.f64(v);
}

bool running_moments::load(byte_reader& in) {
  weight = in.f64();
  mean = in.f64();
  m2 = in.f64();
  return in.ok() && weight >= 0 && std::isfinite(weight);
}

} // namespace pollux::domain
