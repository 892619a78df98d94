// SPDX-License-Identifier: Apache-2.0
// The embedded log on a disk that is full, short of space, or fails to sync.
#include "tests/unit/persistence/leveldb_log_fixture.hpp"
#include <cerrno>

using namespace pollux;
using namespace pollux::persistence;
using namespace pollux::persistence::testing;
using messages::durability;

TEST_CASE("leveldb log: on a full disk appends are refused, reads go on, heal recovers") {
  scratch_folder folder;
  auto l = open(folder);
  for (int i = 0; i < 20; ++i) write(*l, 0, i);
  l->faults().bytes_left = 10;
  REQUIRE(l->append(0, one_reading("n:t", 99)).ok());
  const auto failed = l->commit();
  REQUIRE_FALSE(failed.ok());
  CHECK(failed.error().code == errc::no_space);
  CHECK_FALSE(l->state().writable);
  CHECK_FALSE(l->state().why.empty());
  const auto refused = l->append(0, one_reading("n:t", 100));
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == errc::no_space);
  CHECK(values_of(*l, 0).size() == 20);
  CHECK_FALSE(l->heal().ok()); // still full: the database cannot be reopened
  l->faults().bytes_left = -1;
  REQUIRE(l->heal().ok());
  CHECK(l->state().writable);
  CHECK(values_of(*l, 0).size() == 20);
  write(*l, 0, 20);
  CHECK(values_of(*l, 0).back() == 20);
  std::size_t findings = 0;
  REQUIRE(l->check(0, [&](const auto&) { ++findings; }).ok());
  CHECK(findings == 0);
}

TEST_CASE("leveldb log: after a failed write at any byte the log holds exactly what it confirmed") {
  for (std::int64_t budget = 0; budget < 1500; budget += 149) {
    CAPTURE(budget);
    scratch_folder folder;
    std::vector<double> confirmed;
    {
      auto l = open(folder);
      l->faults().bytes_left = budget;
      for (int i = 0; i < 20; ++i) {
        if (!l->append(0, one_reading("n:t", i)).ok()) break;
        if (l->commit().ok()) confirmed.push_back(i);
      }
      CHECK_FALSE(l->state().writable);
      l->faults().bytes_left = -1;
      REQUIRE(l->heal().ok());
      CHECK(values_of(*l, 0) == confirmed);
      write(*l, 0, 1000);
      confirmed.push_back(1000);
    }
    auto l = open(folder);
    CHECK(values_of(*l, 0) == confirmed);
  }
}

TEST_CASE("leveldb log: a failed sync stops D2 and the log, heal makes all of it durable") {
  scratch_folder folder;
  auto l = open(folder);
  write(*l, 0, 1);
  REQUIRE(l->sync().ok());
  const auto safe = l->durable_upto(durability::d2);
  write(*l, 0, 2);
  l->faults().sync_errno = EIO;
  CHECK(l->sync().error().code == errc::io);
  CHECK(l->durable_upto(durability::d2) == safe);
  CHECK_FALSE(l->state().writable);
  CHECK_FALSE(l->append(0, one_reading("n:t", 3)).ok());
  CHECK(values_of(*l, 0).size() == 2);
  l->faults().sync_errno = 0;
  REQUIRE(l->heal().ok());
  CHECK(l->durable_upto(durability::d2) > safe);
  write(*l, 0, 3);
  REQUIRE(l->sync().ok());
  CHECK(values_of(*l, 0).size() == 3);
}

TEST_CASE("leveldb log: a log file that fails to sync while LevelDB closes it is not forgotten") {
  scratch_folder folder;
  auto l = open(folder);
  write(*l, 0, 1);
  l->faults().sync_errno = EIO;
  // 64 KB of write buffer: LevelDB changes its log file on the way
  for (int i = 0; i < 4000 && l->state().writable; ++i)
    if (l->append(0, one_reading("n:t", i)).ok()) static_cast<void>(l->commit());
  l->faults().sync_errno = 0;
  CHECK_FALSE(l->sync().ok());
  REQUIRE(l->heal().ok());
  CHECK(l->sync().ok());
}

TEST_CASE("leveldb log: below the watermark of free space appends are refused, above it not") {
  scratch_folder folder;
  std::uint64_t free = 1000;
  std::int64_t now = 1;
  auto options = options_for(folder);
  options.min_free_bytes = 500;
  auto opened = leveldb_log::open(options, {.steady_now_ns = [&] { return now; },
                                            .free_bytes = [&](const auto&) { return free; }});
  REQUIRE(opened.ok());
  auto& l = **opened;
  write(l, 0, 1);
  free = 400;
  now += 300'000'000;
  write(l, 0, 2); // what was accepted is still written
  const auto refused = l.append(0, one_reading("n:t", 3));
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == errc::no_space);
  CHECK_FALSE(l.heal().ok());
  CHECK(values_of(l, 0).size() == 2);
  free = 501;
  REQUIRE(l.heal().ok());
  write(l, 0, 3);
}

TEST_CASE("leveldb log: D1 stands still while the sync is more than a second behind") {
  scratch_folder folder;
  std::int64_t now = 1;
  auto l = open(folder, {.steady_now_ns = [&] { return now; }, .free_bytes = {}});
  write(*l, 0, 1);
  const auto first = l->durable_upto(durability::d1);
  CHECK(first == l->durable_upto(durability::d0));
  now += 1'000'000'001;
  write(*l, 0, 2);
  CHECK(l->durable_upto(durability::d1) == first);
  CHECK(l->durable_upto(durability::d0) > first);
  CHECK(l->state().last_sync_age_ns == 1'000'000'001);
  REQUIRE(l->sync().ok());
  CHECK(l->durable_upto(durability::d1) == l->durable_upto(durability::d0));
}
