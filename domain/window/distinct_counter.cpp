// SPDX-License-Identifier: Apache-2.0
#include "domain/window/distinct_counter.hpp"
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace pollux::domain {
namespace {

constexpr unsigned index_bits = 11;
constexpr unsigned top_rank = 64 - index_bits + 1; // 54: no bit set after the index

/// The sum over all values of x^(2^k) 2^(k-1): registers that are still zero.
double sigma(double x) noexcept {
  double y = 1, z = x, before = 0;
  do {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  } while (z != before);
  return z;
}

/// The counterpart for registers that are full.
double tau(double x) noexcept {
  if (x == 0 || x == 1) return 0;
  double y = 1, z = 1 - x, before = 0;
  do {
    x = std::sqrt(x);
    before = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
  } while (z != before);
  return z / 3;
}

} // namespace

std::uint64_t mixed(std::uint64_t bits) noexcept {
  bits += 0x9e3779b97f4a7c15U;
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9U;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebU;
  return bits ^ (bits >> 31);
}

void distinct_counter::add(double value) {
  insert(mixed(std::bit_cast<std::uint64_t>(value + 0.0))); // -0 counts as 0
}

void distinct_counter::insert(std::uint64_t hash) {
  if (!ranks_.empty()) {
    count_in_registers(hash);
    return;
  }
  const auto place = std::lower_bound(exact_.begin(), exact_.end(), hash);
  if (place != exact_.end() && *place == hash) return;
  if (exact_.size() < max_exact) {
    exact_.insert(place, hash);
    return;
  }
  ranks_.assign(registers, 0);
  for (const auto h : exact_) count_in_registers(h);
  count_in_registers(hash);
  exact_ = std::vector<std::uint64_t>(); // gives its memory back
}

void distinct_counter::count_in_registers(std::uint64_t hash) noexcept {
  const auto index = hash >> (64 - index_bits);
  const std::uint64_t rest = hash << index_bits;
  const auto rank = rest == 0 ? top_rank : static_cast<unsigned>(std::countl_zero(rest)) + 1;
  ranks_[index] = std::max(ranks_[index], static_cast<std::uint8_t>(rank));
}

void distinct_counter::merge(const distinct_counter& other) {
  if (other.ranks_.empty()) {
    for (const auto h : other.exact_) insert(h);
    return;
  }
  if (ranks_.empty()) {
    ranks_.assign(registers, 0);
    for (const auto h : exact_) count_in_registers(h);
    exact_ = std::vector<std::uint64_t>(); // gives its memory back
  }
  for (std::size_t i = 0; i < registers; ++i) ranks_[i] = std::max(ranks_[i], other.ranks_[i]);
}

double distinct_counter::estimate() const noexcept {
  if (ranks_.empty()) return static_cast<double>(exact_.size());
  std::array<std::uint32_t, top_rank + 1> how_many{};
  for (const auto r : ranks_) ++how_many[r];
  constexpr double m = registers;
  double z = m * tau(1 - how_many[top_rank] / m);
  for (unsigned k = top_rank - 1; k >= 1; --k) z = 0.5 * (z + how_many[k]);
  z += m * sigma(how_many[0] / m); // never all zero: more than 512 values are in
  constexpr double half_over_ln2 = 0.72134752044448170368;
  return std::floor(half_over_ln2 * m * m / z + 0.5);
}

void distinct_counter::clear() noexcept {
  exact_.clear();
  ranks_.clear();
}

void distinct_counter::save(byte_writer& out) const {
  out.boolean(!ranks_.empty());
  if (ranks_.empty()) {
    out.u16(static_cast<std::uint16_t>(exact_.size()));
    for (const auto h : exact_) out.u64(h);
  }
  for (const auto r : ranks_) out.u8(r);
}

bool distinct_counter::load(byte_reader& in) {
  clear();
  bool good = true;
  if (in.boolean()) {
    good = in.remaining() >= registers;
    if (good) ranks_.resize(registers);
    for (auto& r : ranks_) {
      r = in.u8();
      good = good && r <= top_rank;
    }
  } else {
    const std::size_t size = in.u16();
    good = in.ok() && size <= max_exact && size * 8 <= in.remaining();
    for (std::size_t i = 0; good && i < size; ++i) {
      const auto h = in.u64();
      good = i == 0 || h > exact_.back();
      exact_.push_back(h);
    }
  }
  if (good && in.ok()) return true;
  clear();
  in.fail();
  return false;
}

} // namespace pollux::domain
