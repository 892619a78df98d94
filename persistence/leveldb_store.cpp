// SPDX-License-Identifier: Apache-2.0
// Opening, writing and healing the store.
#include "persistence/leveldb_store.hpp"
#include "domain/base/bytes.hpp"
#include <map>

namespace pollux::persistence {

namespace {
constexpr std::chrono::milliseconds patience{2000};
constexpr const char* format_key = "format";

std::string number(std::uint32_t v) {
  std::string out;
  byte_writer(out).u32(v);
  return out;
}
} // namespace

leveldb_store::~leveldb_store() = default;

result<std::unique_ptr<leveldb_store>> leveldb_store::open(const leveldb_store_options& options) {
  std::unique_ptr<leveldb_store> made(new leveldb_store(options));
  if (auto s = made->start(); !s) return s.error().within("store");
  return made;
}

status leveldb_store::start() {
  auto lock = folder_lock::take(options_.folder);
  if (!lock) return lock.error();
  lock_ = std::move(*lock);
  auto db = database::open({.folder = options_.folder,
                            .write_buffer_bytes = options_.write_buffer_bytes,
                            .cache_bytes = options_.cache_bytes,
                            .bloom_bits = 10},
                           env_);
  if (!db) return db.error();
  database_ = std::move(*db);
  if (auto s = check_format(); !s) return s;
  return read_quarantine_counts();
}

status leveldb_store::check_format() {
  const auto found = get(own_meta_key(format_key));
  if (!found) return found.error();
  if (!*found) {
    auto db = database_->acquire();
    const auto rows = db.iterate();
    rows->SeekToFirst();
    if (rows->Valid())
      return failure{errc::corrupt,
                     options_.folder + " holds a database that is not a Pollux store"};
    leveldb::WriteOptions synced;
    synced.sync = true;
    return to_status(db->Put(synced, own_meta_key(format_key), seal_row(number(store_format))),
                     "creating " + options_.folder);
  }
  const auto payload = open_row(**found, "format row");
  if (!payload) return payload.error().within(options_.folder);
  const auto format = byte_reader(*payload).u32();
  if (format > store_format)
    return failure{errc::version_mismatch, options_.folder +
                                               " was written by a newer Pollux (store format " +
                                               std::to_string(format) + "; this one reads up to " +
                                               std::to_string(store_format) + ")"};
  return {};
}

std::unique_ptr<store_batch> leveldb_store::batch() {
  return std::make_unique<leveldb_store_batch>();
}

status leveldb_store::fail_with(const failure& why) {
  const std::lock_guard lock(mutex_);
  if (broken_.ok()) broken_ = why;
  return why;
}

status leveldb_store::put(leveldb::WriteBatch& rows) {
  {
    const std::lock_guard lock(mutex_);
    if (!broken_.ok()) return broken_;
  }
  auto db = database_->acquire();
  if (!db) return failure{errc::unavailable, "store: closed after a failure, waiting to reopen"};
  auto s = to_status(db->Write({}, &rows), "store: writing");
  return s ? s : fail_with(s.error());
}

status leveldb_store::write(store_batch& b, bool synced) {
  auto* batch = dynamic_cast<leveldb_store_batch*>(&b);
  if (batch == nullptr) return failure{errc::invalid_argument, "store: a foreign batch"};
  if (!batch->defect_.ok()) return batch->defect_.error().within("store");
  if (batch->snapshots_.empty()) {
    if (auto s = put(batch->rows_); !s) return s;
  } else {
    const std::lock_guard lock(heads_);
    leveldb::WriteBatch rows = batch->rows_;
    if (auto s = thin_snapshots(*batch, rows); !s) return s;
    if (auto s = put(rows); !s) return s;
  }
  batch->clear();
  if (!synced) return {};
  auto s = env_.sync_logs();
  return s ? s : fail_with(s.error().within("store"));
}

/// Whether the state that is written now is of another format (its first byte) than the newest
/// there is. Formats change between two starts only, so one look a twin is enough.
bool leveldb_store::format_changes(std::uint32_t shard, std::uint32_t row, domain::input_id last,
                                   std::string_view coming) {
  auto& seen = format_seen_[shard];
  if (row >= seen.size()) seen.resize(row + 1);
  if (seen[row]) return false;
  seen[row] = true;
  if (last == domain::input_id{}) return false;
  const auto kept = get(input_key(tables::snapshots, shard, row, last));
  if (!kept || !*kept) return false;
  const auto before = decode_snapshot(**kept, last);
  const auto now = decode_snapshot(coming, {});
  return before && now && before->state.substr(0, 1) != now->state.substr(0, 1);
}

/// Adds the snapshots to `rows` and drops those that are neither among the newest two nor anchors.
/// The last state of an older format becomes an anchor: today's code need not come to it from the
/// twin's creation, and replays go on from it.
status leveldb_store::thin_snapshots(leveldb_store_batch& b, leveldb::WriteBatch& rows) {
  std::map<std::string, head_row> heads;
  for (const auto& s : b.snapshots_) {
    const auto key = twin_key(tables::heads, s.shard, s.head.row);
    auto known = heads.find(key);
    if (known == heads.end()) {
      head_row h;
      const auto found = get(key);
      if (!found) return found.error();
      if (*found) {
        const auto decoded = decode_head(**found, s.head.row);
        if (decoded) h = *decoded; // a damaged head is replaced: the snapshots are still there
      }
      known = heads.emplace(key, h).first;
    }
    auto& h = known->second;
    if (s.head.at < h.head.at) continue; // older than what is there: nothing new
    rows.Put(input_key(tables::snapshots, s.shard, s.head.row, s.head.at), s.row);
    if (h.head.at < s.head.at) {
      const domain::input_id none;
      if (h.previous != none && h.previous != h.anchor)
        rows.Delete(input_key(tables::snapshots, s.shard, s.head.row, h.previous));
      h.previous = h.head.at;
      ++h.since_anchor;
      if (format_changes(s.shard, s.head.row, h.previous, s.row))
        h.anchor = h.previous;
      else if (s.readings > 0 ? s.readings >= h.anchor_readings + readings_per_anchor
                              : h.since_anchor >= snapshots_per_anchor) {
        h.anchor = s.head.at;
        h.anchor_readings = s.readings;
        h.since_anchor = 0;
      }
    }
    h.head = s.head;
  }
  for (const auto& [key, h] : heads) rows.Put(key, encode_head(h));
  return {};
}

status leveldb_store::heal() {
  {
    const std::lock_guard lock(mutex_);
    if (broken_.ok()) return {};
  }
  if (auto s = database_->reopen(patience); !s) return s.error().within("store");
  const std::lock_guard lock(mutex_);
  broken_ = {};
  return {};
}

std::string leveldb_store::property(const std::string& name) const {
  if (name == "pollux.bytes-written") return std::to_string(env_.bytes_written());
  if (name == "pollux.quarantine-evicted") {
    const std::lock_guard lock(quarantine_mutex_);
    return std::to_string(quarantine_.evicted);
  }
  std::string value;
  const auto db = database_->acquire();
  if (db) static_cast<void>(db->GetProperty(name, &value));
  return value;
}

result<std::unique_ptr<store>> open_leveldb_store(const leveldb_store_options& options) {
  auto made = leveldb_store::open(options);
  if (!made) return made.error();
  return std::unique_ptr<store>(std::move(*made));
}

} // namespace pollux::persistence
