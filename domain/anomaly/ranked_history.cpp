// SPDX-License-Identifier: Apache-2.0
#include "domain/anomaly/ranked_history.hpp"
#include <algorithm>

namespace pollux::domain {

namespace {
bool finite(double v) { return v - v == 0; }
} // namespace

void ranked_history::add(double value) {
  if (!finite(value)) return;
  if (ring_.size() < most_) {
    if (ring_.size() == ring_.capacity()) { // to the bound and not beyond
      ring_.reserve(std::min(2 * ring_.size() + 64, most_));
      ranked_.reserve(ring_.capacity());
    }
    ring_.push_back(value);
  } else {
    ranked_.erase(std::lower_bound(ranked_.begin(), ranked_.end(), ring_[oldest_]));
    ring_[oldest_] = value;
    oldest_ = oldest_ + 1 == most_ ? 0 : oldest_ + 1;
  }
  ranked_.insert(std::upper_bound(ranked_.begin(), ranked_.end(), value), value);
}

double ranked_history::quantile(double share) const noexcept {
  if (ranked_.empty()) return 0;
  const auto rank = static_cast<std::size_t>(share * static_cast<double>(ranked_.size()));
  return ranked_[std::min(rank, ranked_.size() - 1)];
}

std::size_t ranked_history::heap_bytes() const noexcept {
  return (ring_.capacity() + ranked_.capacity()) * sizeof(double);
}

void ranked_history::save(byte_writer& out) const {
  out.u32(static_cast<std::uint32_t>(ring_.size()));
  for (std::size_t i = 0; i < ring_.size(); ++i) out.f64(ring_[(oldest_ + i) % ring_.size()]);
}

bool ranked_history::load(byte_reader& in) {
  const std::size_t size = in.u32();
  if (size > most_ || size > in.remaining() / sizeof(double)) return false;
  oldest_ = 0;
  ring_.resize(size);
  for (auto& v : ring_) v = in.f64();
  if (!in.ok() || !std::all_of(ring_.begin(), ring_.end(), finite)) return false;
  ranked_ = ring_;
  std::sort(ranked_.begin(), ranked_.end());
  return true;
}

} // namespace pollux::domain
