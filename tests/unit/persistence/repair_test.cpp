// SPDX-License-Identifier: Apache-2.0
// Repair: what can be made anew is, what a backup has comes back bit for bit, what is lost is named
// and isolated, and nothing that is sound is touched.
#include "persistence/backup.hpp"
#include "persistence/cut.hpp"
#include "persistence/journal_stats.hpp"
#include "persistence/log_row.hpp"
#include "persistence/repair.hpp"
#include "persistence/tiering.hpp"
#include "tests/unit/persistence/running_twin.hpp"
#include <filesystem>
#include <fstream>

using namespace pollux;
using namespace pollux::persistence;
using namespace pollux::persistence::testing;
namespace fs = std::filesystem;

namespace {

/// A twin with several blocks and a neighbour, on disk; and a copy of all of it as it was sound.
struct patient : running_twin {
  scratch_folder sound;
  std::unique_ptr<leveldb_log> sound_log;
  std::unique_ptr<leveldb_store> sound_store;

  patient() : running_twin(true) {
    const auto b = tables->batch();
    b->put_registry(shard, {0, twin, 1, "press", models.hash(), now, false});
    REQUIRE(tables->write(*b, true).ok());
    for (int i = 0; i < 1500; ++i) {
      measure(i % 30 < 5 ? 60 + i % 3 : 20 + i % 7);
      if (i % 400 == 0) restart_node();
      if (i == 560 || i == 1120 || i == 1400) {
        take_snapshot();
        seal_all();
      }
    }
    REQUIRE(infos().size() >= 3);
    backup_order order;
    order.into = sound / "backup";
    order.now_ns = now;
    order.share = 1;
    const auto made = back_up(*tail, *tables, order);
    REQUIRE(made.ok());
    auto log =
        leveldb_log::open({.folder = made->folder + "/log", .shards = 0, .min_free_bytes = 0});
    auto store = leveldb_store::open({.folder = made->folder + "/store"});
    REQUIRE((log.ok() && store.ok()));
    sound_log = std::move(*log);
    sound_store = std::move(*store);
  }

  std::shared_ptr<cold_folder> cold;
  /// All of the twin's blocks go into a cold file.
  void move_to_cold() {
    auto made = cold_folder::open(folder / "history");
    REQUIRE(made.ok());
    cold = *made;
    tables->set_cold_source(cold);
    tiering mover(*tables, cold,
                  {.shards = shard + 1,
                   .rules = [](std::uint32_t of) -> result<shard_rules> {
                     shard_rules r;
                     r.rules = {{}};
                     if (of == shard) r.rule_of_row = {0};
                     r.key = [](std::uint32_t) { return std::string(twin); };
                     return r;
                   },
                   .at_step = {}});
    const auto later = now + 800LL * 24 * 3600 * 1'000'000'000;
    for (bool more = true; more;) {
      const auto step = mover.step(later, std::chrono::seconds(1));
      if (!step) FAIL(step.error().what);
      more = *step;
    }
    REQUIRE(infos().size() > 0);
    for (const auto& b : infos()) REQUIRE(b.kept == tier::cold);
  }

  [[nodiscard]] database& rows() const { return dynamic_cast<leveldb_store&>(*tables).rows(); }
  [[nodiscard]] database& log_rows() const { return dynamic_cast<leveldb_log&>(*tail).rows(); }
  [[nodiscard]] static std::map<std::string, std::string> all(database& of) {
    std::map<std::string, std::string> out;
    const auto db = of.acquire();
    const auto rows = db.iterate();
    for (rows->SeekToFirst(); rows->Valid(); rows->Next())
      out[rows->key().ToString()] = rows->value().ToString();
    return out;
  }
  static void put(database& of, const std::string& key, const std::string& value) {
    REQUIRE(of.acquire()->Put({}, key, value).ok());
  }
  static void erase(database& of, const std::string& key) {
    REQUIRE(of.acquire()->Delete({}, key).ok());
  }
  static void flip(database& of, const std::string& key, std::size_t at) {
    std::string value;
    REQUIRE(of.acquire()->Get({}, key, &value).ok());
    at = std::min(at, value.size() - 1);
    value[at] = static_cast<char>(value[at] ^ 4);
    put(of, key, value);
  }
  [[nodiscard]] std::vector<repair_note> mend(bool with_backup, bool dry_run = false) const {
    repair_options o;
    o.dry_run = dry_run;
    o.files = cold.get();
    if (with_backup) {
      o.backup_log = sound_log.get();
      o.backup_tables = sound_store.get();
    }
    auto done = repair(dynamic_cast<leveldb_log&>(*tail), dynamic_cast<leveldb_store&>(*tables), o);
    if (!done) FAIL(done.error().what);
    return *done;
  }
  [[nodiscard]] std::string key_of(char table, std::size_t block) const {
    return input_key(table, shard, 0, infos().at(block).first);
  }
};

std::string text(const std::vector<repair_note>& notes) {
  std::string out;
  for (const auto& n : notes) out += n.twin + ": " + n.what + ": " + n.done + "\n";
  return out;
}

} // namespace

TEST_CASE("repair: what is sound is not touched") {
  patient p;
  const auto before = p.all(p.rows());
  const auto log_before = p.all(p.log_rows());
  CHECK(text(p.mend(true)).empty());
  CHECK(p.all(p.rows()) == before);
  CHECK(p.all(p.log_rows()) == log_before);
}

TEST_CASE("repair: index rows are made anew from their blocks, byte for byte") {
  patient p;
  const auto before = p.all(p.rows());
  SUBCASE("missing") { p.erase(p.rows(), p.key_of(tables::block_index, 1)); }
  SUBCASE("damaged") { p.flip(p.rows(), p.key_of(tables::block_index, 1), 9); }
  SUBCASE("of another block") {
    std::string other;
    REQUIRE(p.rows().acquire()->Get({}, p.key_of(tables::block_index, 0), &other).ok());
    p.put(p.rows(), p.key_of(tables::block_index, 1), other);
  }
  const auto dry = p.mend(false, true);
  REQUIRE(dry.size() == 1);
  CHECK(p.all(p.rows()) != before);
  const auto notes = p.mend(false);
  CHECK(text(notes) == text(dry));
  CHECK(notes[0].twin == twin);
  CHECK_FALSE(notes[0].lost);
  CHECK(p.all(p.rows()) == before);
  CHECK(p.mend(false).empty());
}

TEST_CASE("repair: a block comes back from a backup, byte for byte") {
  patient p;
  const auto before = p.all(p.rows());
  SUBCASE("a flipped bit in the first") { p.flip(p.rows(), p.key_of(tables::blocks, 0), 200); }
  SUBCASE("nothing left of the second") { p.put(p.rows(), p.key_of(tables::blocks, 1), "x"); }
  SUBCASE("the newest is missing") {
    p.erase(p.rows(), p.key_of(tables::blocks, p.infos().size() - 1));
  }
  CHECK(p.verified().findings_total > 0);
  const auto notes = p.mend(true);
  REQUIRE(notes.size() == 1);
  CHECK(notes[0].twin == twin);
  CHECK(notes[0].what.find("event times 2023-") != std::string::npos);
  CHECK(notes[0].done == "taken from the backup");
  CHECK_FALSE(notes[0].lost);
  auto after = p.all(p.rows());
  std::erase_if(after, [](const auto& row) { return row.first.front() == set_aside_table; });
  CHECK(after == before);
  CHECK(p.verified().findings_total == 0);
  CHECK(p.mend(true).empty());
}

TEST_CASE("repair: a block that is gone with its index row comes back by the chain of its inputs") {
  patient p;
  const auto lost = p.infos().at(1);
  p.erase(p.rows(), p.key_of(tables::blocks, 1));
  p.erase(p.rows(), input_key(tables::block_index, shard, 0, lost.first));
  CHECK(p.verified().findings_total > 0);
  const auto notes = p.mend(true);
  REQUIRE(notes.size() == 1);
  CHECK(notes[0].done.find("taken from the backup") == 0);
  CHECK(p.verified().findings_total == 0);
  CHECK(p.infos().at(1).chain == lost.chain);
}

TEST_CASE("repair: a backup with another past does not get in") {
  patient p;
  // the same inputs but one: a history that was edited, with all checksums made anew
  const auto info = p.infos().at(1);
  const auto bytes = p.sound_store->block(shard, 0, info.first);
  REQUIRE(bytes.ok());
  std::size_t n = 0;
  std::vector<domain::input> inputs;
  REQUIRE(decode_block(*bytes, [&](const domain::input& in) {
            inputs.push_back(in);
            if (++n == 10)
              for (auto& f : inputs.back().fields) f.value = domain::value_view::of(77.0);
            for (auto& f : inputs.back().fields) f.name = "temperature";
          }).ok());
  std::vector<const domain::input*> pointers;
  for (const auto& in : inputs) pointers.push_back(&in);
  const auto b = p.sound_store->batch();
  b->put_block(shard, 0, info.first, encode_block(pointers, info.chain_before));
  REQUIRE(p.sound_store->write(*b, true).ok());
  p.erase(p.rows(), p.key_of(tables::blocks, 1));
  const auto notes = p.mend(true);
  REQUIRE(notes.size() == 1);
  CHECK(notes[0].lost);
  CHECK(p.infos().size() == 2);
}

TEST_CASE("repair: without a backup a lost block is named, and the rest stays readable") {
  patient p;
  const auto lost = p.infos().at(1);
  p.flip(p.rows(), p.key_of(tables::blocks, 1), 300);
  const auto notes = p.mend(false);
  REQUIRE(notes.size() == 1);
  CHECK(notes[0].lost);
  CHECK(notes[0].twin == twin);
  CHECK(p.infos().size() == 2);
  std::size_t readings = 0;
  REQUIRE(each_input(*p.tail, *p.tables, shard, 0, twin, {}, [&](const domain::input& in) {
            readings += in.readings.size();
            return true;
          }).ok());
  CHECK(readings == 1500 - lost.readings);
  // its bytes are kept for whoever can make use of them
  CHECK(p.all(p.rows()).count(set_aside_table + input_key(tables::blocks, shard, 0, lost.first)) ==
        1);
  const auto now = p.all(p.rows());
  CHECK(text(p.mend(false)).find("the chain is broken") != std::string::npos); // still told
  CHECK(p.all(p.rows()) == now);
  CHECK_FALSE(p.mend(true).at(0).lost); // and a backup that is found later closes the gap
  CHECK(p.verified().findings_total == 0);
  CHECK(p.mend(true).empty());
}

TEST_CASE("repair: index rows of cold blocks are made anew from their files, byte for byte") {
  patient p;
  p.move_to_cold();
  REQUIRE(p.verified().findings_total == 0);
  const auto before = p.all(p.rows());
  SUBCASE("missing") {
    for (const auto& b : p.infos())
      p.erase(p.rows(), input_key(tables::block_index, shard, 0, b.first));
  }
  SUBCASE("damaged") { p.flip(p.rows(), p.key_of(tables::block_index, 0), 8); }
  const auto notes = p.mend(false);
  REQUIRE(notes.size() >= 1);
  for (const auto& n : notes) CHECK_FALSE(n.lost);
  CHECK(p.all(p.rows()) == before);
  CHECK(p.verified().findings_total == 0);
  CHECK(p.mend(false).empty());
}

TEST_CASE("repair: a cold file that is damaged or gone comes back from a backup as hot blocks") {
  patient p;
  p.move_to_cold();
  const auto chain = p.infos().back().chain;
  const auto file = p.cold->path(p.infos().front().file);
  SUBCASE("gone") { fs::remove(file); }
  SUBCASE("a flipped bit") {
    std::fstream f(file, std::ios::in | std::ios::out | std::ios::binary);
    const auto at =
        static_cast<std::streamoff>(p.infos().front().offset + p.infos().front().size / 2);
    f.seekg(at);
    const char c = static_cast<char>(f.get() ^ 1);
    f.seekp(at);
    f.put(c);
  }
  CHECK(p.verified().findings_total > 0);
  const auto notes = p.mend(true);
  REQUIRE(notes.size() >= 1);
  for (const auto& n : notes) CHECK_FALSE(n.lost);
  CHECK(p.verified().findings_total == 0);
  CHECK(p.infos().back().chain == chain);
  CHECK(p.infos().front().kept == tier::hot);
}

TEST_CASE("a backup holds the cold files, and a cut through one of them leaves what was before") {
  patient p;
  p.move_to_cold();
  backup_order order;
  order.data = p.folder.path();
  order.into = p.sound / "more";
  order.now_ns = p.now;
  order.share = 1;
  const auto made = back_up(*p.tail, *p.tables, order);
  REQUIRE(made.ok());
  CHECK(made->cold_files == 1);
  const auto begin = p.now - 1500LL * 1'000'000'000;
  for (const int seconds : {3, 700, 1499}) {
    CAPTURE(seconds);
    scratch_folder copy;
    fs::copy(made->folder, copy.path(), fs::copy_options::recursive);
    auto cold = cold_folder::open(copy / "history");
    REQUIRE(cold.ok());
    const auto open_all = [&](auto&& use) {
      auto log = leveldb_log::open({.folder = copy / "log", .shards = 0, .min_free_bytes = 0});
      auto store = leveldb_store::open({.folder = copy / "store"});
      REQUIRE((log.ok() && store.ok()));
      (*store)->set_cold_source(*cold);
      use(**log, **store);
    };
    open_all([&](leveldb_log& log, leveldb_store& store) {
      const auto cut =
          cut_after(log, store, p.models, begin + seconds * 1'000'000'000LL + 2'000'000);
      if (!cut) FAIL(cut.error().what);
      CHECK(cut->problems.empty());
    });
    open_all([&](leveldb_log& log, leveldb_store& store) {
      verify_report report;
      REQUIRE(verify_twin(log, store, p.models, {shard, 0, twin}, {}, report).ok());
      for (const auto& f : report.findings) FAIL_CHECK(f.what);
      CHECK(report.readings == static_cast<std::uint64_t>(seconds));
    });
  }
}

TEST_CASE("repair: heads are made anew from the snapshots, damaged snapshots go") {
  patient p;
  const auto newest = p.tables->newest_snapshot(shard, 0);
  REQUIRE((newest.ok() && newest->has_value()));
  const auto head = twin_key(tables::heads, shard, 0);
  auto at = (*newest)->at;
  SUBCASE("no head") { p.erase(p.rows(), head); }
  SUBCASE("a damaged head") { p.flip(p.rows(), head, 7); }
  SUBCASE("a damaged snapshot") {
    p.flip(p.rows(), input_key(tables::snapshots, shard, 0, at), 100);
    at = {};
  }
  const auto notes = p.mend(false);
  REQUIRE(notes.size() == 1);
  CHECK(notes[0].twin == twin);
  CHECK_FALSE(notes[0].lost);
  const auto now = p.tables->newest_snapshot(shard, 0);
  REQUIRE((now.ok() && now->has_value()));
  if (at == domain::input_id{})
    CHECK((*now)->at < (*newest)->at);
  else
    CHECK((*now)->at == at);
  CHECK(p.verified().findings_total == 0);
  CHECK(p.mend(false).empty());
}

TEST_CASE("repair: a damaged row of the log comes back, or goes aside") {
  patient p;
  const auto before = p.all(p.log_rows());
  std::string key;
  for (const auto& [k, value] : before)
    if (k.front() == log_keys::segments) key = k;
  p.flip(p.log_rows(), key, 40);
  SUBCASE("from a backup") {
    const auto notes = p.mend(true);
    REQUIRE(notes.size() == 1);
    CHECK_FALSE(notes[0].lost);
    CHECK(p.all(p.log_rows()) == before);
    CHECK(p.verified().findings_total == 0);
  }
  SUBCASE("without") {
    const auto notes = p.mend(false);
    REQUIRE(notes.size() == 1);
    CHECK(notes[0].lost);
    CHECK(notes[0].what.find("segment 1/") == 0);
    CHECK(p.mend(false).empty());
  }
}

TEST_CASE("repair: rows of other tables that are damaged are named and set aside") {
  patient p;
  const auto& incident = p.alerts.begin()->second.incident;
  p.flip(p.rows(), twin_key(tables::alerts, shard, 0) + incident, 30);
  const auto notes = p.mend(false);
  REQUIRE(notes.size() == 1);
  CHECK(notes[0].twin == twin);
  CHECK(notes[0].lost);
  CHECK(p.mend(false).empty());
}

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
  bool all_lost = false;
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
  CHECK(after.size() < before.size());
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
