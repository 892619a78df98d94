// SPDX-License-Identifier: Apache-2.0
#include "domain/window/window_cache.hpp"
#include "domain/window/series.hpp"
#include <algorithm>

namespace pollux::domain {
namespace {

constexpr std::size_t most = 32;
constexpr std::uint64_t forget_after = 4096;

} // namespace

const sorted_values& sorted_window::look(const series& of, std::int64_t from_ns,
                                         std::int64_t to_ns) {
  if (valid_ && from_ns < to_ns_ && from_ns_ < to_ns)
    move_to(of, from_ns, to_ns);
  else
    valid_ = false;
  const std::size_t count = of.count(from_ns, to_ns);
  if (!valid_ || values_.size() != count) {
    std::vector<double> all;
    all.reserve(count);
    of.each(from_ns, to_ns, [&](std::int64_t, double v) { all.push_back(v); });
    values_.assign(all);
    valid_ = true;
  }
  from_ns_ = from_ns;
  to_ns_ = to_ns;
  return values_;
}

/// The old and the new interval overlap.
void sorted_window::move_to(const series& of, std::int64_t from_ns, std::int64_t to_ns) {
  const std::size_t moves = of.count(std::min(from_ns, from_ns_), std::max(from_ns, from_ns_)) +
                            of.count(std::min(to_ns, to_ns_), std::max(to_ns, to_ns_));
  if (moves > 8 && moves > values_.size() / 8) { // sorting anew costs less
    valid_ = false;
    return;
  }
  const auto add_all = [&](std::int64_t from, std::int64_t to) {
    if (from < to) of.each(from, to, [&](std::int64_t, double v) { values_.add(v); });
  };
  const auto remove_all = [&](std::int64_t from, std::int64_t to) {
    if (from < to)
      of.each(from, to, [&](std::int64_t, double v) { valid_ = values_.remove(v) && valid_; });
  };
  remove_all(from_ns_, from_ns);
  remove_all(to_ns, to_ns_);
  add_all(from_ns, from_ns_);
  add_all(to_ns_, to_ns);
}

void sorted_window::add(std::int64_t time_ns, double value) {
  if (holds(time_ns)) values_.add(value);
}

void sorted_window::remove(std::int64_t time_ns, double value) {
  if (holds(time_ns)) valid_ = values_.remove(value);
}

template <class T, class Fits, class Make>
T& window_cache::find(std::vector<noted<T>>& all, Fits&& fits, Make&& make) {
  if (++asked_ % forget_after == 0) {
    std::erase_if(scans_, [&](const auto& n) { return n.used + forget_after < asked_; });
    std::erase_if(sorted_, [&](const auto& n) { return n.used + forget_after < asked_; });
  }
  for (auto& n : all)
    if (fits(n.what)) {
      n.used = asked_;
      return n.what;
    }
  if (all.size() >= most)
    all.erase(std::min_element(all.begin(), all.end(),
                               [](const auto& a, const auto& b) { return a.used < b.used; }));
  return all.emplace_back(noted<T>{make(), asked_}).what;
}

block_scans& window_cache::scans(const fold_parts& parts, unsigned shift, std::uint64_t per_block) {
  return find(
      scans_, [&](const block_scans& s) { return s.serves(parts, shift, per_block); },
      [&] { return block_scans(parts, shift, per_block); });
}

sorted_window& window_cache::sorted(std::int64_t span_ns) {
  return find(
      sorted_, [&](const sorted_window& s) { return s.span_ns() == span_ns; },
      [&] { return sorted_window(span_ns); });
}

void window_cache::came(std::int64_t time_ns) noexcept {
  for (auto& s : scans_) s.what.came(time_ns);
}

void window_cache::late(const series& of, std::int64_t time_ns, double value) {
  for (auto& s : scans_) s.what.changed(of, time_ns);
  for (auto& s : sorted_) s.what.add(time_ns, value);
}

void window_cache::corrected(const series& of, std::int64_t time_ns, double before, double value) {
  for (auto& s : scans_) s.what.changed(of, time_ns);
  for (auto& s : sorted_) {
    s.what.remove(time_ns, before);
    s.what.add(time_ns, value);
  }
}

void window_cache::goes(std::int64_t time_ns, double value, std::int64_t next_ns,
                        std::uint64_t gone) {
  for (auto& s : scans_) s.what.goes(time_ns, next_ns, gone);
  for (auto& s : sorted_) s.what.remove(time_ns, value);
}

std::size_t window_cache::memory_bytes() const noexcept {
  std::size_t bytes = sizeof(*this) + scans_.capacity() * sizeof(scans_[0]) +
                      sorted_.capacity() * sizeof(sorted_[0]);
  for (const auto& s : scans_) bytes += s.what.heap_bytes();
  for (const auto& s : sorted_) bytes += s.what.heap_bytes();
  return bytes;
}

} // namespace pollux::domain
