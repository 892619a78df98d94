// SPDX-License-Identifier: Apache-2.0
// Folds, quantiles and different values of any interval of a series: against long double, and to
// the bit against a series that never remembered anything. Late readings, corrections, gaps,
// questions about earlier times, truncation, saving and loading in between.
#include "domain/window/fold.hpp"
#include "domain/window/sorted_values.hpp"
#include "tests/unit/domain/window/slow_series.hpp"
#include "tests/unit/domain/window/window_fixture.hpp"

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

constexpr std::int64_t s = ns_per_s;

bool in_order(const aggregate& a) {
  return a.kind == aggregate_kind::quantile || a.kind == aggregate_kind::distinct;
}

/// All aggregates at once, each alone, and a few together: what is remembered differs.
std::vector<aggregate_plan> plans() {
  std::vector<aggregate_plan> out(2);
  for (const auto& a : all_aggregates()) {
    out[0].choose(a);
    if (a.name == "sum" || a.name == "slope" || a.name == "counter_delta") out[1].choose(a);
    if (in_order(a)) continue;
    out.emplace_back();
    out.back().choose(a);
  }
  for (auto& p : out)
    if (p.ewma) p.half_life_ns = 60 * s;
  return out;
}

series reloaded(const series& of, std::int64_t span, std::size_t most, bool beyond = false) {
  std::string bytes = saved(of);
  series again(span, most);
  byte_reader in(bytes);
  REQUIRE(again.load(in, beyond));
  return again;
}

bool same_bits(std::optional<double> a, std::optional<double> b) {
  return a.has_value() == b.has_value() && (!a || bits(*a) == bits(*b));
}

struct asked {
  std::int64_t span, from, to;
};

std::optional<double> answer(const series& of, const aggregate_plan& plan, const aggregate& a,
                             const asked& q) {
  if (a.kind == aggregate_kind::quantile) return of.quantile(a.permille, q.span, q.from, q.to);
  if (a.kind == aggregate_kind::distinct) return of.distinct(q.span, q.from, q.to);
  return of.folded(plan, q.from, q.to).value(a, q.to);
}

void check_plainly(const series& of, const aggregate_plan& plan, const asked& q) {
  samples inside;
  of.each(q.from, q.to, [&](std::int64_t t, double v) { inside.push_back({t, v}); });
  for (const auto& a : plan.chosen) {
    CAPTURE(a.name);
    auto got = answer(of, plan, a, q);
    if (a.kind == aggregate_kind::distinct && inside.empty()) CHECK_FALSE(got.has_value());
    // A slope is per second, of values around 100.
    const double scale = a.kind == aggregate_kind::slope ? 1 : 100;
    CHECK(agrees(got, plainly(a.name, inside, q.to), scale));
  }
}

void check_bits(const series& of, const series& other, const aggregate_plan& plan, const asked& q) {
  for (const auto& a : plan.chosen) {
    CAPTURE(a.name);
    CHECK(same_bits(answer(of, plan, a, q), answer(other, plan, a, q)));
  }
}

/// A value with all of its digits.
double value_of(std::mt19937_64& random, std::int64_t t) {
  return 100 + static_cast<double>(random() >> 11) / 1e15 +
         static_cast<double>(t % (700 * s)) / static_cast<double>(40 * s);
}

} // namespace

TEST_CASE("property: a fold of any interval agrees with long double and with one made anew") {
  struct shape {
    std::size_t inside;
    int readings;
    int checked_each;
  };
  const shape shapes[] = {
      {3, 300, 3}, {9, 300, 3}, {30, 400, 5}, {300, 1200, 40}, {3600, 9000, 700}};
  const auto all = plans();
  for (const auto& of : shapes)
    for (unsigned seed = 0; seed < 4; ++seed) {
      CAPTURE(of.inside);
      CAPTURE(seed);
      std::mt19937_64 random{seed};
      const auto below = [&](std::int64_t n) {
        return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n));
      };
      const std::int64_t span = static_cast<std::int64_t>(of.inside) * s;
      const std::size_t most = seed == 3 ? of.inside * 2 / 3 + 1 : 200'000;
      const std::int64_t back = 20 * s; // readings are kept for so long beyond the span
      series fast(span, most);
      std::int64_t now = -2 * span;
      for (int i = 0; i < of.readings; ++i) {
        now += below(300) == 0 ? below(span) : 1 + below(2 * s);
        const auto kind = below(10);
        const std::int64_t t = kind == 0 ? now - below(span) : kind == 1 ? now - below(back) : now;
        fast.insert(t, value_of(random, t), saturating_add(now, -span - back));
        if (below(50) == 0) fast.insert(fast.newest_ns(), 7); // a correction
        // One plan after the other, and every one of them now and then.
        const auto& plan =
            all[static_cast<std::size_t>(below(static_cast<std::int64_t>(all.size())))];
        const std::int64_t end = fast.newest_ns();
        const asked newest{span, end - span, end};
        (void)answer(fast, plan, plan.chosen[0], newest);
        (void)answer(fast, all[0], all[0].chosen[0], newest);
        if (i % of.checked_each != 0) continue;
        const std::int64_t earlier = end - below(back);
        const asked before{span, earlier - span, earlier};
        const std::int64_t any_to = end - below(span), length = 1 + below(span);
        const asked any{length, any_to - length, any_to};
        const series fresh = reloaded(fast, span, most, true);
        for (const auto& q : {newest, before, any, newest}) {
          CAPTURE(q.from);
          CAPTURE(q.to);
          check_plainly(fast, plan, q);
          check_bits(fast, fresh, plan, q);
          check_bits(fast, reloaded(fast, span, most, true), plan, q);
        }
        check_bits(fast, fresh, all[0], newest);
        if (below(10) == 0) fast = reloaded(fast, span, most, true);
      }
    }
}

TEST_CASE("property: folds of shuffled readings have the same bits at every time") {
  const auto all = plans();
  for (unsigned seed = 0; seed < 12; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    const std::int64_t span = (seed % 2 == 0 ? 30 : 1000) * s, disorder = 15 * s;
    const auto& plan = all[seed % all.size()];
    samples readings;
    std::int64_t t = -500 * s;
    for (int i = 0; i < 2500; ++i) {
      t += 1 + static_cast<std::int64_t>(random() % (2 * s));
      readings.push_back({t, value_of(random, t)});
    }
    std::vector<std::pair<std::int64_t, sample>> arrivals;
    for (const auto& r : readings)
      arrivals.push_back(
          {r.t + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(disorder)), r});
    std::stable_sort(arrivals.begin(), arrivals.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    series ordered(span + 2 * disorder), shuffled(span + 2 * disorder);
    std::size_t known = 0;
    for (const auto& [when, r] : arrivals) {
      shuffled.insert(r.t, r.v);
      const asked now{span, shuffled.newest_ns() - span, shuffled.newest_ns()};
      (void)answer(shuffled, plan, plan.chosen[0], now);
      // Up to here nothing is missing any more.
      const std::int64_t end = when - disorder;
      while (known < readings.size() && readings[known].t <= end) {
        ordered.insert(readings[known].t, readings[known].v);
        ++known;
      }
      if (known == 0) continue;
      check_bits(ordered, shuffled, plan, {span, end - span, end});
    }
  }
}

TEST_CASE("property: the last n readings fold like long double, and the same after a load") {
  const auto all = plans();
  for (const std::size_t last : {1UL, 2UL, 8UL, 9UL, 50UL, 700UL})
    for (const auto& plan : {all[0], all[1]}) {
      CAPTURE(last);
      std::mt19937_64 random{last};
      series fast(never, last);
      std::int64_t t = -1000 * s;
      for (std::size_t i = 0; i < 4 * last + 60; ++i) {
        t += 1 + static_cast<std::int64_t>(random() % (random() % 30 == 0 ? 5000 * s : 2 * s));
        fast.insert(t, value_of(random, t));
        if (random() % 4 != 0) (void)fast.folded(plan);
        if (i % (1 + last / 20) != 0) continue;
        const series fresh = reloaded(fast, never, last);
        samples inside;
        fast.each(no_time, never, [&](std::int64_t at, double v) { inside.push_back({at, v}); });
        REQUIRE(inside.size() == std::min(last, i + 1));
        for (const auto& a : plan.chosen) {
          CAPTURE(a.name);
          if (in_order(a)) continue;
          const auto got = fast.folded(plan).value(a, t);
          CHECK(agrees(got, plainly(a.name, inside, t), 100));
          CHECK(same_bits(got, fresh.folded(plan).value(a, t)));
        }
        if (random() % 10 == 0) fast = reloaded(fast, never, last);
      }
    }
}

TEST_CASE("property: sorted values are a sorted list, whatever is added and taken away") {
  for (unsigned seed = 0; seed < 6; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    sorted_values fast;
    std::multiset<double> slow;
    std::vector<double> first;
    for (unsigned i = 0; i < seed * 700; ++i)
      first.push_back(static_cast<double>(random() % 900) - 450);
    slow.insert(first.begin(), first.end());
    fast.assign(first);
    for (int i = 0; i < 6000; ++i) {
      const bool shrinks = i > 3000;
      const double v = seed % 2 == 0 ? static_cast<double>(random() % 900) - 450
                                     : static_cast<double>(i % 2000) + 0.25;
      if (random() % 5 < (shrinks ? 1 : 3)) {
        fast.add(v);
        slow.insert(v);
      } else if (!slow.empty()) {
        const double gone = *std::next(
            slow.begin(),
            static_cast<std::ptrdiff_t>(random() % std::min<std::size_t>(slow.size(), 40)));
        REQUIRE(fast.remove(gone));
        slow.erase(slow.find(gone));
      }
      CHECK_FALSE(fast.remove(0.125));
      REQUIRE(fast.size() == slow.size());
      if (slow.empty() || i % 20 != 0) continue;
      CHECK(fast.distinct() == std::set<double>(slow.begin(), slow.end()).size());
      for (const unsigned q : {1U, 500U, 950U, 1000U})
        CHECK(fast.quantile(q) ==
              *std::next(slow.begin(), static_cast<std::ptrdiff_t>(rank_of(slow.size(), q)) - 1));
    }
  }
}

TEST_CASE("a window that is asked at every reading allocates nothing for it once warm") {
  for (const auto& plan : plans()) {
    CAPTURE(plan.chosen[0].name);
    series readings(300 * s);
    std::size_t warm = 0, bytes = 0;
    for (std::int64_t t = 0; t < 5000; ++t) {
      readings.insert(t * s, static_cast<double>(t % 17));
      for (const auto& a : plan.chosen)
        (void)answer(readings, plan, a, {300 * s, t * s - 300 * s, t * s});
      bytes = std::max(bytes, readings.memory_bytes());
      if (t == 2500) warm = bytes;
    }
    CHECK(bytes == warm);
    CHECK(bytes <= 300 * (20 + 8 + 16) + 3000); // a reading, its folds, its value in order
  }
}
