// SPDX-License-Identifier: Apache-2.0
#include "domain/window/slice_cache.hpp"

namespace pollux::domain {

namespace {

constexpr std::size_t max_grids = 4;
constexpr std::int64_t max_slices = 512;

} // namespace

slice_cache::grid& slice_cache::find(unsigned shift) {
  grid* oldest = nullptr;
  for (auto& g : grids_) {
    if (g.shift == shift) return g;
    if (oldest == nullptr || g.used < oldest->used) oldest = &g;
  }
  if (grids_.size() < max_grids) oldest = &grids_.emplace_back();
  oldest->shift = shift;
  oldest->slices.clear();
  return *oldest;
}

std::span<slice_summary> slice_cache::slices(unsigned shift, std::int64_t first,
                                             std::int64_t last) {
  grid& g = find(shift);
  g.used = ++clock_;
  std::int64_t end = g.first + static_cast<std::int64_t>(g.slices.size());
  const bool apart = g.slices.empty() || last < g.first || first > end;
  if (apart || (last > end ? last : end) - (first < g.first ? first : g.first) > max_slices) {
    g.slices.clear();
    g.first = end = first;
  }
  if (first < g.first) {
    g.slices.insert(g.slices.begin(), static_cast<std::size_t>(g.first - first), {});
    g.first = first;
  }
  if (last > end) g.slices.resize(static_cast<std::size_t>(last - g.first));
  return std::span(g.slices).subspan(static_cast<std::size_t>(first - g.first),
                                     static_cast<std::size_t>(last - first));
}

void slice_cache::touch(std::int64_t time_ns) noexcept {
  for (auto& g : grids_) {
    const std::int64_t slice = time_ns >> g.shift;
    if (slice < g.first) continue;
    const auto index = static_cast<std::uint64_t>(slice) - static_cast<std::uint64_t>(g.first);
    if (index < g.slices.size()) g.slices[index].count = slice_summary::unknown;
  }
}

void slice_cache::forget_through(std::int64_t time_ns) noexcept {
  for (auto& g : grids_) {
    const std::int64_t slice = time_ns >> g.shift;
    if (slice < g.first) continue;
    const auto gone = static_cast<std::uint64_t>(slice) - static_cast<std::uint64_t>(g.first) + 1;
    if (gone >= g.slices.size()) {
      g.slices.clear();
      continue;
    }
    g.slices.erase(g.slices.begin(), g.slices.begin() + static_cast<std::ptrdiff_t>(gone));
    g.first += static_cast<std::int64_t>(gone);
  }
}

std::size_t slice_cache::memory_bytes() const noexcept {
  std::size_t bytes = sizeof(*this) + grids_.capacity() * sizeof(grid);
  for (const auto& g : grids_) bytes += g.slices.capacity() * sizeof(slice_summary);
  return bytes;
}

} // namespace pollux::domain
