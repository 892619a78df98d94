// SPDX-License-Identifier: Apache-2.0
#include "domain/alert/sorted_sample.hpp"
#include <algorithm>
#include <cmath>

namespace pollux::domain {
namespace {

constexpr std::uint32_t max_level = 40;

// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): even spaced times lose their pattern.
std::uint64_t mixed(std::int64_t t) noexcept {
  auto x = static_cast<std::uint64_t>(t) + 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

} // namespace

bool sorted_sample::belongs(std::int64_t t) const noexcept {
  return (mixed(t) & ((std::uint64_t{1} << level_) - 1)) == 0;
}

void sorted_sample::add(std::int64_t t, double value) {
  // Few are left of a time with many: from here on more stay again.
  if (level_ > 0 && size() < bound_ / 4) --level_;
  if (!belongs(t)) return;
  value += 0.0; // -0 becomes 0: the two sort as equal, but are not the same bytes
  entries_.push_back({t, value});
  sorted_.insert(std::upper_bound(sorted_.begin(), sorted_.end(), value), value);
  while (size() > bound_ && level_ < max_level) thin_out();
}

void sorted_sample::thin_out() {
  ++level_;
  entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(head_));
  head_ = 0;
  std::erase_if(entries_, [&](const entry& e) { return !belongs(e.t); });
  sorted_.clear();
  for (const auto& e : entries_) sorted_.push_back(e.value);
  std::sort(sorted_.begin(), sorted_.end());
}

void sorted_sample::forget(double value) {
  sorted_.erase(std::lower_bound(sorted_.begin(), sorted_.end(), value));
}

void sorted_sample::expire(std::int64_t t) {
  for (; head_ < entries_.size() && entries_[head_].t <= t; ++head_) forget(entries_[head_].value);
  // Moved together when half of the room is behind: amortised one move a reading.
  if (head_ > 16 && head_ * 2 > entries_.size()) compact();
}

void sorted_sample::compact() {
  entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(head_));
  head_ = 0;
}

double sorted_sample::median() const noexcept {
  const std::size_t n = sorted_.size();
  const double upper = sorted_[n / 2];
  return n % 2 == 1 ? upper : (sorted_[n / 2 - 1] + upper) / 2;
}

// The k values nearest to the centre stand side by side: their first is found by halving.
double sorted_sample::nearest(std::size_t k, double centre) const noexcept {
  std::size_t low = 0, high = sorted_.size() - k;
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (centre - sorted_[middle] > sorted_[middle + k] - centre)
      low = middle + 1;
    else
      high = middle;
  }
  return std::max(std::fabs(centre - sorted_[low]), std::fabs(sorted_[low + k - 1] - centre));
}

double sorted_sample::deviation(double centre) const noexcept {
  const std::size_t n = sorted_.size();
  const double upper = nearest(n / 2 + 1, centre);
  return n % 2 == 1 ? upper : (nearest(n / 2, centre) + upper) / 2;
}

std::int64_t sorted_sample::oldest_ns() const noexcept { return entries_[head_].t; }

void sorted_sample::save(byte_writer& out) const {
  out.u8(static_cast<std::uint8_t>(level_));
  out.u32(static_cast<std::uint32_t>(size()));
  for (std::size_t i = head_; i < entries_.size(); ++i) {
    out.i64(entries_[i].t);
    out.f64(entries_[i].value);
  }
}

bool sorted_sample::load(byte_reader& in) {
  level_ = in.u8();
  const std::size_t count = in.u32();
  // One more than the bound can stay when even the last level thins out no further.
  if (!in.ok() || level_ > max_level || count > bound_ || count * sizeof(entry) > in.remaining())
    return false;
  for (std::size_t i = 0; i < count; ++i) {
    const entry e{in.i64(), in.f64()};
    if (!std::isfinite(e.value) || (i > 0 && e.t <= entries_.back().t)) return false;
    entries_.push_back(e);
    sorted_.push_back(e.value);
  }
  std::sort(sorted_.begin(), sorted_.end());
  return true;
}

std::size_t sorted_sample::heap_bytes() const noexcept {
  return entries_.capacity() * sizeof(entry) + sorted_.capacity() * sizeof(double);
}

} // namespace pollux::domain
