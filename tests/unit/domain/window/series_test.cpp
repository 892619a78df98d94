// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/domain/window/slow_series.hpp"
#include <limits>

using namespace pollux;
using namespace pollux::domain;

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
