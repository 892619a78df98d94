// SPDX-License-Identifier: Apache-2.0
// A row exported for training is, bit for bit, the row that was served at that moment.
#include "persistence/features.hpp"
#include "tests/unit/persistence/running_twin.hpp"
#include <bit>
#include <random>

using namespace pollux;
using namespace pollux::persistence;
using namespace pollux::persistence::testing;

namespace {

std::vector<std::pair<std::string, std::optional<std::uint64_t>>>
bits_of(const std::vector<feature>& row) {
  std::vector<std::pair<std::string, std::optional<std::uint64_t>>> out;
  for (const auto& f : row)
    out.emplace_back(f.name, f.value ? std::optional(std::bit_cast<std::uint64_t>(*f.value))
                                     : std::nullopt);
  return out;
}

} // namespace

TEST_CASE("features: property: each exported row is the one served live, by either clock") {
  for (const auto clock : {replay_clock::ingest, replay_clock::event}) {
    std::mt19937 random(5);
    running_twin t;
    std::vector<std::int64_t> times;
    std::vector<std::vector<std::pair<std::string, std::optional<std::uint64_t>>>> served;
    for (int i = 0; i < 500; ++i) {
      t.measure(random() % 40 < 5 ? 60 + 1.0 / 3 : 20 + static_cast<double>(random() % 100) / 7);
      if (random() % 70 == 0) t.take_snapshot();
      if (random() % 120 == 0) {
        t.take_snapshot();
        t.seal_all();
      }
      if (random() % 9 != 0) continue;
      // half a second later, when nothing new has come
      const auto at = t.now + 500'000'000;
      times.push_back(at);
      served.push_back(bits_of(features_of(domain::describe(t.models, t.state, at), at)));
    }
    std::size_t row = 0;
    REQUIRE(each_moment(*t.tail, *t.tables, t.models, {shard, 0, twin}, clock, times,
                        [&](std::int64_t at, const domain::twin_description& then) {
                          REQUIRE(row < times.size());
                          CHECK(at == times[row]);
                          CHECK(bits_of(features_of(then, at)) == served[row++]);
                        })
                .ok());
    CHECK(row == times.size());
    CHECK(served.front().size() >= 2); // the value, its age
  }
}

TEST_CASE("features: before its creation a twin has none, behind its newest input the newest") {
  running_twin t;
  for (int i = 0; i < 5; ++i) t.measure(i);
  std::vector<std::string> models;
  std::vector<std::uint64_t> readings;
  REQUIRE(each_moment(*t.tail, *t.tables, t.models, {shard, 0, twin}, replay_clock::ingest,
                      {1, t.now + 1'000'000'000'000},
                      [&](std::int64_t, const domain::twin_description& then) {
                        models.push_back(then.model_name);
                        readings.push_back(then.readings);
                      })
              .ok());
  CHECK(models == std::vector<std::string>{"", "press"});
  CHECK(readings == std::vector<std::uint64_t>{0, 5});
}
