// SPDX-License-Identifier: Apache-2.0
// The embedded log across restarts, kills, damage and a disk that fails.
#include "persistence/leveldb_log.hpp"
#include "tests/unit/persistence/journal_fixture.hpp"
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <doctest/doctest.h>
#include <set>
#include <sys/wait.h>

using namespace pollux;
using namespace pollux::persistence;
using namespace pollux::persistence::testing;
using messages::durability;

namespace {

leveldb_log_options options_for(const scratch_folder& folder) {
  return {.folder = folder / "log",
          .shards = 4,
          .min_free_bytes = 0,
          .ballast_bytes = 0,
          .write_buffer_bytes = 64u << 10};
}

std::unique_ptr<leveldb_log> open(const scratch_folder& folder, log_probes probes = {}) {
  auto opened = leveldb_log::open(options_for(folder), std::move(probes));
  if (!opened) FAIL(opened.error().what);
  return std::move(*opened);
}

void write(persistence::log& l, std::uint32_t shard, double value) {
  REQUIRE(l.append(shard, one_reading("n:t", value)).ok());
  REQUIRE(l.commit().ok());
}

/// Changes a row of the closed database behind the log's back.
template <class Change> void tamper(const scratch_folder& folder, Change&& change) {
  leveldb::DB* raw = nullptr;
  REQUIRE(leveldb::DB::Open({}, folder / "log", &raw).ok());
  const std::unique_ptr<leveldb::DB> db(raw);
  change(*db);
}

std::string segment_key(std::uint32_t shard, domain::position at) {
  std::string key;
  key_writer(key, log_keys::segments).u16(shard).u64(at.value);
  return key;
}

} // namespace

TEST_CASE("leveldb log: segments, trim points and sizes are there again after a restart") {
  scratch_folder folder;
  domain::position cut;
  log_status before;
  {
    auto l = open(folder);
    for (int i = 0; i < 100; ++i) write(*l, 1, i);
    cut = l->poll()[40].at;
    REQUIRE(l->trim(1, cut).ok());
    before = l->state();
  }
  auto l = open(folder);
  CHECK(l->trimmed_below(1) == cut);
  CHECK(values_of(*l, 1).size() == 60);
  CHECK(l->state().tail_bytes == before.tail_bytes);
  CHECK(l->state().tail_readings == 60);
  CHECK(l->poll().empty());
}

TEST_CASE("leveldb log: every start raises the epoch, so no position is given twice") {
  scratch_folder folder;
  domain::position last;
  for (int start = 0; start < 5; ++start) {
    auto l = open(folder);
    CHECK(l->end(0) > last);
    write(*l, 0, start);
    const auto at = l->poll().at(0).at;
    CHECK((at.value >> 40) > (last.value >> 40));
    last = at;
  }
}

TEST_CASE("leveldb log: a second process is refused and told which one holds the folder") {
  scratch_folder folder;
  auto l = open(folder);
  const auto expected = std::to_string(::getpid());
  const pid_t child = ::fork();
  if (child == 0) {
    auto second = leveldb_log::open(options_for(folder));
    const bool refused = !second.ok() && second.error().code == errc::locked &&
                         second.error().what.find(expected) != std::string::npos;
    ::_exit(refused ? 0 : 1);
  }
  int outcome = -1;
  REQUIRE(::waitpid(child, &outcome, 0) == child);
  CHECK(WIFEXITED(outcome));
  CHECK(WEXITSTATUS(outcome) == 0);
}

TEST_CASE("leveldb log: a newer format, another shard count and a foreign database are refused") {
  scratch_folder folder;
  { auto l = open(folder); }
  SUBCASE("shards") {
    auto options = options_for(folder);
    options.shards = 8;
    const auto opened = leveldb_log::open(options);
    REQUIRE_FALSE(opened.ok());
    CHECK(opened.error().code == errc::conflict);
  }
  SUBCASE("newer") {
    tamper(folder, [](leveldb::DB& db) {
      REQUIRE(db.Put({}, log_keys::meta_key("format"), std::string("\x02\0\0\0\0\0\0\0", 8)).ok());
    });
    const auto opened = leveldb_log::open(options_for(folder));
    REQUIRE_FALSE(opened.ok());
    CHECK(opened.error().code == errc::version_mismatch);
    CHECK(opened.error().what.find("newer Pollux") != std::string::npos);
  }
  SUBCASE("foreign") {
    tamper(folder,
           [](leveldb::DB& db) { REQUIRE(db.Delete({}, log_keys::meta_key("format")).ok()); });
    const auto opened = leveldb_log::open(options_for(folder));
    REQUIRE_FALSE(opened.ok());
    CHECK(opened.error().code == errc::corrupt);
  }
}

TEST_CASE("leveldb log: a damaged segment is named and passed over, its neighbours are read") {
  scratch_folder folder;
  std::vector<positioned_segment> rows;
  {
    auto l = open(folder);
    for (int i = 0; i < 5; ++i) write(*l, 0, i);
    rows = l->poll();
  }
  std::string row;
  tamper(folder,
         [&](leveldb::DB& db) { REQUIRE(db.Get({}, segment_key(0, rows[2].at), &row).ok()); });
  for (std::size_t byte = 0; byte < row.size(); byte += 5) {
    CAPTURE(byte);
    auto damaged = row;
    damaged[byte] = static_cast<char>(damaged[byte] ^ 0x10);
    tamper(folder,
           [&](leveldb::DB& db) { REQUIRE(db.Put({}, segment_key(0, rows[2].at), damaged).ok()); });
    auto l = open(folder);
    std::vector<double> seen;
    const auto s = l->scan(0, {}, [&](const positioned_segment& p) {
      seen.push_back(value_of(*p.content));
      return true;
    });
    CHECK(seen == std::vector<double>{0, 1, 3, 4});
    REQUIRE_FALSE(s.ok());
    CHECK(s.error().what.find(std::to_string(rows[2].at.value)) != std::string::npos);
    std::vector<std::string> findings;
    REQUIRE(l->check(0, [&](const std::string& f) { findings.push_back(f); }).ok());
    CHECK(findings.size() == 1);
  }
}

TEST_CASE("leveldb log: a row that vanished leaves a hole that check() finds") {
  scratch_folder folder;
  std::vector<positioned_segment> rows;
  {
    auto l = open(folder);
    for (int i = 0; i < 5; ++i) write(*l, 0, i);
    rows = l->poll();
    REQUIRE(l->trim(0, rows[1].at).ok());
  }
  const auto findings = [&] {
    std::vector<std::string> found;
    auto l = open(folder);
    REQUIRE(l->check(0, [&](const std::string& f) { found.push_back(f); }).ok());
    return found;
  };
  CHECK(findings().empty());
  tamper(folder, [&](leveldb::DB& db) { REQUIRE(db.Delete({}, segment_key(0, rows[2].at)).ok()); });
  CHECK(findings().size() == 1);
}

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

TEST_CASE("leveldb log: syncing beside commits neither stalls nor loses anything") {
  scratch_folder folder;
  auto l = open(folder);
  std::atomic<bool> stop{false};
  std::atomic<int> syncs{0};
  std::thread syncer([&] {
    while (!stop) {
      if (!l->sync().ok()) break;
      ++syncs;
    }
  });
  for (int i = 0; i < 5000; ++i) write(*l, static_cast<std::uint32_t>(i % 4), i);
  CHECK(eventually(
      [&] { return l->durable_upto(durability::d2) == l->durable_upto(durability::d0); }));
  stop = true;
  syncer.join();
  CHECK(syncs > 0);
  CHECK(values_of(*l, 3).size() == 1250);
}

// LevelDB's background thread does not survive a fork, so the process that gets killed is a fresh
// one that runs this test case only.
TEST_CASE("writer process of the kill test" * doctest::skip()) {
  const char* folder = std::getenv("POLLUX_KILL_TEST_FOLDER");
  const char* pipe = std::getenv("POLLUX_KILL_TEST_PIPE");
  REQUIRE(folder != nullptr);
  REQUIRE(pipe != nullptr);
  auto opened = leveldb_log::open({.folder = folder,
                                   .shards = 4,
                                   .min_free_bytes = 0,
                                   .ballast_bytes = 0,
                                   .write_buffer_bytes = 64u << 10});
  REQUIRE(opened.ok());
  auto& l = **opened;
  for (std::uint32_t i = 0;; ++i) {
    write(l, i % 4, i);
    REQUIRE(::write(std::atoi(pipe), &i, sizeof i) == sizeof i);
    if (i % 50 == 0) REQUIRE(l.sync().ok());
  }
}

TEST_CASE("leveldb log: every ticket committed before kill -9 is in the log afterwards") {
  for (std::uint32_t round = 0; round < 5; ++round) {
    CAPTURE(round);
    scratch_folder folder;
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    ::setenv("POLLUX_KILL_TEST_FOLDER", (folder / "log").c_str(), 1);
    ::setenv("POLLUX_KILL_TEST_PIPE", std::to_string(ends[1]).c_str(), 1);
    const pid_t child = ::fork();
    if (child == 0) {
      ::execl("/proc/self/exe", "writer", "--test-case=writer process of the kill test",
              "--no-skip", nullptr);
      ::_exit(127);
    }
    ::close(ends[1]);
    std::uint32_t confirmed = 0, last = 0;
    const std::uint32_t enough = 300 + 500 * round;
    while (confirmed < enough && ::read(ends[0], &last, sizeof last) == sizeof last) ++confirmed;
    ::kill(child, SIGKILL);
    while (::read(ends[0], &last, sizeof last) == sizeof last) ++confirmed;
    ::close(ends[0]);
    int outcome = 0;
    REQUIRE(::waitpid(child, &outcome, 0) == child);
    CHECK(WIFSIGNALED(outcome));
    REQUIRE(confirmed >= enough);
    auto l = open(folder);
    std::multiset<double> found;
    for (std::uint32_t shard = 0; shard < 4; ++shard)
      for (const double v : values_of(*l, shard)) found.insert(v);
    CHECK(found.size() >= confirmed);
    for (std::uint32_t i = 0; i < confirmed; ++i) REQUIRE(found.count(i) == 1);
  }
}
