// SPDX-License-Identifier: Apache-2.0
#include "domain/window/sorted_values.hpp"
#include <algorithm>

namespace pollux::domain {

std::uint64_t rank_of(std::uint64_t count, unsigned permille) noexcept {
  const std::uint64_t rank = count / 1000 * permille + (count % 1000 * permille + 999) / 1000;
  return std::max<std::uint64_t>(1, rank);
}

void sorted_values::look_at(const series& readings, std::int64_t from_ns, std::int64_t to_ns) {
  if (valid_ && from_ns == from_ns_ && to_ns == to_ns_ &&
      values_.size() == readings.count(from_ns, to_ns))
    return;
  values_.clear();
  readings.each(from_ns, to_ns, [&](std::int64_t, double v) { values_.push_back(v + 0.0); });
  std::sort(values_.begin(), values_.end());
  distinct_ = 0;
  for (std::size_t i = 0; i < values_.size(); ++i)
    distinct_ += i == 0 || values_[i] != values_[i - 1] ? 1 : 0;
  from_ns_ = from_ns;
  to_ns_ = to_ns;
  valid_ = true;
}

void sorted_values::let_go(const series& readings, std::int64_t from_ns) {
  if (!valid_ || from_ns <= from_ns_) return;
  readings.each(from_ns_, std::min(from_ns, to_ns_), [&](std::int64_t, double v) {
    const auto place = std::lower_bound(values_.begin(), values_.end(), v);
    if (place == values_.end() || *place != v) {
      valid_ = false;
      return;
    }
    const bool twin_after = place + 1 != values_.end() && *(place + 1) == v;
    distinct_ -= twin_after ? 0 : 1;
    values_.erase(place);
  });
  from_ns_ = from_ns;
}

void sorted_values::take(std::int64_t time_ns, double value) {
  if (!valid_) return;
  value += 0.0; // -0 counts as 0
  const auto place = std::lower_bound(values_.begin(), values_.end(), value);
  distinct_ += place != values_.end() && *place == value ? 0 : 1;
  values_.insert(place, value);
  to_ns_ = time_ns;
}

double sorted_values::quantile(unsigned permille) const noexcept {
  return values_[static_cast<std::size_t>(rank_of(values_.size(), permille)) - 1];
}

} // namespace pollux::domain
