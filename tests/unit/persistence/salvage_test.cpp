// SPDX-License-Identifier: Apache-2.0
// Files of LevelDB that are damaged; and what statistics say of a folder.
#include "persistence/journal_stats.hpp"
#include "tests/unit/persistence/patient.hpp"
#include <filesystem>
#include <fstream>

using namespace pollux;
using namespace pollux::persistence;
using namespace pollux::persistence::testing;
namespace fs = std::filesystem;

TEST_CASE("salvage: a database with a damaged file gives back all that can be read") {
  patient p;
  p.rows().acquire()->CompactRange(nullptr, nullptr); // all into tables
  const auto before = p.all(p.rows());
  p.tables.reset();
  std::string largest;
  for (const auto& e : fs::directory_iterator(p.folder / "store"))
    if (e.path().extension() == ".ldb" &&
        (largest.empty() || fs::file_size(e.path()) > fs::file_size(largest)))
      largest = e.path();
  REQUIRE_FALSE(largest.empty());
  bool all_lost = false, whole = false;
  SUBCASE("sound") {
    const auto found = salvage(p.folder / "store", "store", false);
    REQUIRE(found.ok());
    CHECK(found->empty());
    CHECK_FALSE(fs::exists(p.folder / "store.damaged"));
    return;
  }
  SUBCASE("a flipped bit") {
    std::fstream f(largest, std::ios::in | std::ios::out | std::ios::binary);
    f.seekg(static_cast<std::streamoff>(fs::file_size(largest) / 3));
    const char c = static_cast<char>(f.get() ^ 1);
    f.seekp(static_cast<std::streamoff>(fs::file_size(largest) / 3));
    f.put(c);
  }
  SUBCASE("cut short") {
    fs::resize_file(largest, fs::file_size(largest) / 2);
    all_lost = true; // the end of a table says where its blocks are
  }
  SUBCASE("gone") {
    fs::remove(largest);
    all_lost = true;
  }
  SUBCASE("LevelDB's own list is gone") {
    fs::remove(p.folder / "store/CURRENT");
    CHECK_FALSE(leveldb_store::open({.folder = p.folder / "store"}).ok()); // not taken for new
    whole = true;
  }
  const auto dry = salvage(p.folder / "store", "store", true);
  REQUIRE(dry.ok());
  CHECK_FALSE(dry->empty());
  const auto found = salvage(p.folder / "store", "store", false);
  if (!found) FAIL(found.error().what);
  CHECK_FALSE(found->empty());
  CHECK(salvage(p.folder / "store", "store", false)->empty()); // sound now
  if (all_lost) return;
  p.reopen();
  const auto after = p.all(p.rows());
  CHECK((after.size() == before.size()) == whole);
  CHECK(after.size() > 0);
  for (const auto& [key, value] : after) CHECK(before.at(key) == value);
}

TEST_CASE("stats: what the index says is what the blocks hold") {
  patient p;
  const auto s = count_journal(*p.tail, *p.tables, true, {});
  REQUIRE(s.ok());
  std::uint64_t bytes = 0, readings = 0;
  for (const auto& b : p.infos()) {
    bytes += p.tables->block(shard, 0, b.first)->size();
    readings += b.readings;
  }
  REQUIRE(s->by_twin.size() == 1);
  CHECK(s->by_twin[0].key == twin);
  const auto& hot = s->by_twin[0].tiers[0];
  CHECK(hot.blocks == p.infos().size());
  CHECK(hot.bytes == bytes);
  CHECK(hot.readings == readings);
  CHECK(hot.readings + s->tail_readings == 1500);
  CHECK(s->tiers[0].blocks > hot.blocks); // shard-wide inputs have blocks, too
  CHECK(s->incidents == p.alerts.size());
  CHECK(s->tables.at("store/S").rows == 2);
  CHECK(s->tables.at("log/L").rows == s->tail_segments);
}
