// SPDX-License-Identifier: Apache-2.0
// How long a search over N twins takes (default 100,000): p50 and p99 of 200 runs of each question,
// with nothing of the wire around it (tests/bench/search asks a node over HTTP); CPU time beside,
// for a machine with other work. Between two runs none, a hundredth, or all of the twins change;
// then all are asleep. `first` is the first run of a question, whose columns are not there yet.
//   search_twins [twins] [runs]
#include "actors/search_columns.hpp"
#include "actors/search_run.hpp"
#include "tests/unit/domain/search/search_fixture.hpp"
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <random>

using namespace pollux;

namespace {

constexpr std::uint32_t shards = 64;

struct searched {
  searched(const domain::testing::search_models& models, const std::string& id,
           std::string_view model, actors::twin_place where)
      : twin(models, id, model), place(where) {}
  domain::testing::made_twin twin;
  actors::twin_turn turn;
  actors::twin_place place;
};

struct question {
  const char* name;
  messages::twin_search what;
};

std::vector<question> questions() {
  std::vector<question> out;
  const auto ask = [&](const char* name, const char* filter) -> messages::twin_search& {
    out.push_back({name, {}});
    out.back().what.filter = filter;
    return out.back().what;
  };
  ask("all, the first by id", "");
  ask("a value above a limit", "gt(telemetry/t,99.9)");
  ask("half of them, counted", "gt(telemetry/t,50)").count = true;
  ask("sorted by a value", "").sort = "-telemetry/t";
  ask("a window's mean", "and(eq(model,\"motor\"),gt(windows/w/mean,99.5))");
  ask("a property", "eq(properties/line,\"L7\")");
  ask("nearest", "within_radius(50,10,500000)").sort = "nearest(50,10)";
  ask("with an alert", "ge(alerts/severity,\"critical\")");
  auto& groups = ask("groups with a mean", "");
  groups.group_by = {"model"};
  groups.values = {"count", "mean(telemetry/t)"};
  return out;
}

double cpu_ms() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) / 1e6;
}

struct taken {
  double wall_ms, cpu_ms;
};

taken run(actors::search_board& board, actors::search_columns& columns,
          const messages::twin_search& q) {
  const auto began = std::chrono::steady_clock::now();
  const auto cpu_began = cpu_ms();
  auto search = actors::search_run::compile(q, domain::testing::start_ns + 60'000'000'000);
  if (!search) std::abort();
  std::vector<actors::search_board::missing_twin> missing;
  columns.choose({(*search)->paths().begin(), (*search)->paths().end()});
  for (std::uint32_t shard = 0; shard < shards; ++shard) columns.update(shard, missing);
  for (std::uint32_t shard = 0; shard < shards; ++shard)
    columns.each(shard, [&](actors::twin_place place, const std::string& id, auto of) {
      (*search)->take(place, id, of);
    });
  const auto answer = (*search)->finish([&](actors::twin_place place, const auto& then) {
    (void)board.one(place, [&](const domain::searched_twin& twin, std::uint32_t) {
      then(twin, columns.of(place.shard));
    });
  });
  if (!missing.empty() || !answer) std::abort();
  const std::chrono::duration<double, std::milli> wall = std::chrono::steady_clock::now() - began;
  return {wall.count(), cpu_ms() - cpu_began};
}

/// Every `one_in`th twin changes; 0: none.
void change(std::deque<searched>& fleet, std::size_t one_in) {
  if (one_in == 0) return;
  for (std::size_t i = 0; i < fleet.size(); i += one_in) {
    fleet[i].turn.begin();
    fleet[i].turn.end(true);
  }
}

void measure(actors::search_board& board, std::deque<searched>& fleet, const char* how, int runs,
             std::size_t one_in) {
  for (const auto& q : questions()) {
    actors::search_columns columns(board);
    change(fleet, 1);
    const auto first = run(board, columns, q.what);
    std::vector<double> wall, cpu;
    for (int i = 0; i < runs; ++i) {
      change(fleet, one_in);
      const auto t = run(board, columns, q.what);
      wall.push_back(t.wall_ms);
      cpu.push_back(t.cpu_ms);
    }
    const auto at = [](std::vector<double>& ms, double share) {
      std::ranges::sort(ms);
      return ms[std::min(ms.size() - 1, static_cast<std::size_t>(share * double(ms.size())))];
    };
    std::printf("%-12s %-24s p50 %6.2f ms  p99 %6.2f   of CPU: p50 %6.2f  p99 %6.2f  first %6.2f"
                "   %5.1f MB\n",
                how, q.name, at(wall, 0.5), at(wall, 0.99), at(cpu, 0.5), at(cpu, 0.99),
                first.cpu_ms, static_cast<double>(columns.bytes()) / 1e6);
  }
}

} // namespace

int main(int argc, char** argv) {
  const auto count = static_cast<std::size_t>(argc > 1 ? std::atoi(argv[1]) : 100'000);
  const int runs = argc > 2 ? std::atoi(argv[2]) : 200;
  std::mt19937 dice(1);
  const domain::testing::search_models models;
  actors::search_board board(shards);
  std::deque<searched> fleet;
  const auto number = [&](double from, double to) {
    return domain::value_view::of(from + (to - from) * static_cast<double>(dice() % 100'000) / 1e5);
  };
  for (std::size_t i = 0; i < count; ++i) {
    auto& one =
        fleet.emplace_back(models, "site" + std::to_string(dice() % 10) + ":t" + std::to_string(i),
                           i % 3 == 0 ? "pump" : "motor",
                           actors::twin_place{static_cast<std::uint32_t>(i % shards),
                                              static_cast<std::uint32_t>(i / shards)});
    for (int r = 0; r < 5; ++r)
      one.twin.reading({{"t", number(0, 100)}, {"lat", number(45, 55)}, {"lon", number(5, 15)}});
    if (i % 4 == 0)
      one.twin.properties(R"({"line":"L)" + std::to_string(i % 20) + R"(","floor":2})");
    board.awake(one.place, one.turn, one.twin.state);
  }
  measure(board, fleet, "still", runs, 0);
  measure(board, fleet, "1 % changed", runs, 100);
  measure(board, fleet, "all changed", runs, 1);
  board.keep_sleepers(true);
  for (auto& one : fleet) board.asleep(one.place, one.turn, one.twin.state);
  measure(board, fleet, "asleep", runs, 0);
  return 0;
}
