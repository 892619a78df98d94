// SPDX-License-Identifier: Apache-2.0
// A twin with several blocks, on disk, that a test may damage; and a copy of all of it as it was.
#pragma once
#include "persistence/backup.hpp"
#include "persistence/repair.hpp"
#include "tests/unit/persistence/cold_moves.hpp"

namespace pollux::persistence::testing {

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
    cold = move_all_to_cold(*this);
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
  [[nodiscard]] std::vector<repair_note> mend(bool with_backup, bool dry_run = false,
                                              bool rows_are_missing = false) const {
    repair_options o;
    o.models = &models;
    o.rows_are_missing = rows_are_missing;
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

} // namespace pollux::persistence::testing
