// SPDX-License-Identifier: Apache-2.0
// The obvious window store that the real one is compared with, and comparisons down to the bits.
#pragma once
#include "domain/window/series.hpp"
#include <algorithm>
#include <bit>
#include <cmath>
#include <doctest/doctest.h>
#include <map>
#include <string>
#include <vector>

namespace pollux::domain {

using placed = series::placed;

/// The obvious version: a sorted map, cut and summed anew each time.
struct slow_series {
  std::int64_t span;
  std::size_t max_entries;
  std::uint64_t truncated = 0;
  std::map<std::int64_t, double> held;

  placed insert(std::int64_t t, double v) {
    if (held.empty() || t > held.rbegin()->first) {
      held.erase(held.begin(), held.upper_bound(t - span));
      held[t] = v;
      cut();
      return placed::newest;
    }
    if (t <= held.rbegin()->first - span) return placed::too_old;
    if (const auto same = held.find(t); same != held.end()) {
      if (same->second == v) return placed::duplicate;
      same->second = v;
      return placed::correction;
    }
    held[t] = v;
    cut();
    return held.count(t) != 0 ? placed::late : placed::too_old;
  }
  void cut() {
    while (held.size() > max_entries) {
      held.erase(held.begin());
      ++truncated;
    }
  }
  std::vector<std::pair<std::int64_t, double>> within(std::int64_t from, std::int64_t to,
                                                      bool open_end) const {
    std::vector<std::pair<std::int64_t, double>> out;
    for (const auto& [t, v] : held)
      if (t > from && (open_end ? t < to : t <= to)) out.emplace_back(t, v);
    return out;
  }
};

inline bool near(double a, double b) {
  return std::fabs(a - b) <= 1e-9 * std::max({1.0, std::fabs(a), std::fabs(b)});
}

inline void check_same(const series& fast, const slow_series& slow, std::int64_t from,
                       std::int64_t to, bool open_end) {
  CAPTURE(from);
  CAPTURE(to);
  CAPTURE(open_end);
  const auto inside = slow.within(from, to, open_end);
  const auto got = fast.over(from, to, open_end);
  REQUIRE(got.count == inside.size());
  if (inside.empty()) {
    REQUIRE(got.from_ns == no_time);
    REQUIRE(got.sample_stddev() == 0);
    return;
  }
  const auto n = static_cast<double>(inside.size());
  double sum = 0, m2 = 0, least = inside[0].second, greatest = inside[0].second;
  for (const auto& [t, v] : inside) {
    sum += v;
    least = std::min(least, v);
    greatest = std::max(greatest, v);
  }
  for (const auto& [t, v] : inside) m2 += (v - sum / n) * (v - sum / n);
  REQUIRE(got.from_ns == inside.front().first);
  REQUIRE(got.to_ns == inside.back().first);
  REQUIRE(got.min == least);
  REQUIRE(got.max == greatest);
  REQUIRE(near(got.mean, sum / n));
  REQUIRE(near(got.m2, m2));
  REQUIRE(near(got.population_stddev(), std::sqrt(m2 / n)));
  if (inside.size() > 1) REQUIRE(near(got.sample_stddev(), std::sqrt(m2 / (n - 1))));
  if (!open_end) {
    std::vector<std::pair<std::int64_t, double>> seen;
    fast.each(from, to, [&](std::int64_t t, double v) { seen.emplace_back(t, v); });
    REQUIRE(seen == inside);
  }
}

inline std::uint64_t bits(double v) { return std::bit_cast<std::uint64_t>(v); }

inline void check_bits(const window_statistics& a, const window_statistics& b) {
  REQUIRE(a.count == b.count);
  REQUIRE(bits(a.mean) == bits(b.mean));
  REQUIRE(bits(a.m2) == bits(b.m2));
  REQUIRE(bits(a.min) == bits(b.min));
  REQUIRE(bits(a.max) == bits(b.max));
  REQUIRE(a.from_ns == b.from_ns);
  REQUIRE(a.to_ns == b.to_ns);
}

inline std::string saved(const series& s) {
  std::string bytes;
  byte_writer out(bytes);
  s.save(out);
  return bytes;
}

} // namespace pollux::domain
