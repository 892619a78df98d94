// SPDX-License-Identifier: Apache-2.0
// One suite for every log: what holds for the embedded log must hold for the one in memory.
#include "persistence/leveldb_log.hpp"
#include "tests/unit/persistence/journal_fixture.hpp"
#include <doctest/doctest.h>
#include <random>

using namespace pollux;
using namespace pollux::persistence;
using namespace pollux::persistence::testing;
using messages::durability;

namespace {

struct in_memory {
  std::unique_ptr<persistence::log> made = make_memory_log(4);
  persistence::log& get() { return *made; }
};

struct on_disk {
  scratch_folder folder;
  std::unique_ptr<persistence::log> made;
  on_disk() {
    auto opened = open_leveldb_log({.folder = folder / "log",
                                    .shards = 4,
                                    .min_free_bytes = 0,
                                    .ballast_bytes = 0,
                                    .write_buffer_bytes = 64u << 10});
    REQUIRE(opened.ok());
    made = std::move(*opened);
  }
  persistence::log& get() { return *made; }
};

messages::ticket append(persistence::log& l, std::uint32_t shard, double value) {
  auto t = l.append(shard, one_reading("n:t", value));
  REQUIRE(t.ok());
  return *t;
}

} // namespace

TEST_CASE_TEMPLATE("log: tickets rise, and D0 reaches them with the commit, not before", T,
                   in_memory, on_disk) {
  T fixture;
  auto& l = fixture.get();
  const auto first = append(l, 0, 1), second = append(l, 3, 2);
  CHECK(first < second);
  CHECK(l.durable_upto(durability::d0) < first);
  REQUIRE(l.commit().ok());
  CHECK(l.durable_upto(durability::d0) == second);
  CHECK(l.durable_upto(durability::d1) == second);
}

TEST_CASE_TEMPLATE("log: D2 reaches a ticket with the sync that follows its commit", T, in_memory,
                   on_disk) {
  T fixture;
  auto& l = fixture.get();
  const auto first = append(l, 0, 1);
  REQUIRE(l.commit().ok());
  CHECK(l.durable_upto(durability::d2) < first);
  CHECK(l.state().last_sync_age_ns >= 0);
  const auto staged = append(l, 0, 2);
  REQUIRE(l.sync().ok());
  CHECK(l.durable_upto(durability::d2) == first);
  CHECK(l.state().last_sync_age_ns == 0);
  REQUIRE(l.commit().ok());
  REQUIRE(l.sync().ok());
  CHECK(l.durable_upto(durability::d2) == staged);
}

TEST_CASE_TEMPLATE("log: positions rise per shard and lie below the end", T, in_memory, on_disk) {
  T fixture;
  auto& l = fixture.get();
  const auto start = l.end(1);
  for (int i = 0; i < 10; ++i) {
    append(l, 1, i);
    append(l, 1, i);
    REQUIRE(l.commit().ok());
  }
  domain::position last{start.value - 1};
  for (const auto& p : l.poll()) {
    CHECK(p.at > last);
    CHECK(p.at >= start);
    CHECK(p.at < l.end(1));
    last = p.at;
  }
}

TEST_CASE_TEMPLATE("log: poll hands over the very segments, once, in order", T, in_memory,
                   on_disk) {
  T fixture;
  auto& l = fixture.get();
  const auto mine = one_reading("n:t", 7);
  REQUIRE(l.append(2, mine).ok());
  CHECK(l.poll().empty());
  REQUIRE(l.commit().ok());
  const auto polled = l.poll();
  REQUIRE(polled.size() == 1);
  CHECK(polled[0].content == mine);
  CHECK(polled[0].shard == 2);
  CHECK(l.poll().empty());
}

TEST_CASE_TEMPLATE("log: a scan gives a shard's own segments from a position on", T, in_memory,
                   on_disk) {
  T fixture;
  auto& l = fixture.get();
  for (int i = 0; i < 6; ++i) append(l, static_cast<std::uint32_t>(i % 2), i);
  REQUIRE(l.commit().ok());
  const auto polled = l.poll();
  CHECK(values_of(l, 0) == std::vector<double>{0, 2, 4});
  CHECK(values_of(l, 1) == std::vector<double>{1, 3, 5});
  CHECK(values_of(l, 0, polled[2].at) == std::vector<double>{2, 4});
  CHECK(values_of(l, 2).empty());
  int seen = 0;
  REQUIRE(l.scan(0, {}, [&](const auto&) { return ++seen < 2; }).ok());
  CHECK(seen == 2);
}

TEST_CASE_TEMPLATE("log: what is trimmed is gone and its bytes are given back", T, in_memory,
                   on_disk) {
  T fixture;
  auto& l = fixture.get();
  for (int i = 0; i < 1000; ++i) append(l, 0, i);
  append(l, 1, 1);
  REQUIRE(l.commit().ok());
  const auto polled = l.poll();
  CHECK(l.state().tail_readings == 1001);
  REQUIRE(l.trim(0, polled[700].at).ok());
  CHECK(l.trimmed_below(0) == polled[700].at);
  CHECK(values_of(l, 0).size() == 300);
  CHECK(values_of(l, 0, polled[3].at).size() == 300);
  CHECK(l.state().tail_readings == 301);
  REQUIRE(l.trim(0, polled[10].at).ok()); // never backwards
  CHECK(l.trimmed_below(0) == polled[700].at);
  REQUIRE(l.trim(0, l.end(0)).ok());
  REQUIRE(l.trim(1, l.end(1)).ok());
  CHECK(l.state().tail_readings == 0);
  CHECK(l.state().tail_bytes == 0);
  append(l, 0, 5);
  REQUIRE(l.commit().ok());
  CHECK(values_of(l, 0) == std::vector<double>{5});
}

TEST_CASE_TEMPLATE("log: an unknown shard is refused", T, in_memory, on_disk) {
  T fixture;
  CHECK(fixture.get().append(4, one_reading("n:t", 1)).error().code == errc::invalid_argument);
  CHECK_FALSE(fixture.get().trim(4, {1}).ok());
  CHECK_FALSE(fixture.get().scan(4, {}, [](const auto&) { return true; }).ok());
}

TEST_CASE_TEMPLATE("log: property: random appends, commits and trims agree with plain vectors", T,
                   in_memory, on_disk) {
  T fixture;
  auto& l = fixture.get();
  std::mt19937 random{11};
  std::vector<std::vector<std::pair<domain::position, double>>> model(4);
  double next = 0;
  for (int round = 0; round < 200; ++round) {
    const auto count = random() % 8;
    for (unsigned i = 0; i < count; ++i)
      append(l, static_cast<std::uint32_t>(random() % 4), next++);
    REQUIRE(l.commit().ok());
    for (const auto& p : l.poll()) model[p.shard].emplace_back(p.at, value_of(*p.content));
    const auto shard = static_cast<std::uint32_t>(random() % 4);
    auto& rows = model[shard];
    if (random() % 3 == 0 && !rows.empty()) {
      const auto cut = random() % rows.size();
      REQUIRE(l.trim(shard, rows[cut].first).ok());
      rows.erase(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(cut));
    }
    std::vector<double> wanted;
    for (const auto& row : rows) wanted.push_back(row.second);
    CHECK(values_of(l, shard) == wanted);
  }
}
