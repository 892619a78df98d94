// SPDX-License-Identifier: Apache-2.0
// Repair: what can be made anew is, what a backup has comes back bit for bit, what is lost is named
// and isolated, and nothing that is sound is touched.
#include "persistence/cut.hpp"
#include "tests/unit/persistence/patient.hpp"
#include <filesystem>
#include <fstream>

using namespace pollux;
using namespace pollux::persistence;
using namespace pollux::persistence::testing;
namespace fs = std::filesystem;

namespace {

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

TEST_CASE("repair: alerts are worked out again from the journal, byte for byte") {
  patient p;
  const auto before = p.all(p.rows());
  const auto key = [&](const alert_row& row) {
    return twin_key(tables::alerts, shard, 0) + row.incident;
  };
  REQUIRE(p.alerts.size() > 10);
  bool rows_are_missing = false;
  SUBCASE("the oldest and the newest are damaged") {
    p.flip(p.rows(), key(p.alerts.begin()->second), 30);
    p.flip(p.rows(), key(p.alerts.rbegin()->second), 30);
  }
  SUBCASE("two are missing from a store that was salvaged") {
    p.erase(p.rows(), key(p.alerts.begin()->second));
    p.erase(p.rows(), key(std::next(p.alerts.begin(), 5)->second));
    rows_are_missing = true;
  }
  const auto dry = p.mend(false, true, rows_are_missing);
  const auto notes = p.mend(false, false, rows_are_missing);
  CHECK(text(notes) == text(dry));
  REQUIRE(notes.size() == 2);
  for (const auto& n : notes) {
    CHECK(n.twin == twin);
    CHECK(n.done == "worked out again from the journal");
    CHECK_FALSE(n.lost);
  }
  auto after = p.all(p.rows());
  std::erase_if(after, [](const auto& row) { return row.first.front() == set_aside_table; });
  CHECK(after == before);
  CHECK(p.verified().findings_total == 0);
  CHECK(p.mend(false, false, rows_are_missing).empty());
}

TEST_CASE("repair: an alert is not made up across a gap in the history") {
  patient p;
  p.put(p.rows(), p.key_of(tables::blocks, 1), "x");
  p.flip(p.rows(), twin_key(tables::alerts, shard, 0) + p.alerts.rbegin()->second.incident, 30);
  const auto notes = p.mend(false);
  REQUIRE(notes.size() == 2);
  CHECK(notes[0].done.find("its history has a gap") != std::string::npos);
  CHECK(notes[0].lost);
  CHECK(notes[1].lost);
  SUBCASE("which a backup closes") {
    patient q;
    q.put(q.rows(), q.key_of(tables::blocks, 1), "x");
    q.flip(q.rows(), twin_key(tables::alerts, shard, 0) + q.alerts.rbegin()->second.incident, 30);
    for (const auto& n : q.mend(true)) CHECK_FALSE(n.lost);
    CHECK(q.verified().findings_total == 0);
  }
}

TEST_CASE("repair: transitions that the outbox has not taken are left to the next start") {
  patient p;
  const auto& newest = p.alerts.rbegin()->second;
  REQUIRE(newest.transitions.size() == 2);
  auto untold = newest;
  untold.transitions.pop_back();
  const auto b = p.tables->batch();
  b->put_alert(untold);
  b->mark_taken(shard, 0, untold.transitions.back().id);
  REQUIRE(p.tables->write(*b, true).ok());
  p.flip(p.rows(), twin_key(tables::alerts, shard, 0) + newest.incident, 30);
  CHECK(p.mend(false).size() == 1);
  const auto row = p.tables->find_alert(shard, 0, newest.incident);
  REQUIRE((row.ok() && row->has_value()));
  CHECK((*row)->transitions.size() == 1);
}

TEST_CASE("repair: a registry row that is gone comes back, or its number is kept") {
  patient p;
  const auto before = p.all(p.rows());
  p.erase(p.rows(), twin_key(tables::registry, shard, 0));
  SUBCASE("from a backup") {
    const auto notes = p.mend(true);
    REQUIRE(notes.size() == 1);
    CHECK(notes[0].twin == twin);
    CHECK_FALSE(notes[0].lost);
    CHECK(p.all(p.rows()) == before);
  }
  SUBCASE("without") {
    const auto notes = p.mend(false);
    REQUIRE(notes.size() == 1);
    CHECK(notes[0].lost);
    std::vector<registry_row> rows;
    REQUIRE(p.tables->each_registry(shard, [&](const auto& r) { rows.push_back(r); }).ok());
    REQUIRE(rows.size() == 1);
    CHECK(rows[0].id == "lost:1-0");
    CHECK(rows[0].deleted);
  }
  CHECK(p.mend(true).empty());
}
