// SPDX-License-Identifier: Apache-2.0
#include "persistence/repair.hpp"
#include "messages/hash.hpp"
#include "persistence/alert_repair.hpp"
#include "persistence/history_repair.hpp"
#include "persistence/log_row.hpp"
#include "persistence/shard_cut.hpp"
#include "persistence/snapshot_heads.hpp"
#include <algorithm>

namespace pollux::persistence {

namespace {

failure closed() { return {errc::unavailable, "closed after a failure"}; }

/// What can be told of a row without reading it: whether it is as it was written.
status check_row(char table, std::string_view key, std::string_view value) {
  const auto outcome = [](const auto& decoded) {
    return decoded ? status{} : status{decoded.error()};
  };
  switch (table) {
  case tables::registry: return outcome(decode_registry(value, 0));
  case tables::alerts: return outcome(decode_alert(value, 0, 0));
  case tables::outbox: return outcome(decode_outbox(value, 0, 0));
  case tables::models: return outcome(decode_model(value, std::string(key.substr(1))));
  case tables::quarantine: return outcome(decode_quarantine(value, 0));
  case tables::taken: return outcome(decode_effect_id(value));
  case tables::heads: return outcome(decode_head(value, 0));
  case tables::meta: return outcome(open_row(value, "meta row"));
  case tables::snapshots: {
    const auto s = decode_snapshot(value, {});
    if (!s) return s.error();
    if (messages::content_hash(s->state) != s->hash)
      return failure{errc::corrupt, "its hash is not that of its state"};
    return {};
  }
  default: return {};
  }
}

/// Rows that never change once written, or of which the same key always says the same.
bool same_for_ever(char table) {
  return table == tables::models || table == tables::outbox || table == tables::snapshots ||
         table == tables::quarantine;
}

std::string wide_name(std::uint32_t shard) {
  return "(inputs of all twins of shard " + std::to_string(shard) + ")";
}

class repairing {
public:
  repairing(leveldb_log& journal, leveldb_store& tables, const repair_options& options)
      : journal_(journal), tables_(tables), options_(options) {}

  [[nodiscard]] result<std::vector<repair_note>> run();

private:
  [[nodiscard]] status check_tables();
  void mend_row(const leveldb::Iterator& row, const std::string& why, leveldb::WriteBatch& into);
  [[nodiscard]] std::string name_of(std::string_view key);
  [[nodiscard]] bool take_from_backup(std::string_view key, leveldb::WriteBatch& into) const;
  [[nodiscard]] status mend_heads();
  [[nodiscard]] status mend_registry(std::uint32_t shard);
  [[nodiscard]] status mend_log(std::uint32_t shard);
  [[nodiscard]] status read_keys(std::uint32_t shard);
  [[nodiscard]] status mend_alerts();
  [[nodiscard]] bool history_is_lost(std::uint32_t shard, const std::string& key) const;
  void read_cold_directories();

  leveldb_log& journal_;
  leveldb_store& tables_;
  const repair_options& options_;
  std::vector<repair_note> notes_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::string> keys_;
  std::set<std::pair<std::uint32_t, std::uint32_t>> doubtful_heads_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::vector<cold_place>> frames_;
  /// By twin: incident and its note.
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::map<std::string, std::size_t>> alerts_;
  std::set<std::string> lost_history_; ///< whose; "": a segment's, of anybody
};

result<std::vector<repair_note>> repairing::run() {
  for (std::uint32_t shard = 0; shard < journal_.shards(); ++shard)
    if (auto s = read_keys(shard); !s) return s.error();
  read_cold_directories();
  if (auto s = check_tables(); !s) return s.error();
  for (std::uint32_t shard = 0; shard < journal_.shards(); ++shard)
    if (auto s = mend_registry(shard); !s) return s.error();
  if (auto s = mend_heads(); !s) return s.error();
  const auto before_history = notes_.size();
  for (std::uint32_t shard = 0; shard < journal_.shards(); ++shard) {
    tail_view tail;
    if (options_.backup_log != nullptr && shard < options_.backup_log->shards())
      if (auto s = tail.refresh(*options_.backup_log, shard); !s) return s.error();
    std::set<std::uint32_t> rows{shard_wide_row};
    for (const auto& [place, key] : keys_)
      if (place.first == shard) rows.insert(place.second);
    for (const auto row : rows) {
      const auto known = keys_.find({shard, row});
      auto key = known != keys_.end() ? known->second : wide_name(shard);
      auto s = history_repair(tables_, shard, row, std::move(key), options_, tail, notes_)
                   .run(frames_[{shard, row}]);
      if (!s) return s.error();
    }
    if (auto s = mend_log(shard); !s) return s.error();
  }
  for (auto n = notes_.begin() + static_cast<std::ptrdiff_t>(before_history); n != notes_.end();
       ++n)
    if (n->lost) lost_history_.insert(n->twin);
  if (auto s = mend_alerts(); !s) return s.error();
  if (!options_.dry_run) {
    auto batch = tables_.batch();
    if (auto s = tables_.write(*batch, true); !s) return s.error();
    if (auto s = journal_.sync(); !s) return s.error();
  }
  return notes_;
}

status repairing::read_keys(std::uint32_t shard) {
  const auto take = [&](const registry_row& r) {
    keys_[{shard, r.row}] = r.incarnation == 1 ? r.id : r.id + "#" + std::to_string(r.incarnation);
  };
  if (auto s = tables_.each_registry(shard, take); !s && s.error().code != errc::corrupt) return s;
  return {};
}

/// Row numbers are dense and never given twice: a missing one would keep a node from starting, and
/// at the end its history would become another twin's.
status repairing::mend_registry(std::uint32_t shard) {
  std::map<std::uint32_t, registry_row> kept;
  std::uint32_t end = 0;
  const auto reaches = [&](std::uint32_t row) {
    if (row != shard_wide_row) end = std::max(end, row + 1);
  };
  for (const auto& [place, key] : keys_)
    if (place.first == shard) reaches(place.second);
  static_cast<void>(
      tables_.each_snapshot_head(shard, [&](const snapshot_head& h) { reaches(h.row); }));
  static_cast<void>(each_indexed_block(
      tables_, shard, [&](std::uint32_t row, const block_info&) { reaches(row); }));
  if (options_.backup_tables != nullptr)
    static_cast<void>(options_.backup_tables->each_registry(shard, [&](const registry_row& r) {
      kept[r.row] = r;
      reaches(r.row);
    }));
  auto batch = tables_.batch();
  for (std::uint32_t row = 0; row < end; ++row) {
    if (keys_.contains({shard, row})) continue;
    const auto name = std::to_string(shard) + "-" + std::to_string(row);
    const auto found = kept.find(row);
    const bool lost = found == kept.end();
    const registry_row r =
        lost ? registry_row{row, "lost:" + name, 1, "", "", 0, true} : found->second;
    batch->put_registry(shard, r);
    keys_[{shard, row}] = r.incarnation == 1 ? r.id : r.id + "#" + std::to_string(r.incarnation);
    notes_.push_back(
        {keys_[{shard, row}], "row " + name + " of the registry is missing",
         lost ? "its number is kept; nothing here says whose it was" : "taken from the backup",
         lost});
  }
  return options_.dry_run ? status{} : tables_.write(*batch, true);
}

void repairing::read_cold_directories() {
  if (options_.files == nullptr) return;
  const auto files = options_.files->files();
  if (!files) return;
  for (const auto file : *files) {
    auto directory = options_.files->directory(file);
    if (!directory) {
      notes_.push_back({"", "cold file " + std::to_string(file) + ": " + directory.error().what,
                        "left where it is; what it held is named below if it is missed", false});
      continue;
    }
    for (auto& entry : directory->frames)
      frames_[{directory->shard, entry.row}].push_back({file, std::move(entry)});
  }
  for (auto& [place, frames] : frames_)
    std::sort(frames.begin(), frames.end(), [](const cold_place& a, const cold_place& b) {
      return a.entry.first < b.entry.first;
    });
}

/// A table letter, shard and row in a key, as the twin it is of.
std::string repairing::name_of(std::string_view key) {
  const char table = key.empty() ? '?' : key.front();
  if (std::string_view("RSHAT").find(table) == std::string_view::npos) return {};
  key_reader k(key.substr(1));
  const auto shard = k.u16();
  const auto row = k.u32();
  const auto known = keys_.find({shard, row});
  return known != keys_.end() ? known->second
                              : "shard " + std::to_string(shard) + " row " + std::to_string(row);
}

bool repairing::take_from_backup(std::string_view key, leveldb::WriteBatch& into) const {
  const auto* from = dynamic_cast<const leveldb_store*>(options_.backup_tables);
  if (from == nullptr) return false;
  const auto db = from->rows().acquire();
  std::string value;
  if (!db || !db->Get({}, leveldb::Slice(key.data(), key.size()), &value).ok()) return false;
  if (!check_row(key.front(), key, value)) return false;
  into.Put(leveldb::Slice(key.data(), key.size()), value);
  return true;
}

void repairing::mend_row(const leveldb::Iterator& row, const std::string& why,
                         leveldb::WriteBatch& into) {
  const auto key = view(row.key());
  const char table = key.front();
  repair_note note{name_of(key), std::string("row of table ") + table + ": " + why, "", false};
  into.Put(std::string(1, set_aside_table) + std::string(key), row.value());
  into.Delete(row.key());
  if (table == tables::heads || table == tables::snapshots) {
    key_reader k(key.substr(1));
    const auto shard = k.u16();
    doubtful_heads_.insert({shard, k.u32()});
  }
  if (table == tables::alerts) {
    key_reader k(key.substr(1));
    const auto shard = k.u16();
    const auto number = k.u32();
    alerts_[{shard, number}].emplace(key.substr(twin_key(table, shard, number).size()),
                                     notes_.size());
  }
  if (table == tables::heads) {
    note.done = "made anew from the snapshots";
  } else if (table == tables::taken) {
    note.done = "set aside; what follows from inputs that are still in the log is sent once more";
  } else if (same_for_ever(table) && take_from_backup(key, into)) {
    note.done = "taken from the backup";
  } else {
    note.done = "set aside";
    // a state can be worked out again, and mend_registry() tells of rows of the registry
    note.lost = table != tables::snapshots && table != tables::registry;
  }
  notes_.push_back(std::move(note));
}

status repairing::check_tables() {
  leveldb::WriteBatch batch;
  {
    const auto db = tables_.rows().acquire();
    if (!db) return closed();
    const auto rows = db.iterate();
    for (rows->SeekToFirst(); rows->Valid(); rows->Next()) {
      const auto key = view(rows->key());
      if (key.empty() || key.front() == set_aside_table) continue;
      if (auto s = check_row(key.front(), key, view(rows->value())); !s)
        mend_row(*rows, s.error().what, batch);
    }
    if (!rows->status().ok()) return to_status(rows->status(), "reading the store");
  }
  if (options_.dry_run) return {};
  const auto db = tables_.rows().acquire();
  if (!db) return closed();
  return to_status(db->Write({}, &batch), "writing the store");
}

/// Heads that are missing or point to a snapshot that is not there.
status repairing::mend_heads() {
  leveldb::WriteBatch batch;
  for (const auto& [place, key] : keys_) {
    const auto [shard, row] = place;
    const auto newest = tables_.newest_snapshot(shard, row);
    const auto head = head_from_snapshots(tables_, shard, row, nullptr);
    const bool fits = newest.ok() && newest->has_value() == head.has_value() &&
                      (!head || (*newest)->at == head->head.at);
    if (fits) continue;
    const auto at = twin_key(tables::heads, shard, row);
    if (head)
      batch.Put(at, encode_head(*head));
    else
      batch.Delete(at);
    if (!doubtful_heads_.contains(place))
      notes_.push_back({key, "the head of its snapshots is missing or points to none",
                        "made anew from the snapshots", false});
  }
  if (options_.dry_run) return {};
  const auto db = tables_.rows().acquire();
  if (!db) return closed();
  return to_status(db->Write({}, &batch), "writing heads");
}

/// A replay across a gap would tell of alerts that never were.
bool repairing::history_is_lost(std::uint32_t shard, const std::string& key) const {
  return lost_history_.contains(key) || lost_history_.contains(wide_name(shard)) ||
         lost_history_.contains("");
}

/// Last, when the history is as whole as it can be made.
status repairing::mend_alerts() {
  if (options_.models == nullptr) return {};
  if (options_.rows_are_missing)
    for (const auto& [place, key] : keys_) alerts_[place];
  for (const auto& [place, damaged] : alerts_) {
    const auto known = keys_.find(place);
    if (known == keys_.end()) continue;
    std::set<std::string> wanted;
    if (!options_.rows_are_missing)
      for (const auto& [incident, note] : damaged) wanted.insert(incident);
    auto batch = tables_.batch();
    const auto made =
        history_is_lost(place.first, known->second)
            ? rebuilt_alerts{{}, "its history has a gap"}
            : rebuild_alerts(journal_, tables_, *options_.models,
                             {place.first, place.second, known->second}, wanted, *batch);
    if (!made) return made.error();
    for (const auto& [incident, note] : damaged)
      if (made->incidents.contains(incident)) {
        notes_[note].done = "worked out again from the journal";
        notes_[note].lost = false;
      } else if (!made->why.empty()) {
        notes_[note].done += "; a replay does not bring it back: " + made->why;
      }
    for (const auto& incident : made->incidents)
      if (!damaged.contains(incident))
        notes_.push_back({known->second, "alert " + incident + " is missing",
                          "worked out again from the journal", false});
    if (options_.dry_run || made->incidents.empty()) continue;
    if (auto s = tables_.write(*batch, false); !s) return s;
  }
  return {};
}

/// Damaged rows of the log come back from a backup, or go aside with their bytes.
status repairing::mend_log(std::uint32_t shard) {
  const auto* from = dynamic_cast<const leveldb_log*>(options_.backup_log);
  std::string prefix;
  key_writer(prefix, log_keys::segments).u16(shard);
  leveldb::WriteBatch batch;
  const auto db = journal_.rows().acquire();
  if (!db) return closed();
  const auto rows = db.iterate();
  const auto sound = [](std::string_view bytes) -> status {
    const auto row = decode_log_row(bytes);
    if (!row) return row.error();
    const auto segment = messages::segment::parse(std::string(row->segment));
    return segment ? status{} : status{segment.error()};
  };
  for (rows->Seek(prefix); rows->Valid() && rows->key().starts_with(prefix); rows->Next()) {
    const auto checked = sound(view(rows->value()));
    if (checked) continue;
    const domain::position at{key_reader(view(rows->key()).substr(prefix.size())).u64()};
    repair_note note{"",
                     "segment " + std::to_string(shard) + "/" + std::to_string(at.value) + ": " +
                         checked.error().what,
                     "", false};
    std::string kept;
    const auto backup = from != nullptr ? from->rows().acquire() : database::use(nullptr);
    if (backup && backup->Get({}, rows->key(), &kept).ok() && sound(kept)) {
      batch.Put(rows->key(), kept);
      note.done = "taken from the backup";
    } else {
      std::string aside;
      key_writer(aside, log_keys::set_aside).u16(shard).u64(at.value);
      batch.Put(aside, rows->value());
      batch.Delete(rows->key());
      note.done = "set aside";
      note.lost = true;
    }
    notes_.push_back(std::move(note));
  }
  if (!rows->status().ok()) return to_status(rows->status(), "reading the log");
  if (options_.dry_run) return {};
  return to_status(db->Write({}, &batch), "writing the log");
}

} // namespace

result<std::vector<repair_note>> repair(leveldb_log& journal, leveldb_store& tables,
                                        const repair_options& options) {
  return repairing(journal, tables, options).run();
}

} // namespace pollux::persistence
