// SPDX-License-Identifier: Apache-2.0
#include "domain/window/block_scan.hpp"
#include "domain/window/series.hpp"
#include <algorithm>

namespace pollux::domain {
namespace {

constexpr std::size_t max_blocks = 6; ///< three of a window, and as many of a time before
constexpr std::size_t max_spare = 64; ///< doubles that a retired block keeps in any case

void keep(const scan_layout& how, fold& from, std::vector<double>& in, std::size_t place) {
  std::size_t at = place * how.width;
  if (in.size() < at + how.width) in.resize(at + how.width);
  each_number(how.parts, from, [&](double& v) { in[at++] = v; });
}

/// The fold of readings [from, to), of which the numbers stand at `place`.
fold kept(const scan_layout& how, const std::vector<double>& in, std::size_t place,
          const series& of, std::size_t from, std::size_t to) {
  fold out;
  std::size_t at = place * how.width;
  each_number(how.parts, out, [&](double& v) { v = in[at++]; });
  const auto first = of.at(from), last = of.at(to - 1);
  out.count = to - from;
  out.first = first.value;
  out.first_ns = first.event_time_ns;
  out.last = last.value;
  out.last_ns = last.event_time_ns;
  return out;
}

void release(std::vector<double>& numbers, std::size_t used) {
  if (numbers.capacity() > max_spare && used < numbers.capacity() / 4)
    std::vector<double>().swap(numbers);
  numbers.clear();
}

std::int64_t first_ns_of(std::int64_t id, unsigned shift) noexcept {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(id) << shift);
}

} // namespace

scan_layout::scan_layout(const fold_parts& of) noexcept : parts(of) {
  fold any;
  each_number(parts, any, [&](double) { ++width; });
  // To fold a few readings again is cheaper than memory, but for those that take an exponential.
  stride = std::max(1U, parts.ewma || parts.circular ? width : 2 * width);
}

fold block_scan::start(const scan_layout& how, const series& of, std::size_t from, std::size_t to) {
  const std::size_t count = to - from;
  if (count == 0) return {};
  std::size_t known = running_ <= count ? running_ : 0, place = 0;
  const std::size_t mark = std::min<std::size_t>(count / starts_apart, starts_kept_);
  if (mark * starts_apart > known) {
    known = mark * starts_apart;
    place = mark;
  }
  fold out = known == 0 ? fold{} : kept(how, starts_, place, of, from, from + known);
  for (std::size_t i = known; i < count; ++i) {
    const auto reading = of.at(from + i);
    out.add(how.parts, reading.event_time_ns, reading.value);
    if (out.count % starts_apart == 0 && out.count / starts_apart > starts_kept_)
      keep(how, out, starts_, ++starts_kept_);
  }
  keep(how, out, starts_, 0);
  running_ = static_cast<std::uint32_t>(count);
  return out;
}

fold block_scan::end(const scan_layout& how, const series& of, std::size_t from, std::size_t to) {
  const std::size_t count = to - from;
  if (count == 0) return {};
  const std::size_t mark = std::min<std::size_t>(count / how.stride, ends_kept_);
  const std::size_t known = mark * how.stride;
  if (ends_kept_ == 0) ends_.reserve(count / how.stride * how.width);
  fold out = mark == 0 ? fold{} : kept(how, ends_, mark - 1, of, to - known, to);
  for (std::size_t i = known; i < count; ++i) {
    const auto reading = of.at(to - 1 - i);
    out.prepend(how.parts, reading.event_time_ns, reading.value);
    if (out.count % how.stride == 0 && out.count / how.stride > ends_kept_)
      keep(how, out, ends_, ends_kept_++);
  }
  return out;
}

void block_scan::keep_first(std::size_t count) noexcept {
  if (running_ > count) running_ = 0;
  starts_kept_ = std::min(starts_kept_, static_cast<std::uint32_t>(count / starts_apart));
}

void block_scan::keep_last(const scan_layout& how, std::size_t count) noexcept {
  ends_kept_ = std::min(ends_kept_, static_cast<std::uint32_t>(count / how.stride));
}

void block_scan::retire(std::vector<double>& spare) noexcept {
  live = false;
  release(starts_, starts_.size());
  release(ends_, ends_.size());
  if (ends_.capacity() > spare.capacity()) spare.swap(ends_);
  std::vector<double>().swap(ends_);
  running_ = starts_kept_ = ends_kept_ = 0;
}

void block_scan::lend(std::vector<double>& spare) noexcept {
  if (ends_.capacity() == 0) ends_.swap(spare);
}

block_scan& block_scans::find(std::int64_t id) {
  block_scan* free = nullptr;
  const auto apart = [&](std::int64_t other) {
    return other > id ? static_cast<std::uint64_t>(other) - static_cast<std::uint64_t>(id)
                      : static_cast<std::uint64_t>(id) - static_cast<std::uint64_t>(other);
  };
  for (auto& b : blocks_) {
    if (b.live && b.id == id) return b;
    if (free == nullptr || (free->live && (!b.live || apart(b.id) > apart(free->id)))) free = &b;
  }
  if (free == nullptr || (free->live && blocks_.size() < max_blocks))
    free = &blocks_.emplace_back();
  else if (free->live)
    free->retire(spare_);
  free->live = true;
  free->id = id;
  return *free;
}

fold block_scans::end_of(std::int64_t id, const series& of, std::size_t from, std::size_t to) {
  auto& block = find(id);
  block.lend(spare_);
  return block.end(how_, of, from, to);
}

/// Where block `id` begins, within [from, to]; the next block begins at `to`, or the interval ends.
std::size_t block_scans::begin_of(const series& of, std::int64_t id, std::size_t from,
                                  std::size_t to) const noexcept {
  const std::int64_t first = first_ns_of(id, shift_);
  const auto begins = [&](std::size_t at) {
    return at >= from && at < to && of.at(at).event_time_ns >= first &&
           (at == from || of.at(at - 1).event_time_ns < first);
  };
  for (const auto& b : blocks_) {
    if (!b.live || b.id != id) continue;
    const std::size_t likely = to - b.folded();
    for (const std::size_t at : {likely, likely - 1})
      if (begins(at)) return at;
  }
  return std::clamp(of.first_after(first - 1), from, to);
}

fold block_scans::over(const series& of, std::size_t from, std::size_t to, std::int64_t from_ns,
                       std::int64_t last_ns) {
  const std::int64_t newest = last_ns >> shift_, oldest = (from_ns + 1) >> shift_;
  if (oldest == newest) return find(newest).start(how_, of, from, to); // all of one block
  const std::size_t last = begin_of(of, newest, from, to);
  const std::size_t middle = newest - oldest > 1 ? begin_of(of, newest - 1, from, last) : last;
  fold out = middle == from ? fold{} : end_of(oldest, of, from, middle);
  if (middle < last) out.merge(how_.parts, find(newest - 1).start(how_, of, middle, last));
  if (last < to) out.merge(how_.parts, find(newest).start(how_, of, last, to));
  return out;
}

fold block_scans::all(const series& of, std::uint64_t gone) {
  const std::uint64_t size = of.size(), over = gone % per_block_;
  const auto id = static_cast<std::int64_t>(gone / per_block_);
  if (over == 0 && size <= per_block_) return find(id).start(how_, of, 0, size);
  const auto at = static_cast<std::size_t>(std::min(size, per_block_ - over));
  fold out = end_of(id, of, 0, at);
  out.merge(how_.parts, find(id + 1).start(how_, of, at, size));
  return out;
}

void block_scans::came(std::int64_t time_ns) noexcept {
  if (per_block_ != 0) return; // ends are asked for only of full blocks
  const std::int64_t id = time_ns >> shift_;
  for (auto& b : blocks_)
    if (b.live && b.id == id) b.keep_last(how_, 0);
}

void block_scans::changed(const series& of, std::int64_t time_ns) noexcept {
  if (per_block_ != 0) return blocks_.clear();
  const std::int64_t id = time_ns >> shift_;
  const std::int64_t first = first_ns_of(id, shift_);
  const std::size_t at = of.first_after(time_ns);
  for (auto& b : blocks_) {
    if (!b.live || b.id != id) continue;
    b.keep_first(at - 1 - of.first_after(first - 1));
    b.keep_last(how_, of.first_after(first + static_cast<std::int64_t>((1ULL << shift_) - 1)) - at);
  }
}

void block_scans::goes(std::int64_t time_ns, std::int64_t next_ns, std::uint64_t gone) noexcept {
  const bool numbered = per_block_ != 0;
  const auto id = numbered ? static_cast<std::int64_t>(gone / per_block_) : time_ns >> shift_;
  const auto next =
      numbered ? static_cast<std::int64_t>((gone + 1) / per_block_) : next_ns >> shift_;
  for (auto& b : blocks_) {
    if (!b.live || b.id > id) continue;
    if (b.id < next)
      b.retire(spare_);
    else
      b.keep_first(0);
  }
}

std::size_t block_scans::heap_bytes() const noexcept {
  std::size_t bytes = blocks_.capacity() * sizeof(block_scan) + spare_.capacity() * sizeof(double);
  for (const auto& b : blocks_) bytes += b.heap_bytes();
  return bytes;
}

} // namespace pollux::domain
