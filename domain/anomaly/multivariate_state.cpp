// SPDX-License-Identifier: Apache-2.0
#include "domain/anomaly/multivariate_state.hpp"
#include <algorithm>
#include <cmath>

namespace pollux::domain {

namespace {
constexpr double largest_score = 1e9;
} // namespace

double multivariate_state::deviation(std::size_t i) const noexcept {
  const double sd = learnt.deviation(i);
  // What did not vary has no measure of its own: it cannot say how unusual a change is.
  return sd > 1e-9 * std::fabs(learnt.mean(i)) ? (smoothed[i] - learnt.mean(i)) / sd : 0;
}

void multivariate_state::add(const multivariate_rule& rule, const double* row) {
  const double lambda = 2 / (rule.smoothing + 1.0);
  for (std::size_t i = 0; i < smoothed.size(); ++i)
    smoothed[i] = rows == 0 ? row[i] : smoothed[i] + lambda * (row[i] - smoothed[i]);
  score.reset();
  if (factor) {
    double z[most_dimensions], work[most_dimensions];
    for (std::size_t i = 0; i < smoothed.size(); ++i) z[i] = deviation(i);
    score = std::min(factor->squared_length(z, work) / static_cast<double>(smoothed.size()),
                     largest_score);
    return;
  }
  // The first averages lean on single readings: they pass by before learning begins.
  if (++rows > rule.smoothing) learnt.add(smoothed.data());
  if (learnt.count() == rule.learn) factor.emplace(learnt, rule.shrinkage);
}

void multivariate_state::begin_anew() {
  rows = 0;
  learnt = comoments(smoothed.size());
  factor.reset();
  score.reset();
  alerting_since_ns = no_time;
  alert = episode();
}

std::size_t multivariate_state::heap_bytes() const noexcept {
  return smoothed.capacity() * sizeof(double) + learnt.heap_bytes() +
         (factor ? factor->heap_bytes() : 0);
}

void multivariate_state::save(byte_writer& out) const {
  out.u32(rows);
  for (const double v : smoothed) out.f64(v);
  learnt.save(out);
  out.boolean(score.has_value());
  out.f64(score.value_or(0));
  out.i64(alerting_since_ns);
  alert.save(out);
}

bool multivariate_state::load(const multivariate_rule& rule, byte_reader& in) {
  rows = in.u32();
  for (auto& v : smoothed) {
    v = in.f64();
    if (!std::isfinite(v)) return false;
  }
  if (!learnt.load(in)) return false;
  const bool scored = in.boolean();
  const double value = in.f64();
  if (scored) score = value;
  alerting_since_ns = in.i64();
  alert.load(in);
  const auto passed = std::min(rows, rule.smoothing);
  if (!in.ok() || learnt.count() > rule.learn || rows - passed != learnt.count()) return false;
  if (learnt.count() == rule.learn) factor.emplace(learnt, rule.shrinkage);
  return !scored || factor.has_value();
}

} // namespace pollux::domain
