// SPDX-License-Identifier: Apache-2.0
// The bounds are whole nanoseconds divided once, so each is the double nearest to it and prints
// short. The bucket is read off the exponent and the top three bits of the mantissa; rounding may
// miss by one, which a comparison with the bounds puts right.
#include "messages/observability/histogram.hpp"
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace pollux::messages {

namespace {

constexpr std::array<double, histogram::buckets> make_bounds() {
  std::array<double, histogram::buckets> out{};
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto eighths = (histogram::per_octave + i % histogram::per_octave)
                         << (i / histogram::per_octave);
    out[i] = static_cast<double>(eighths * 125) / 1e9;
  }
  return out;
}
constexpr auto bounds = make_bounds();

std::uint64_t to_ns(double seconds) noexcept {
  constexpr double most = 9e18; // below 2^63: a wild value must not wrap the sum
  const double ns = seconds * 1e9;
  return ns > 0 ? static_cast<std::uint64_t>(std::min(ns, most)) : 0; // NaN and negatives add none
}

std::size_t bucket_of(double seconds) noexcept {
  if (seconds <= bounds.front()) return 0;
  if (!(seconds <= bounds.back())) return histogram::buckets;
  const auto bits = std::bit_cast<std::uint64_t>(seconds * 1e6);
  constexpr std::uint64_t exponent_of_one = 1023u * histogram::per_octave;
  const auto eighth = bits >> 49; // exponent and three bits
  auto bucket = eighth < exponent_of_one ? 0 : static_cast<std::size_t>(eighth - exponent_of_one);
  bucket = std::min(bucket, histogram::buckets - 1);
  while (bucket > 0 && seconds <= bounds[bucket - 1]) --bucket;
  while (seconds > bounds[bucket]) ++bucket;
  return bucket;
}

} // namespace

void histogram::observe(double seconds) noexcept {
  counts_[bucket_of(seconds)].fetch_add(1, std::memory_order_relaxed);
  sum_ns_.fetch_add(to_ns(seconds), std::memory_order_relaxed);
}

double histogram::bound(std::size_t bucket) noexcept {
  return bucket < buckets ? bounds[bucket] : HUGE_VAL;
}

std::uint64_t histogram::count_below(std::size_t bucket) const noexcept {
  return bucket <= buckets ? counts_[bucket].load(std::memory_order_relaxed) : 0;
}

std::uint64_t histogram::count() const noexcept {
  std::uint64_t sum = 0;
  for (const auto& c : counts_) sum += c.load(std::memory_order_relaxed);
  return sum;
}

double histogram::sum() const noexcept {
  return static_cast<double>(sum_ns_.load(std::memory_order_relaxed)) * 1e-9;
}

histogram::counts histogram::all() const noexcept {
  counts out;
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = counts_[i].load(std::memory_order_relaxed);
  return out;
}

double histogram::quantile(const counts& of, double q) noexcept {
  std::uint64_t total = 0;
  for (const auto c : of) total += c;
  if (total == 0) return std::numeric_limits<double>::quiet_NaN();
  const double rank = std::clamp(q, 0.0, 1.0) * static_cast<double>(total);
  double below = 0;
  for (std::size_t i = 0; i < buckets; ++i) {
    const auto here = static_cast<double>(of[i]);
    if (here > 0 && below + here >= rank) {
      const double lower = i == 0 ? 0 : bounds[i - 1];
      return lower + (bounds[i] - lower) * (rank - below) / here;
    }
    below += here;
  }
  return bounds.back();
}

void histogram::turn() {
  const auto now = all();
  const std::lock_guard lock(slices_mutex_);
  before_ = begun_;
  begun_ = now;
}

histogram::counts histogram::recent() const {
  auto out = all();
  const std::lock_guard lock(slices_mutex_);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] -= std::min(out[i], before_[i]);
  return out;
}

} // namespace pollux::messages
