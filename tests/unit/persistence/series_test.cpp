// SPDX-License-Identifier: Apache-2.0
// Numbers over event time agree with sorting everything in memory, wherever it lies.
#include "domain/base/time.hpp"
#include "persistence/leveldb_store.hpp"
#include "persistence/series.hpp"
#include "tests/unit/persistence/journal_fixture.hpp"
#include <algorithm>
#include <cmath>
#include <doctest/doctest.h>
#include <map>
#include <random>

using namespace pollux;
using namespace pollux::persistence;
using namespace pollux::persistence::testing;

namespace {

constexpr std::uint32_t shard = 1;
const series_place twin{shard, 0, "n:0"};

/// One twin's journal, of which a part is sealed now and then, and what it must hold.
struct recorded_twin {
  scratch_folder folder;
  std::unique_ptr<persistence::log> tail = make_memory_log(4);
  std::unique_ptr<store> blocks;
  std::map<std::string, std::map<std::int64_t, double>> expected;

  recorded_twin() {
    auto opened = open_leveldb_store({.folder = folder / "store"});
    REQUIRE(opened.ok());
    blocks = std::move(*opened);
  }
  void write(std::int64_t time_ns, double value, const std::string& name) {
    messages::segment_builder b;
    const simple_input s(value, time_ns, name);
    b.add(0, twin.id, s.in);
    REQUIRE(tail->append(shard, b.finish()).ok());
    REQUIRE(tail->commit().ok());
    if (std::isfinite(value)) expected[name][time_ns] = value;
  }
  void seal_all() {
    const auto below = tail->end(shard);
    auto report = seal(*tail, *blocks, shard, below, 1'000'000,
                       [](std::uint32_t, std::string_view) { return 0U; });
    REQUIRE(report.ok());
    REQUIRE(tail->trim(shard, report->sealed_below).ok());
  }
  [[nodiscard]] std::map<std::string, std::map<std::int64_t, double>>
  read(const std::vector<std::string>& telemetry, series_interval what) const {
    std::map<std::string, std::map<std::int64_t, double>> out;
    series_origin origin;
    auto s = each_stretch(*tail, *blocks, twin, telemetry, what, origin,
                          [&](const std::string& name, std::span<const point> points) {
                            for (const auto& p : points) {
                              auto& into = out[name];
                              // rising within and across stretches
                              CHECK((into.empty() || into.rbegin()->first < p.time_ns));
                              into[p.time_ns] = p.value;
                            }
                          });
    REQUIRE(s.ok());
    return out;
  }
  [[nodiscard]] std::map<std::string, std::map<std::int64_t, double>>
  slow(const std::vector<std::string>& telemetry, series_interval what) const {
    std::map<std::string, std::map<std::int64_t, double>> out;
    for (const auto& [name, values] : expected) {
      if (!telemetry.empty() &&
          std::find(telemetry.begin(), telemetry.end(), name) == telemetry.end())
        continue;
      for (const auto& [time, value] : values)
        if (time >= what.from_ns && time <= what.to_ns) out[name][time] = value;
    }
    return out;
  }
};

summary summary_of(const std::vector<point>& points) {
  summary s;
  for (const auto& p : points) s.add(p);
  return s;
}

} // namespace

TEST_CASE(
    "each_stretch: property: every instant once with its newest value, across blocks and tail") {
  for (unsigned seed = 0; seed < 8; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    recorded_twin t;
    std::int64_t now = 0;
    for (int i = 0; i < 3000; ++i) {
      now += static_cast<std::int64_t>(random() % 3);
      const auto late = random() % 10 == 0 ? static_cast<std::int64_t>(random() % 500) : 0;
      const double value = random() % 50 == 0 ? std::nan("") : static_cast<double>(random() % 100);
      t.write(now - late, value, random() % 2 == 0 ? "speed" : "temperature");
      if (random() % 700 == 0) t.seal_all();
    }
    for (int i = 0; i < 20; ++i) {
      const auto from = static_cast<std::int64_t>(random() % 3000) - 100;
      const series_interval what{from, from + static_cast<std::int64_t>(random() % 2000)};
      const std::vector<std::string> telemetry =
          random() % 2 == 0 ? std::vector<std::string>{} : std::vector<std::string>{"speed"};
      CHECK(t.read(telemetry, what) == t.slow(telemetry, what));
      const auto extent = extent_of(*t.tail, *t.blocks, twin, what);
      REQUIRE(extent.ok());
      for (const auto& [name, values] : t.slow({}, what)) {
        CHECK(extent->from_ns <= values.begin()->first);
        CHECK(extent->to_ns >= values.rbegin()->first);
      }
    }
    const auto first = t.expected.at("speed").begin()->first;
    CHECK(t.read({"speed"}, {first, first}).at("speed").size() == 1); // both ends inclusive
    CHECK(t.read({"pressure"}, {-1000, 10'000}).empty());
  }
}

TEST_CASE("each_stretch: a long interval comes in stretches and the tail counts once") {
  recorded_twin t;
  for (std::int64_t i = 0; i < 2000; ++i) t.write(i, static_cast<double>(i), "speed");
  auto report = seal(*t.tail, *t.blocks, shard, t.tail->end(shard), 1'000'000,
                     [](std::uint32_t, std::string_view) { return 0U; });
  REQUIRE(report.ok()); // sealed and not trimmed: everything is there twice
  series_origin origin;
  std::size_t points = 0;
  REQUIRE(each_stretch(*t.tail, *t.blocks, twin, {}, {0, 5000}, origin,
                       [&](const std::string&, std::span<const point> p) { points += p.size(); })
              .ok());
  CHECK(points == 2000);
  CHECK(origin.hot);
  CHECK_FALSE(origin.tail);
  CHECK(origin.names() == std::vector<std::string>{"hot"});
}

TEST_CASE("summary: agrees with the plain formulas") {
  std::mt19937 random(7);
  std::vector<point> points;
  long double sum = 0;
  for (std::int64_t i = 0; i < 1000; ++i) {
    points.push_back({i, 1e6 + static_cast<double>(random() % 1000) / 7});
    sum += points.back().value;
  }
  const auto s = summary_of(points);
  const auto mean = sum / 1000;
  long double squares = 0;
  for (const auto& p : points) squares += (p.value - mean) * (p.value - mean);
  CHECK(s.count() == 1000);
  CHECK(s.sum() == doctest::Approx(static_cast<double>(sum)).epsilon(1e-15));
  CHECK(s.mean() == doctest::Approx(static_cast<double>(mean)).epsilon(1e-15));
  CHECK(s.sample_stddev() ==
        doctest::Approx(std::sqrt(static_cast<double>(squares / 999))).epsilon(1e-9));
  CHECK(s.first().time_ns == 0);
  CHECK(s.last().time_ns == 999);
}

TEST_CASE("bucketing: buckets stand on whole widths, before 1970 as well") {
  bucketing b(0, 10);
  for (const std::int64_t t : {-21, -20, -11, -10, -1, 0, 9, 10}) b.add({t, 1});
  std::vector<std::pair<std::int64_t, std::uint64_t>> found;
  for (const auto& one : b.buckets()) found.emplace_back(one.from_ns, one.of.count());
  CHECK(found == std::vector<std::pair<std::int64_t, std::uint64_t>>{
                     {-30, 1}, {-20, 2}, {-10, 2}, {0, 2}, {10, 1}});
}

TEST_CASE("m4: keeps first, least, greatest and last of each bucket, in order, none twice") {
  bucketing b(0, 10);
  const std::vector<double> values{5, 9, 1, 7, 4, 4, 4, 4, 4, 4, 3};
  for (std::size_t i = 0; i < values.size(); ++i) b.add({static_cast<std::int64_t>(i), values[i]});
  std::vector<std::pair<std::int64_t, double>> found;
  for (const auto& p : m4(b.buckets())) found.emplace_back(p.time_ns, p.value);
  CHECK(found ==
        std::vector<std::pair<std::int64_t, double>>{{0, 5}, {1, 9}, {2, 1}, {9, 4}, {10, 3}});
}

TEST_CASE("completeness: counts what came, what was due, and names the gaps") {
  recorded_twin t;
  const auto minute = 60 * ns_per_s;
  for (std::int64_t i = 0; i < 120; ++i)
    if (i < 30 || i >= 45) t.write(i * minute, 1, "speed");
  t.write(50 * minute, 1, "temperature"); // the same instant: one reading
  series_origin origin;
  auto report =
      completeness_of(*t.tail, *t.blocks, twin, {0, 120 * minute - 1}, 60 * minute, 0, origin);
  REQUIRE(report.ok());
  CHECK(report->expected_ns == minute); // found
  REQUIRE(report->periods.size() == 2);
  CHECK(report->periods[0].readings == 45);
  CHECK(report->periods[0].expected == 60);
  CHECK(report->periods[1].readings == 60);
  CHECK(report->periods[1].expected == 60);
  REQUIRE(report->gaps.size() == 1);
  CHECK(report->gaps[0].from_ns == 29 * minute);
  CHECK(report->gaps[0].to_ns == 45 * minute);
  CHECK(report->gaps[0].missing == 15);

  SUBCASE("a stated distance and an interval beyond the readings") {
    report =
        completeness_of(*t.tail, *t.blocks, twin, {-10 * minute, 125 * minute}, 0, minute, origin);
    REQUIRE(report.ok());
    REQUIRE(report->periods.size() == 1);
    CHECK(report->periods[0].readings == 105);
    CHECK(report->gaps_total == 3);
    CHECK(report->gaps.front().from_ns == -10 * minute);
  }
  SUBCASE("too many periods are refused") {
    report =
        completeness_of(*t.tail, *t.blocks, twin, {0, 120 * minute}, ns_per_ms, minute, origin);
    REQUIRE_FALSE(report.ok());
    CHECK(report.error().code == errc::invalid_argument);
  }
}
