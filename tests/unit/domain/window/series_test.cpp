// SPDX-License-Identifier: Apache-2.0
#include "domain/window/series.hpp"
#include <algorithm>
#include <bit>
#include <cmath>
#include <doctest/doctest.h>
#include <limits>
#include <map>
#include <random>
#include <vector>

using namespace pollux;
using namespace pollux::domain;
using placed = series::placed;

namespace {

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

bool near(double a, double b) {
  return std::fabs(a - b) <= 1e-9 * std::max({1.0, std::fabs(a), std::fabs(b)});
}

void check_same(const series& fast, const slow_series& slow, std::int64_t from, std::int64_t to,
                bool open_end) {
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

std::uint64_t bits(double v) { return std::bit_cast<std::uint64_t>(v); }

void check_bits(const window_statistics& a, const window_statistics& b) {
  REQUIRE(a.count == b.count);
  REQUIRE(bits(a.mean) == bits(b.mean));
  REQUIRE(bits(a.m2) == bits(b.m2));
  REQUIRE(bits(a.min) == bits(b.min));
  REQUIRE(bits(a.max) == bits(b.max));
  REQUIRE(a.from_ns == b.from_ns);
  REQUIRE(a.to_ns == b.to_ns);
}

std::string saved(const series& s) {
  std::string bytes;
  byte_writer out(bytes);
  s.save(out);
  return bytes;
}

} // namespace

TEST_CASE("a series without readings answers with nothing and holds no heap memory") {
  series s(10);
  CHECK(s.size() == 0);
  CHECK(s.newest_ns() == no_time);
  CHECK(s.memory_bytes() == 0);
  CHECK(s.over(no_time, never, false).count == 0);
  int visited = 0;
  s.each(no_time, never, [&](std::int64_t, double) { ++visited; });
  CHECK(visited == 0);
}

TEST_CASE("a window is open at its start, and at its end as asked") {
  series s(100);
  for (const std::int64_t t : {10, 20, 30}) s.insert(t, static_cast<double>(t));
  CHECK(s.over(10, 30, true).count == 1);
  CHECK(s.over(10, 30, false).count == 2);
  CHECK(s.over(9, 31, true).count == 3);
  CHECK(s.over(30, 30, false).count == 0);
  CHECK(s.over(31, 9, false).count == 0);
  CHECK(s.over(no_time, never, true).count == 3);
  CHECK(s.over(9, 30, true).mean == 15);
}

TEST_CASE("a new reading drops what left the span: exactly one span ago is outside") {
  series s(10);
  CHECK(s.insert(0, 1) == placed::newest);
  CHECK(s.insert(9, 2) == placed::newest);
  CHECK(s.size() == 2);
  CHECK(s.insert(10, 3) == placed::newest);
  CHECK(s.size() == 2);
  CHECK(s.insert(0, 1) == placed::too_old);
  CHECK(s.insert(1, 1) == placed::late);
  CHECK(s.insert(9, 2) == placed::duplicate);
  CHECK(s.insert(10, 3) == placed::duplicate);
  CHECK(s.insert(9, 2.5) == placed::correction);
  CHECK(s.over(0, 10, false).max == 3);
  CHECK(s.over(0, 9, false).max == 2.5);
  CHECK(s.newest_ns() == 10);
}

TEST_CASE("beyond the largest number of entries the oldest go and are counted") {
  series s(1000, 3);
  for (std::int64_t t = 1; t <= 5; ++t) s.insert(t * 10, 1);
  CHECK(s.size() == 3);
  CHECK(s.truncated() == 2);
  CHECK(s.insert(5, 1) == placed::too_old);
  CHECK(s.truncated() == 3);
  CHECK(s.insert(45, 1) == placed::late);
  CHECK(s.over(0, 50, false).from_ns == 40);
}

TEST_CASE("a value that is not finite never enters a window") {
  series s(1000);
  CHECK(s.insert(1, std::nan("")) == placed::duplicate);
  CHECK(s.insert(1, std::numeric_limits<double>::infinity()) == placed::duplicate);
  CHECK(s.size() == 0);
}

TEST_CASE("the ends of time are as good as any other") {
  series s(never);
  s.insert(no_time + 1, 1);
  s.insert(0, 2);
  s.insert(never - 1, 4); // a span of all of int64's upper half has gone by
  CHECK(s.over(no_time, never, false).count == s.size());
  CHECK(s.newest_ns() == never - 1);
  CHECK(s.insert(no_time, 3) == placed::too_old);
}

TEST_CASE("standard deviations of one reading are zero, not undefined") {
  series s(1000);
  s.insert(1, 5);
  const auto one = s.over(0, 1, false);
  CHECK(one.count == 1);
  CHECK(one.sample_stddev() == 0);
  CHECK(one.population_stddev() == 0);
  s.insert(2, 7);
  CHECK(s.over(0, 2, false).sample_stddev() == doctest::Approx(std::sqrt(2.0)));
  CHECK(s.over(0, 2, false).population_stddev() == 1);
}

TEST_CASE("the memory of a full window of 31 readings is 512 bytes") {
  series s(300 * ns_per_s);
  for (std::int64_t t = 0; t < 1000; ++t) {
    s.insert(t * 10 * ns_per_s, 1);
    (void)s.over((t - 30) * 10 * ns_per_s, t * 10 * ns_per_s, false);
  }
  CHECK(s.size() == 30);
  CHECK(s.memory_bytes() == 512);
}

TEST_CASE("a window that empties gives memory back") {
  series s(1000);
  for (std::int64_t t = 0; t < 1000; ++t) s.insert(t, 1);
  CHECK(s.memory_bytes() >= 16'000);
  s.insert(5000, 1);
  CHECK(s.size() == 1);
  CHECK(s.memory_bytes() <= 16 * 64);
}

namespace {

struct shape {
  const char* what;
  std::int64_t span;
  std::int64_t step;
  std::size_t max_entries;
  int readings;
};

/// A stream that is mostly in order, with late readings, gaps, duplicates and corrections.
void run_stream(const shape& of, unsigned seed) {
  std::mt19937_64 random{seed};
  const auto below = [&](std::int64_t n) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n));
  };
  series fast(of.span, of.max_entries);
  slow_series slow{of.span, of.max_entries, 0, {}};
  std::int64_t now = below(of.span) - of.span / 2; // negative times too
  for (int i = 0; i < of.readings; ++i) {
    std::int64_t t = now += 1 + below(2 * of.step);
    double v = static_cast<double>(below(10'000)) / 64 - 20;
    const auto kind = below(20);
    if (kind == 0) t = now - below(of.span + of.span / 8);
    if (kind == 1 && !slow.held.empty()) {
      const auto some =
          std::next(slow.held.begin(), below(static_cast<std::int64_t>(slow.held.size())));
      t = some->first;
      if (i % 2 == 0) v = some->second;
    }
    if (kind == 2 && below(30) == 0) t = now += below(2 * of.span);
    CAPTURE(i);
    REQUIRE(fast.insert(t, v) == slow.insert(t, v));
    REQUIRE(fast.size() == slow.held.size());
    REQUIRE(fast.truncated() == slow.truncated);
    REQUIRE(fast.newest_ns() == slow.held.rbegin()->first);
    const std::int64_t end = fast.newest_ns();
    const bool rare = of.readings > 2000 && i % 37 != 0; // the obvious version is slow
    if (rare) {
      (void)fast.over(end - of.span, end, true); // keeps the cache in use
      continue;
    }
    check_same(fast, slow, end - of.span, end, true);
    check_same(fast, slow, end - of.span, end, false);
    const std::int64_t from = end - below(of.span + 2), to = from + below(of.span + 2);
    check_same(fast, slow, from, to, below(2) == 0);
    check_same(fast, slow, end - 2 * of.span, end + of.span, false);
  }
}

} // namespace

TEST_CASE("property: any stream gives what a sorted map gives") {
  const shape shapes[] = {{"30 readings", 300'000, 10'000, 200'000, 600},
                          {"dense times", 50, 1, 200'000, 600},
                          {"300 readings", 300'000, 1000, 200'000, 800},
                          {"3000 readings, in slices", 3'000'000'000, 1'000'000, 200'000, 9000},
                          {"in slices, cut at 1000", 3'000'000'000, 1'000'000, 1000, 4000}};
  for (const auto& of : shapes)
    for (unsigned seed = 1; seed <= 6; ++seed) {
      CAPTURE(of.what);
      CAPTURE(seed);
      run_stream(of, seed);
    }
}

TEST_CASE("property: shuffled arrival gives the same bits") {
  for (unsigned seed = 0; seed < 40; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    const std::size_t count = seed % 2 == 0 ? 5 + seed * 3 : 600 + seed * 60;
    const std::int64_t span = 1'000'000'000'000;
    std::map<std::int64_t, double> content;
    while (content.size() < count)
      content[static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(span))] =
          20 + static_cast<double>(random() >> 11) / 1e15;
    std::vector<std::pair<std::int64_t, double>> readings(content.begin(), content.end());
    series ordered(span);
    for (const auto& [t, v] : readings) ordered.insert(t, v);
    std::shuffle(readings.begin(), readings.end(), random);
    series shuffled(span);
    for (std::size_t i = 0; i < readings.size(); ++i) {
      shuffled.insert(readings[i].first, readings[i].second);
      if (i % 7 == 0) (void)shuffled.over(-1, span, false); // fills caches that must not matter
    }
    CHECK(saved(ordered) == saved(shuffled));
    for (int query = 0; query < 50; ++query) {
      const auto from = static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(span)) - 1;
      const auto to =
          query == 0 ? span : from + static_cast<std::int64_t>(random() % 900'000'000'000);
      check_bits(ordered.over(query == 0 ? -1 : from, to, query % 2 == 0),
                 shuffled.over(query == 0 ? -1 : from, to, query % 2 == 0));
    }
  }
}

TEST_CASE("property: where the ring wraps does not show in the bits") {
  std::mt19937_64 random{9};
  series rolled(1000);
  for (std::int64_t t = 0; t < 5000; ++t) {
    rolled.insert(t * 16, static_cast<double>(random() % 1'000'000) / 7);
    series fresh(1000);
    rolled.each(no_time, never, [&](std::int64_t at, double v) { fresh.insert(at, v); });
    check_bits(rolled.over(t * 16 - 1000, t * 16, false), fresh.over(t * 16 - 1000, t * 16, false));
    check_bits(rolled.over(t * 16 - 500, t * 16, true), fresh.over(t * 16 - 500, t * 16, true));
  }
}

TEST_CASE("property: a saved series read back has the same bits and the same later behaviour") {
  for (const std::int64_t span : {1'000LL, 30'000LL, 2'000'000LL}) {
    CAPTURE(span);
    std::mt19937_64 random{7};
    series original(span, 1500);
    std::int64_t now = 0;
    const auto feed = [&](series& into, std::uint64_t seed) {
      std::mt19937_64 stream{seed};
      std::int64_t t = now;
      for (int i = 0; i < 2500; ++i) {
        t += 1 + static_cast<std::int64_t>(stream() % 2000);
        const auto late = stream() % 10 == 0 ? static_cast<std::int64_t>(stream() % 5000) : 0;
        into.insert(t - late, static_cast<double>(stream() % 997) / 3);
        if (i % 11 == 0) (void)into.over(t - span, t, true);
      }
      return t;
    };
    now = feed(original, 1);
    const std::string bytes = saved(original);
    series copy(span, 1500);
    byte_reader in(bytes);
    REQUIRE(copy.load(in));
    CHECK(in.at_end());
    CHECK(saved(copy) == bytes);
    CHECK(copy.truncated() == original.truncated());
    check_bits(copy.over(now - span, now, false), original.over(now - span, now, false));
    const auto end = feed(original, 2);
    feed(copy, 2);
    CHECK(saved(copy) == saved(original));
    check_bits(copy.over(end - span, end, false), original.over(end - span, end, false));
  }
}

TEST_CASE("property: damaged bytes are refused or read, never more") {
  series original(1'000'000);
  for (std::int64_t t = 0; t < 40; ++t) original.insert(t * 10, static_cast<double>(t) / 3);
  const std::string good = saved(original);
  std::mt19937 random{3};
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = good;
    for (unsigned n = 0; n <= static_cast<unsigned>(i % 3); ++n)
      bytes[random() % (n == 0 ? 40 : bytes.size())] = static_cast<char>(random() % 256);
    if (i % 4 == 0) bytes.resize(random() % bytes.size());
    series s(1'000'000);
    s.insert(1, 1);
    byte_reader in(bytes);
    if (s.load(in)) {
      REQUIRE(s.size() <= 40);
      REQUIRE(s.over(no_time, never, false).count == s.size());
    } else {
      ++refused;
      REQUIRE_FALSE(in.ok());
      REQUIRE(s.size() == 0);
      REQUIRE(s.insert(5, 1) == placed::newest);
    }
  }
  CHECK(refused > 1000);
}

TEST_CASE("bytes that break the order, the span, the bound or finiteness are refused") {
  const auto loads = [](std::vector<std::pair<std::int64_t, double>> readings) {
    std::string bytes;
    byte_writer out(bytes);
    out.u64(0);
    out.u32(static_cast<std::uint32_t>(readings.size()));
    for (const auto& r : readings) out.i64(r.first);
    for (const auto& r : readings) out.f64(r.second);
    series s(100, 3);
    byte_reader in(bytes);
    return s.load(in);
  };
  CHECK(loads({}));
  CHECK(loads({{1, 1}, {2, 1}, {100, 1}}));
  CHECK_FALSE(loads({{1, 1}, {2, 1}, {101, 1}}));
  CHECK_FALSE(loads({{2, 1}, {1, 1}}));
  CHECK_FALSE(loads({{2, 1}, {2, 1}}));
  CHECK_FALSE(loads({{1, 1}, {2, 1}, {3, 1}, {4, 1}}));
  CHECK_FALSE(loads({{1, std::nan("")}}));
}

TEST_CASE("a moved series keeps its readings and leaves an empty one") {
  series a(1000);
  for (std::int64_t t = 0; t < 100; ++t) a.insert(t, 1);
  series b(std::move(a));
  CHECK(b.size() == 100);
  CHECK(a.size() == 0); // NOLINT: the moved-from state is what is tested
  CHECK(a.insert(1, 1) == placed::newest);
  a = std::move(b);
  CHECK(a.size() == 100);
  CHECK(a.over(0, 99, false).count == 99);
}

TEST_CASE("a large offset does not spoil the standard deviation") {
  series s(10'000);
  for (std::int64_t t = 0; t < 2000; ++t) s.insert(t, 1e9 + static_cast<double>(t % 2));
  CHECK(s.over(-1, 2000, false).population_stddev() == doctest::Approx(0.5).epsilon(1e-9));
}
