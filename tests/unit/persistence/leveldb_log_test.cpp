// SPDX-License-Identifier: Apache-2.0
// The embedded log across restarts, kills and damage.
#include "tests/unit/persistence/leveldb_log_fixture.hpp"
#include <csignal>
#include <cstdlib>
#include <doctest/doctest.h>
#include <set>
#include <sys/wait.h>

using namespace pollux;
using namespace pollux::persistence;
using namespace pollux::persistence::testing;
using messages::durability;

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

TEST_CASE("leveldb log: a damaged segment that is trimmed is set aside, and check() still tells") {
  scratch_folder folder;
  std::vector<positioned_segment> rows;
  {
    auto l = open(folder);
    for (int i = 0; i < 5; ++i) write(*l, 0, i);
    rows = l->poll();
  }
  const std::string bad = "not a segment at all";
  tamper(folder,
         [&](leveldb::DB& db) { REQUIRE(db.Put({}, segment_key(0, rows[2].at), bad).ok()); });
  {
    auto l = open(folder);
    REQUIRE(l->trim(0, rows[4].at).ok());
    CHECK(values_of(*l, 0) == std::vector<double>{4});
    std::vector<std::string> findings;
    REQUIRE(l->check(0, [&](const std::string& f) { findings.push_back(f); }).ok());
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].find(std::to_string(rows[2].at.value)) != std::string::npos);
  }
  tamper(folder, [&](leveldb::DB& db) {
    std::string key = segment_key(0, rows[2].at), kept;
    key[0] = log_keys::set_aside;
    REQUIRE(db.Get({}, key, &kept).ok());
    CHECK(kept == bad);
  });
}

TEST_CASE("leveldb log: checking and scanning beside commits and trims finds nothing wrong") {
  scratch_folder folder;
  auto l = open(folder);
  std::atomic<bool> stop{false};
  std::atomic<int> rounds{0}, findings{0};
  std::thread checker([&] {
    while (!stop) {
      if (!l->check(0, [&](const auto&) { ++findings; }).ok()) ++findings;
      double last = -1;
      const auto s = l->scan(0, {}, [&](const positioned_segment& p) {
        const double v = value_of(*p.content);
        if (last >= 0 && v != last + 1) ++findings;
        last = v;
        return true;
      });
      if (!s.ok()) ++findings;
      ++rounds;
    }
  });
  for (int i = 0; i < 3000 || rounds < 3; ++i) {
    write(*l, 0, i);
    const auto polled = l->poll();
    if (i % 50 == 49) REQUIRE(l->trim(0, polled.back().at).ok());
  }
  stop = true;
  checker.join();
  CHECK(findings == 0);
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
