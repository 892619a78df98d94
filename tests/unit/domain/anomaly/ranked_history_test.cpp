// SPDX-License-Identifier: Apache-2.0
// Order statistics of the last so many numbers, against sorting them each time; and the turns of an
// alert by its score.
#include "domain/anomaly/episode.hpp"
#include "domain/anomaly/ranked_history.hpp"
#include <algorithm>
#include <deque>
#include <doctest/doctest.h>
#include <random>

using namespace pollux;
using namespace pollux::domain;

namespace {

double slow_quantile(const std::deque<double>& last, double share) {
  if (last.empty()) return 0;
  std::vector<double> sorted(last.begin(), last.end());
  std::sort(sorted.begin(), sorted.end());
  const auto rank = static_cast<std::size_t>(share * static_cast<double>(sorted.size()));
  return sorted[std::min(rank, sorted.size() - 1)];
}

std::string turns(const episode_rule& rule, std::initializer_list<double> scores) {
  episode e;
  bool active = false;
  std::string out;
  for (const double s : scores) {
    const auto turn = e.next(rule, s, active);
    if (turn == episode::turn::raise) active = true;
    if (turn == episode::turn::clear) active = false;
    out += turn == episode::turn::raise ? 'R' : turn == episode::turn::clear ? 'C' : '.';
  }
  return out;
}

} // namespace

TEST_CASE("a history's quantiles are those of its sorted numbers, also after saving") {
  for (unsigned seed = 0; seed < 30; ++seed) {
    std::mt19937 random(seed);
    const std::size_t most = 1 + random() % 40;
    ranked_history history(most);
    std::deque<double> last;
    for (int i = 0; i < 300; ++i) {
      // few different numbers: equal ones must be told apart by place, not by value
      const double v = static_cast<double>(random() % 7) - 3;
      history.add(v);
      last.push_back(v);
      if (last.size() > most) last.pop_front();
      REQUIRE(history.size() == last.size());
      for (const double share : {0.0, 0.31, 0.5, 0.99, 1.0})
        REQUIRE(history.quantile(share) == slow_quantile(last, share));
      if (random() % 20 != 0) continue;
      std::string bytes, again;
      byte_writer out(bytes);
      history.save(out);
      ranked_history loaded(most);
      byte_reader in(bytes);
      REQUIRE(loaded.load(in));
      REQUIRE(in.at_end());
      byte_writer second(again);
      loaded.save(second);
      REQUIRE(bytes == again);
      history = std::move(loaded);
    }
  }
}

TEST_CASE("a history refuses damage without believing its count") {
  std::string bytes;
  byte_writer out(bytes);
  out.u32(4'000'000'000U);
  out.f64(1);
  ranked_history history(5);
  byte_reader in(bytes);
  CHECK_FALSE(history.load(in));
  std::string not_finite;
  byte_writer bad(not_finite);
  bad.u32(1);
  bad.u64(0x7ff0000000000000U);
  byte_reader from(not_finite);
  CHECK_FALSE(history.load(from));
}

TEST_CASE("a history keeps what is finite only") {
  ranked_history history(3);
  history.add(1e308 * 10);
  CHECK(history.size() == 0);
  CHECK(history.quantile(0.5) == 0);
}

TEST_CASE("an alert is raised above its limit and cleared at or below its clear") {
  const episode_rule rule{.limit = 2, .clear = 1};
  CHECK(turns(rule, {2, 2.5, 1.5, 3, 1, 1.5, 2.1}) == ".R..C.R");
}

TEST_CASE("repeat asks for scores above the limit in a row") {
  const episode_rule rule{.limit = 2, .clear = 2, .repeat = 3};
  CHECK(turns(rule, {3, 3, 1, 3, 3, 3, 1}) == ".....RC");
}

TEST_CASE("quiet asks for quiet scores in a row before an event is over") {
  const episode_rule rule{.limit = 2, .clear = 2, .quiet = 3};
  CHECK(turns(rule, {3, 1, 1, 3, 1, 1, 1, 3}) == "R.....CR");
}

TEST_CASE("recovery ends an alert whose echo fades, and the echo raises no other") {
  const episode_rule rule{.limit = 2, .clear = 1, .recovery = 0.1};
  // at 10 % of the peak of 100 it is over; 9 and 3 are its echo, 11 would be news
  CHECK(turns(rule, {100, 50, 11, 10, 9, 3}) == "R..C..");
  CHECK(turns(rule, {100, 10, 9, 11}) == "RC.R");
  // once it was quiet the echo is forgotten
  CHECK(turns(rule, {100, 10, 0.5, 3}) == "RC.R");
}
