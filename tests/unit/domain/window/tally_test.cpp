// SPDX-License-Identifier: Apache-2.0
// Aggregates against long double, in one fold and merged from parts; sketches in any order.
#include "domain/window/distinct_counter.hpp"
#include "domain/window/sorted_values.hpp"
#include "domain/window/tally.hpp"
#include "domain/window/value_sketch.hpp"
#include "tests/unit/domain/window/window_fixture.hpp"

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

aggregate_plan everything() {
  aggregate_plan plan;
  plan.half_life_ns = 60 * ns_per_s;
  for (const auto& a : all_aggregates()) plan.choose(a);
  return plan;
}

template <class T, class... More> std::string bytes_of(const T& thing, const More&... more) {
  std::string bytes;
  byte_writer out(bytes);
  thing.save(more..., out);
  return bytes;
}

samples random_readings(std::mt19937_64& random, std::size_t count, double offset, double scale) {
  std::normal_distribution<double> noise(offset, scale);
  samples out;
  std::int64_t t = -5 * ns_per_s;
  for (std::size_t i = 0; i < count; ++i) {
    t += 1 + static_cast<std::int64_t>(random() % (20 * ns_per_s));
    out.push_back({t, noise(random)});
  }
  return out;
}

} // namespace

TEST_CASE("property: every aggregate agrees with long double, folded at once or merged of parts") {
  const auto plan = everything();
  struct kind {
    double offset, scale, error;
  };
  // The last is a large offset: what is left of the digits bounds what can be asked.
  for (const kind& of : {kind{20, 5, 1e-12}, kind{0, 1e-3, 1e-12}, kind{1e9, 1, 1e-6}})
    for (unsigned seed = 0; seed < 60; ++seed) {
      CAPTURE(of.offset);
      CAPTURE(seed);
      std::mt19937_64 random{seed};
      const auto all = random_readings(random, 1 + seed * seed % 400, of.offset, of.scale);
      tally whole, merged, part;
      for (const auto& r : all) {
        whole.add(plan, r.t, r.v);
        part.add(plan, r.t, r.v);
        if (random() % 9 != 0) continue;
        merged.merge(plan, part);
        part.clear();
      }
      merged.merge(plan, part);
      const std::int64_t end = all.back().t + static_cast<std::int64_t>(random() % ns_per_s);
      for (const auto& a : plan.chosen) {
        CAPTURE(a.name);
        const double want = plainly(a.name, all, end);
        const double scale = a.kind == aggregate_kind::slope           ? of.scale / 100
                             : a.kind == aggregate_kind::circular_mean ? std::max(1.0, of.scale)
                                                                       : of.scale;
        CHECK(agrees(whole.value(a, end), want, scale, of.error));
        CHECK(agrees(merged.value(a, end), want, scale, of.error));
      }
    }
}

TEST_CASE("sums keep what rounding would lose") {
  aggregate_plan plan;
  for (const auto& a : all_aggregates())
    if (a.name == "sum" || a.name == "mean") plan.choose(a);
  tally t, later;
  t.add(plan, 1, 1e16);
  for (int i = 0; i < 1000; ++i) t.add(plan, 2 + i, 1);
  later.add(plan, 5000, -1e16);
  t.merge(plan, later);
  CHECK(t.value({"sum", aggregate_kind::sum}, 0) == 1000);
}

TEST_CASE("too few readings give no verdict instead of a number") {
  const auto plan = everything();
  tally t;
  for (const auto& a : plan.chosen) {
    CAPTURE(a.name);
    const bool known = a.kind == aggregate_kind::count || a.kind == aggregate_kind::sum;
    CHECK(t.value(a, 0).has_value() == known);
  }
  t.add(plan, 100, 7);
  for (const auto& a : plan.chosen) {
    CAPTURE(a.name);
    const bool two = a.kind == aggregate_kind::sd || a.kind == aggregate_kind::rate ||
                     a.kind == aggregate_kind::slope;
    CHECK(t.value(a, 100).has_value() == !two);
  }
  CHECK(t.value({"time_weighted_mean", aggregate_kind::time_weighted_mean}, 100) == 7);
}

TEST_CASE("values so large that a sum overflows give an unknown result, not an infinite one") {
  const auto plan = everything();
  tally t;
  for (int i = 0; i < 4; ++i) t.add(plan, i, 1.7e308);
  CHECK_FALSE(t.value({"sum", aggregate_kind::sum}, 0).has_value());
  CHECK(t.value({"max", aggregate_kind::max}, 0) == 1.7e308);
}

TEST_CASE("a counter that falls has begun anew at zero") {
  aggregate_plan plan;
  for (const auto& a : all_aggregates())
    if (a.name == "counter_delta") plan.choose(a);
  tally t;
  std::int64_t at = 0;
  for (const double v : {100.0, 130.0, 5.0, 25.0, 25.0, 3.0}) t.add(plan, ++at, v);
  CHECK(t.value(plan.chosen[0], 0) == 30 + 5 + 20 + 0 + 3);
}

TEST_CASE("directions have a mean across north, and none when they cancel") {
  aggregate_plan plan;
  for (const auto& a : all_aggregates())
    if (a.name == "circular_mean") plan.choose(a);
  tally north, none;
  north.add(plan, 1, 350);
  north.add(plan, 2, 20);
  CHECK(*north.value(plan.chosen[0], 0) == doctest::Approx(5).epsilon(1e-13));
  none.add(plan, 1, 90);
  none.add(plan, 2, 270);
  CHECK_FALSE(none.value(plan.chosen[0], 0).has_value());
}

TEST_CASE("property: a sketch is the same in any order and from any parts, and exact while small") {
  for (unsigned seed = 0; seed < 60; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    std::normal_distribution<double> noise(seed % 3 == 0 ? 0 : 50, seed % 5 == 0 ? 1e6 : 3);
    std::vector<double> values(seed % 4 == 0 ? 30 + seed * 8 : 600 + seed * 200);
    for (auto& v : values) v = seed % 2 == 0 ? noise(random) : std::round(noise(random) * 8) / 8;
    value_sketch ordered, shuffled, parts, part;
    distinct_counter one, other, merged, piece;
    for (const double v : values) {
      ordered.add(v);
      one.add(v);
    }
    std::shuffle(values.begin(), values.end(), random);
    for (const double v : values) {
      shuffled.add(v);
      part.add(v);
      other.add(v);
      piece.add(v);
      if (random() % 300 != 0) continue;
      parts.merge(part);
      merged.merge(piece);
      part.clear();
      piece.clear();
    }
    parts.merge(part);
    merged.merge(piece);
    CHECK(bytes_of(ordered) == bytes_of(shuffled));
    CHECK(bytes_of(ordered) == bytes_of(parts));
    CHECK(bytes_of(one) == bytes_of(other));
    CHECK(bytes_of(one) == bytes_of(merged));
    std::sort(values.begin(), values.end());
    const auto different =
        static_cast<std::size_t>(std::set<double>(values.begin(), values.end()).size());
    CHECK((ordered.level() == 0) == (different <= value_sketch::max_steps));
    if (different <= distinct_counter::max_exact)
      CHECK(one.estimate() == static_cast<double>(different));
    for (const unsigned q : {1U, 10U, 250U, 500U, 900U, 990U, 999U, 1000U}) {
      CAPTURE(q);
      const double want = values[static_cast<std::size_t>(rank_of(values.size(), q)) - 1];
      const double got = ordered.quantile(q, values.front(), values.back());
      if (ordered.level() == 0)
        CHECK(got == want);
      else // never further off than half a step: 2^level neighbouring doubles
        CHECK(std::fabs(got - want) <=
              std::fabs(want) * std::exp2(static_cast<double>(ordered.level()) - 52));
    }
  }
}

TEST_CASE("the stated error of a quantile holds: 2^-10 for values within a factor of two") {
  std::mt19937_64 random{8};
  std::uniform_real_distribution<double> pick(64, 127.9);
  value_sketch sketch;
  std::vector<double> values(200'000);
  for (auto& v : values) sketch.add(v = pick(random));
  std::sort(values.begin(), values.end());
  for (unsigned q = 1; q < 1000; ++q) {
    const double want = values[static_cast<std::size_t>(rank_of(values.size(), q)) - 1];
    REQUIRE(std::fabs(sketch.quantile(q, values.front(), values.back()) - want) <= want / 1024);
  }
  CHECK(sketch.heap_bytes() <= 16 * (value_sketch::max_steps + 1));
}

TEST_CASE("a sketch takes both signs, zeros and the ends of double") {
  value_sketch s;
  for (const double v : {-1e308, -5.0, -0.0, 0.0, 5e-324, 1e308}) s.add(v);
  CHECK(s.quantile(1, -1e308, 1e308) == -1e308);
  CHECK(s.quantile(500, -1e308, 1e308) == 0);
  CHECK(s.quantile(1000, -1e308, 1e308) == 1e308);
  for (int i = 0; i < 2000; ++i) s.add((i % 2 == 0 ? 1 : -1) * std::exp2(i % 900 - 400));
  for (const unsigned q : {1U, 300U, 500U, 1000U})
    CHECK(std::isfinite(s.quantile(q, -1e308, 1e308)));
}

TEST_CASE("many different values are counted to a few percent") {
  for (const int count : {513, 2000, 20'000, 300'000}) {
    CAPTURE(count);
    double worst = 0;
    for (int seed = 1; seed <= 5; ++seed) {
      distinct_counter c;
      for (int i = 0; i < count; ++i) c.add(static_cast<double>(i) * seed + 0.5);
      for (int i = 0; i < count; i += 3) c.add(static_cast<double>(i) * seed + 0.5);
      worst = std::max(worst, std::fabs(c.estimate() / count - 1));
      CHECK(c.heap_bytes() <= 2 * distinct_counter::registers);
    }
    CHECK(worst <= 0.07); // three standard errors
  }
}

TEST_CASE("property: a saved tally read back goes on as if nothing had been") {
  const auto plan = everything();
  for (unsigned seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    const auto all = random_readings(random, 40 + seed * 70, 3, 100);
    tally through, copy;
    for (const auto& r : all) {
      through.add(plan, r.t, r.v);
      copy.add(plan, r.t, r.v);
      if (random() % 60 != 0) continue;
      const auto bytes = bytes_of(copy, plan);
      byte_reader in(bytes);
      tally again;
      REQUIRE(again.load(plan, in));
      REQUIRE(in.at_end());
      copy = std::move(again);
    }
    CHECK(bytes_of(through, plan) == bytes_of(copy, plan));
  }
}

TEST_CASE("property: damaged bytes of a tally are refused or read, never more") {
  const auto plan = everything();
  std::mt19937 random{3};
  tally original;
  for (int i = 0; i < 700; ++i) original.add(plan, i * ns_per_s, static_cast<double>(i) / 3);
  const auto good = bytes_of(original, plan);
  int refused = 0;
  for (int i = 0; i < 4000; ++i) {
    std::string bytes = good;
    for (int n = 0; n <= i % 3; ++n)
      bytes[random() % (i % 2 == 0 ? bytes.size() : 400)] = static_cast<char>(random() % 256);
    if (i % 4 == 0) bytes.resize(random() % bytes.size());
    byte_reader in(bytes);
    tally t;
    if (t.load(plan, in))
      for (const auto& a : plan.chosen) (void)t.value(a, never);
    else
      ++refused;
  }
  CHECK(refused > 500);
}
