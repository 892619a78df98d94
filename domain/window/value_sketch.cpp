// SPDX-License-Identifier: Apache-2.0
// The level is the smallest at which the values fill at most max_steps steps. More values never
// fill fewer steps, so a part of a content never needs a higher level than the whole: widening only
// when needed, in any order, ends at the same level.
#include "domain/window/value_sketch.hpp"
#include "domain/window/sorted_values.hpp"
#include <algorithm>
#include <bit>

namespace pollux::domain {
namespace {

constexpr std::uint64_t sign = std::uint64_t{1} << 63;

/// Integers in the order of the doubles.
std::uint64_t key_of(double value) noexcept {
  const auto bits = std::bit_cast<std::uint64_t>(value + 0.0); // -0 counts as 0
  return (bits & sign) != 0 ? ~bits : bits | sign;
}

double value_of(std::uint64_t key) noexcept {
  return std::bit_cast<double>((key & sign) != 0 ? key & ~sign : ~key);
}

} // namespace

void value_sketch::add(double value) {
  const std::uint64_t key = key_of(value) >> level_;
  const auto place = std::lower_bound(steps_.begin(), steps_.end(), key,
                                      [](const step& s, std::uint64_t k) { return s.key < k; });
  ++count_;
  if (place != steps_.end() && place->key == key) {
    ++place->count;
    return;
  }
  const auto index = place - steps_.begin();
  grow();
  steps_.insert(steps_.begin() + index, {key, 1});
  while (steps_.size() > max_steps) widen();
}

/// Room for one more, in small parts while small: most windows hold few readings.
void value_sketch::grow() {
  if (steps_.size() < steps_.capacity()) return;
  steps_.reserve(
      std::min(max_steps + 1, steps_.size() + std::max<std::size_t>(8, steps_.size() / 2)));
}

void value_sketch::widen() {
  ++level_;
  std::size_t kept = 0;
  for (const auto& s : steps_) {
    const step wide{s.key >> 1, s.count};
    if (kept != 0 && steps_[kept - 1].key == wide.key)
      steps_[kept - 1].count += wide.count;
    else
      steps_[kept++] = wide;
  }
  steps_.resize(kept);
}

void value_sketch::merge(const value_sketch& other) {
  while (level_ < other.level_) widen();
  const unsigned shift = level_ - other.level_;
  std::vector<step> both;
  both.reserve(steps_.size() + other.steps_.size());
  auto mine = steps_.begin();
  const auto put = [&](std::uint64_t key, std::uint64_t count) {
    if (!both.empty() && both.back().key == key)
      both.back().count += count;
    else
      both.push_back({key, count});
  };
  for (const auto& theirs : other.steps_) {
    const std::uint64_t key = theirs.key >> shift;
    for (; mine != steps_.end() && mine->key <= key; ++mine) put(mine->key, mine->count);
    put(key, theirs.count);
  }
  for (; mine != steps_.end(); ++mine) put(mine->key, mine->count);
  steps_ = std::move(both);
  count_ += other.count_;
  while (steps_.size() > max_steps) widen();
}

double value_sketch::quantile(unsigned permille, double least, double greatest) const noexcept {
  if (count_ == 0) return 0;
  const std::uint64_t rank = rank_of(count_, permille);
  std::uint64_t below = 0;
  std::uint64_t key = steps_.back().key;
  for (const auto& s : steps_) {
    below += s.count;
    if (below < rank) continue;
    key = s.key;
    break;
  }
  if (level_ == 0) return value_of(key);
  const std::uint64_t middle = (key << level_) + (std::uint64_t{1} << (level_ - 1));
  return value_of(std::clamp(middle, key_of(least), key_of(greatest)));
}

void value_sketch::clear() noexcept {
  steps_.clear();
  count_ = 0;
  level_ = 0;
}

void value_sketch::save(byte_writer& out) const {
  out.u8(static_cast<std::uint8_t>(level_));
  out.u16(static_cast<std::uint16_t>(steps_.size()));
  for (const auto& s : steps_) {
    out.u64(s.key);
    out.u64(s.count);
  }
}

bool value_sketch::load(byte_reader& in) {
  clear();
  level_ = in.u8();
  const std::size_t size = in.u16();
  bool good = in.ok() && level_ < 64 && size <= max_steps && size * 16 <= in.remaining();
  if (good) {
    steps_.reserve(size);
    for (std::size_t i = 0; i < size; ++i) {
      const step s{in.u64(), in.u64()};
      good = good && s.count != 0 && (s.key >> (63 - level_)) <= 1 &&
             (i == 0 || s.key > steps_.back().key);
      steps_.push_back(s);
      count_ += s.count;
    }
  }
  if (good) return true;
  clear();
  in.fail();
  return false;
}

} // namespace pollux::domain
