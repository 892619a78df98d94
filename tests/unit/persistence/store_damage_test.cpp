// SPDX-License-Identifier: Apache-2.0
// The store when something is wrong: damaged rows, other formats, a second process, a full disk.
#include "tests/unit/persistence/store_fixture.hpp"
#include <cerrno>
#include <sys/wait.h>

using namespace pollux;
using namespace pollux::persistence;
using namespace pollux::persistence::testing;

TEST_CASE("store: a damaged row is named and passed over") {
  scratch_folder folder;
  {
    auto s = open(folder);
    const auto b = s->batch();
    for (std::uint32_t row = 0; row < 3; ++row) {
      registry_row r;
      r.row = row;
      r.id = "n:" + std::to_string(row);
      b->put_registry(1, r);
      b->put_snapshot(1, row, snapshot_at(5));
    }
    REQUIRE(s->write(*b, false).ok());
  }
  {
    leveldb::DB* raw = nullptr;
    leveldb::Options o;
    const std::unique_ptr<const leveldb::FilterPolicy> filter(leveldb::NewBloomFilterPolicy(10));
    o.filter_policy = filter.get();
    REQUIRE(leveldb::DB::Open(o, folder / "store", &raw).ok());
    const std::unique_ptr<leveldb::DB> db(raw);
    for (const auto& key :
         {twin_key(tables::registry, 1, 1), input_key(tables::snapshots, 1, 2, input_at(5))}) {
      std::string row;
      REQUIRE(db->Get({}, key, &row).ok());
      row.back() = static_cast<char>(row.back() ^ 1);
      REQUIRE(db->Put({}, key, row).ok());
    }
  }
  auto s = open(folder);
  std::vector<std::uint32_t> rows;
  const auto read = s->each_registry(1, [&](const registry_row& r) { rows.push_back(r.row); });
  CHECK(rows == std::vector<std::uint32_t>{0, 2});
  REQUIRE_FALSE(read.ok());
  CHECK(read.error().code == errc::corrupt);
  CHECK(s->newest_snapshot(1, 1).ok());
  CHECK(s->newest_snapshot(1, 2).error().code == errc::corrupt);
}

TEST_CASE("store: a newer format and a second process are refused") {
  scratch_folder folder;
  auto s = open(folder);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto second = leveldb_store::open({.folder = folder / "store"});
    ::_exit(!second.ok() && second.error().code == errc::locked ? 0 : 1);
  }
  int outcome = -1;
  REQUIRE(::waitpid(child, &outcome, 0) == child);
  CHECK(outcome == 0);
  s.reset();
  {
    leveldb::DB* raw = nullptr;
    REQUIRE(leveldb::DB::Open({}, folder / "store", &raw).ok());
    const std::unique_ptr<leveldb::DB> db(raw);
    REQUIRE(db->Put({}, own_meta_key("format"), seal_row(std::string("\x07\0\0\0", 4))).ok());
  }
  const auto newer = leveldb_store::open({.folder = folder / "store"});
  REQUIRE_FALSE(newer.ok());
  CHECK(newer.error().code == errc::version_mismatch);
}

TEST_CASE("store: on a full disk writes fail, reads go on, heal recovers, a batch can be retried") {
  scratch_folder folder;
  auto s = open(folder);
  put(*s, 1, snapshot_at(5));
  s->faults().write_errno = ENOSPC;
  const auto b = s->batch();
  b->put_snapshot(1, 1, snapshot_at(6));
  b->put_meta("k", "v");
  CHECK(s->write(*b, false).error().code == errc::no_space);
  CHECK(s->newest_snapshot(1, 1)->value().at == input_at(5));
  CHECK_FALSE(s->heal().ok());
  s->faults().write_errno = 0;
  CHECK_FALSE(s->write(*b, false).ok()); // not before it was healed
  REQUIRE(s->heal().ok());
  REQUIRE(s->write(*b, true).ok());
  CHECK(s->newest_snapshot(1, 1)->value().at == input_at(6));
  CHECK(s->meta("k")->value() == "v");
  s->faults().sync_errno = EIO;
  const auto unsynced = s->batch();
  unsynced->put_meta("k", "w");
  CHECK(s->write(*unsynced, true).error().code == errc::io);
  s->faults().sync_errno = 0;
  REQUIRE(s->heal().ok());
  CHECK(s->meta("k")->value() == "w");
}
