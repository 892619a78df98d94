// SPDX-License-Identifier: Apache-2.0
#include "actors/live_search.hpp"
#include "actors/search_columns.hpp"
#include "actors/search_run.hpp"
#include "tests/unit/domain/search/search_fixture.hpp"
#include <deque>
#include <doctest/doctest.h>
#include <random>
#include <set>

using namespace pollux;
using namespace pollux::actors;
using domain::value_view;

namespace {

constexpr std::uint32_t shards = 4;

struct searched {
  searched(const domain::testing::search_models& models, const std::string& id,
           std::string_view model, twin_place where)
      : twin(models, id, model), place(where) {}
  domain::testing::made_twin twin;
  twin_turn turn;
  twin_place place;
  bool lives = true, awake = true;
};

struct fleet {
  domain::testing::search_models models;
  search_board board{shards};
  std::deque<searched> twins;

  searched& add() {
    const auto i = static_cast<std::uint32_t>(twins.size());
    auto& one =
        twins.emplace_back(models, "s:t" + std::to_string(100 + i), i % 2 == 0 ? "pump" : "motor",
                           twin_place{i % shards, i / shards});
    board.awake(one.place, one.turn, one.twin.state);
    return one;
  }
  void reading(searched& one, double t) {
    one.turn.begin();
    one.twin.reading({{"t", value_view::of(t)},
                      {"lat", value_view::of(t)},
                      {"lon", value_view::of(-t)},
                      {"state", value_view::of(t > 50 ? "a rather long text, high" : "low")}});
    one.turn.end(true);
  }
  void sleep(searched& one) {
    board.asleep(one.place, one.turn, one.twin.state);
    one.awake = false;
  }
  void wake(searched& one) {
    board.awake(one.place, one.turn, one.twin.state);
    one.awake = true;
  }
  void end(searched& one) {
    if (!one.awake) wake(one);
    board.gone(one.place, one.turn);
    one.lives = false;
  }
};

messages::twin_search question(std::mt19937& dice) {
  static const char* const filters[] = {"",
                                        "gt(telemetry/t,50)",
                                        "and(le(windows/w/mean,60),ne(telemetry/state,\"low\"))",
                                        "eq(telemetry/state,\"a rather long text, high\")",
                                        "ge(alerts/severity,\"critical\")",
                                        "or(eq(alerts/hot/state,\"active\"),lt(telemetry/t,10))",
                                        "not(exists(properties/line))",
                                        "eq(properties/line,\"L1\")",
                                        "lt(age,30)",
                                        "gt(telemetry/t/age,20)",
                                        "eq(awake,false)",
                                        "like(id,\"s:t1*\")",
                                        "within_radius(40,-40,1500000)",
                                        "within_box(0,-60,60,0)"};
  static const char* const orders[] = {
      "",           "-telemetry/t",    "telemetry/state,-id",
      "model,-age", "nearest(30,-30)", "-last_event_time,alerts/count"};
  messages::twin_search q;
  q.filter = filters[dice() % std::size(filters)];
  q.sort = orders[dice() % std::size(orders)];
  q.fields = "id,awake,telemetry/t,telemetry/state,properties,alerts/count,age";
  q.limit = 1 + static_cast<std::uint32_t>(dice() % 20);
  q.count = true;
  return q;
}

constexpr std::int64_t asked_ns = domain::testing::start_ns + 60'000'000'000;

std::string answer(fleet& of, search_columns& columns, const messages::twin_search& q) {
  auto run = search_run::compile(q, asked_ns);
  REQUIRE(run);
  std::vector<search_board::missing_twin> missing;
  columns.choose({(*run)->paths().begin(), (*run)->paths().end()});
  for (std::uint32_t shard = 0; shard < shards; ++shard) columns.update(shard, missing);
  CHECK(missing.empty());
  for (std::uint32_t shard = 0; shard < shards; ++shard)
    columns.each(shard, [&](twin_place place, const std::string& id, auto all) {
      (*run)->take(place, id, all);
    });
  const auto found = (*run)->finish([&](twin_place place, const auto& then) {
    (void)of.board.one(place, [&](const domain::searched_twin& twin, std::uint32_t) {
      then(twin, columns.of(place.shard));
    });
  });
  REQUIRE(found);
  return found->document + found->next + std::to_string(found->total);
}

} // namespace

TEST_CASE("kept columns give what columns read anew give, whatever the twins do") {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    std::mt19937 dice(seed);
    fleet of;
    of.board.keep_sleepers(true);
    search_columns kept(of.board, seed % 2 == 0 ? 4000 : 1 << 20); // room for few columns, for all
    for (int i = 0; i < 40; ++i) of.reading(of.add(), double(dice() % 100));
    for (int round = 0; round < 60; ++round) {
      for (auto& one : of.twins) {
        if (!one.lives) continue;
        const auto what = dice() % 40;
        if (one.awake && what < 6) of.reading(one, double(dice() % 100));
        if (one.awake && what == 6) of.sleep(one);
        if (!one.awake && what == 7) of.wake(one);
        if (what == 8 && dice() % 8 == 0) of.end(one);
        if (one.awake && what == 9) {
          one.turn.begin();
          one.twin.properties("{\"line\":\"L" + std::to_string(dice() % 3) + "\"}");
          one.turn.end(true);
        }
      }
      if (dice() % 4 == 0) of.reading(of.add(), double(dice() % 100));
      const auto q = question(dice);
      CAPTURE(q.filter);
      CAPTURE(q.sort);
      const auto by_kept = answer(of, kept, q);
      search_columns anew(of.board); // has seen no row before, so it reads them all
      CHECK(answer(of, anew, q) == by_kept);
    }
  }
}

TEST_CASE("columns that nobody asks for give way to others") {
  fleet of;
  for (int i = 0; i < 200; ++i) of.reading(of.add(), i % 100);
  search_columns columns(of.board, 10'000);
  for (const char* filter : {"gt(telemetry/t,1)", "gt(telemetry/lat,1)", "gt(telemetry/lon,1)",
                             "gt(windows/w/mean,1)", "gt(age,1)", "gt(readings,1)"}) {
    messages::twin_search q;
    q.filter = filter;
    (void)answer(of, columns, q);
    CHECK(columns.bytes() < 20'000); // the bound and one question's
  }
  columns.forget();
  CHECK(columns.bytes() == 0);
}

TEST_CASE("a watcher who pulls late gets what is, once") {
  fleet of;
  auto& a = of.add();
  auto& b = of.add();
  of.reading(a, 60);
  of.reading(b, 10);
  auto search = live_search::compile({"gt(telemetry/t,50)", "id,telemetry/t/value", {}});
  REQUIRE(search);
  auto& live = **search;
  live.at(asked_ns);
  const auto look = [&](twin_place place, const auto& then) {
    (void)of.board.one(place,
                       [&](const domain::searched_twin& twin, std::uint32_t) { then(twin); });
  };
  const auto changed = [&](searched& one) {
    look(one.place, [&](const domain::searched_twin& twin) { live.take(one.place, twin); });
  };
  const auto told = [&](std::uint64_t acknowledged, std::uint32_t limit = 100) {
    std::string out;
    for (const auto& e : live.pull({0, acknowledged, limit}, look).events)
      out += std::to_string(e.number) + e.kind + " " + e.twin + ";";
    return out;
  };
  changed(a);
  changed(b);
  CHECK(told(0) == "1enter s:t100;");
  CHECK(told(0) == "1enter s:t100;"); // until it is acknowledged
  CHECK(told(1).empty());
  for (int t = 61; t < 70; ++t) {
    of.reading(a, t);
    changed(a);
  }
  CHECK(told(1) == "2update s:t100;"); // the last of nine
  changed(a);                          // nothing that it shows
  CHECK(told(2).empty());
  of.reading(b, 90);
  changed(b);
  of.reading(b, 10); // in and out again before anybody asked
  changed(b);
  of.reading(a, 20);
  changed(a);
  CHECK(told(2) == "3leave s:t100;");
  of.reading(a, 60);
  changed(a);
  of.reading(b, 70);
  changed(b);
  CHECK(told(3, 1) == "4enter s:t100;");
  of.end(b); // while it waits
  live.lost(b.place);
  CHECK(told(4).empty());
  CHECK(live.members() == 1);
  of.end(a);
  live.lost(a.place);
  CHECK(told(4) == "5leave s:t100;");
  CHECK(live.members() == 0);
}
