// SPDX-License-Identifier: Apache-2.0
// Opening the log: lock, format, epoch, size of the tail (decisions 3 and 11).
#include "domain/base/bytes.hpp"
#include "persistence/leveldb_log.hpp"
#include "persistence/log_row.hpp"
#include <algorithm>
#include <chrono>

namespace pollux::persistence {

namespace log_keys {

std::string meta_key(std::string_view name) {
  std::string key;
  key_writer(key, meta).text(name);
  return key;
}

std::string trim_key(std::uint32_t shard) {
  std::string key;
  key_writer(key, meta).text("trim").u16(shard);
  return key;
}

} // namespace log_keys

namespace {

constexpr int offset_bits = 40;
constexpr std::uint64_t last_epoch = (std::uint64_t{1} << 24) - 1;

std::string number(std::uint64_t v) {
  std::string out;
  byte_writer(out).u64(v);
  return out;
}

/// Reads a number row; `present` says whether there is one.
status read_number(database::use& db, std::string_view name, bool& present, std::uint64_t& value) {
  std::string bytes;
  const auto s = db->Get({}, log_keys::meta_key(name), &bytes);
  present = s.ok();
  if (s.IsNotFound()) return {};
  if (!s.ok()) return to_status(s, "reading " + std::string(name));
  byte_reader r(bytes);
  value = r.u64();
  if (!r.ok()) return failure{errc::corrupt, "row '" + std::string(name) + "' is damaged"};
  return {};
}

} // namespace

leveldb_log::leveldb_log(leveldb_log_options options, log_probes probes)
    : options_(std::move(options)), probes_(std::move(probes)),
      ballast_(options_.folder, options_.ballast_bytes), marks_(options_.shards) {
  if (!probes_.steady_now_ns)
    probes_.steady_now_ns = [] {
      const auto now = std::chrono::steady_clock::now().time_since_epoch();
      return std::int64_t{std::chrono::nanoseconds(now).count()};
    };
  if (!probes_.free_bytes)
    probes_.free_bytes = [](const std::string& folder) { return persistence::free_bytes(folder); };
}

leveldb_log::~leveldb_log() = default;

result<std::unique_ptr<leveldb_log>> leveldb_log::open(const leveldb_log_options& options,
                                                       log_probes probes) {
  if (options.shards > 0xffff)
    return failure{errc::invalid_argument, "the number of shards must be 1 to 65535"};
  std::unique_ptr<leveldb_log> made(new leveldb_log(options, std::move(probes)));
  if (auto s = made->start(); !s) return s.error().within("log");
  return made;
}

status leveldb_log::start() {
  auto lock = folder_lock::take(options_.folder);
  if (!lock) return lock.error();
  lock_ = std::move(*lock);
  auto db = database::open({.folder = options_.folder,
                            .write_buffer_bytes = options_.write_buffer_bytes,
                            .cache_bytes = 4u << 20,
                            .compressed = false},
                           env_);
  if (!db) return db.error();
  database_ = std::move(*db);
  bool fresh = false;
  if (auto s = read_format(fresh); !s) return s;
  if (auto s = measure_tail(); !s) return s;
  if (auto s = raise_epoch(fresh); !s) return s;
  for (const auto& marks : marks_) chain_.push_back(marks.last);
  free_bytes_ = probes_.free_bytes(options_.folder);
  ballast_.keep(free_bytes_, options_.min_free_bytes);
  look_at_space(now_ns());
  return {};
}

status leveldb_log::read_format(bool& fresh) {
  auto db = database_->acquire();
  bool present = false;
  std::uint64_t format = 0, shards = 0;
  if (auto s = read_number(db, "format", present, format); !s) return s;
  fresh = !present;
  if (fresh) {
    const auto all = db.iterate();
    all->SeekToFirst();
    if (all->Valid())
      return failure{errc::corrupt, options_.folder + " holds a database that is not a Pollux log"};
    if (options_.shards == 0)
      return failure{errc::not_found, options_.folder + " is empty: there is no log in it"};
    return to_status(all->status(), "reading " + options_.folder);
  }
  if (format > log_format)
    return failure{errc::version_mismatch, options_.folder +
                                               " was written by a newer Pollux (log format " +
                                               std::to_string(format) + "; this one reads up to " +
                                               std::to_string(log_format) + ")"};
  if (auto s = read_number(db, "shards", present, shards); !s) return s;
  if (present && options_.shards == 0) {
    options_.shards = static_cast<std::uint32_t>(shards);
    marks_.resize(options_.shards);
  }
  if (!present || shards != options_.shards)
    return failure{errc::conflict, options_.folder + " has " + std::to_string(shards) +
                                       " shards, " + std::to_string(options_.shards) +
                                       " are configured; the number is fixed at creation"};
  return {};
}

status leveldb_log::raise_epoch(bool fresh) {
  auto db = database_->acquire();
  bool present = false;
  std::uint64_t epoch = 0;
  if (auto s = read_number(db, "epoch", present, epoch); !s) return s;
  if (!fresh && !present) return failure{errc::corrupt, options_.folder + " has lost its epoch"};
  if (epoch >= last_epoch)
    return failure{errc::unavailable, options_.folder + " has used up all its epochs"};
  // 2^40 rows after a start the offset would carry into the epoch; rows written then count, too
  for (const auto& marks : marks_) epoch = std::max(epoch, marks.last.value >> offset_bits);
  ++epoch;
  leveldb::WriteBatch rows;
  if (fresh) {
    rows.Put(log_keys::meta_key("format"), number(log_format));
    rows.Put(log_keys::meta_key("shards"), number(options_.shards));
  }
  rows.Put(log_keys::meta_key("epoch"), number(epoch));
  leveldb::WriteOptions synced;
  synced.sync = true; // before the first append: no position is ever used twice
  if (auto s = to_status(db->Write(synced, &rows), "raising the epoch"); !s) return s;
  next_ = epoch << offset_bits | 1;
  end_ = next_;
  return {};
}

status leveldb_log::measure_tail() {
  auto db = database_->acquire();
  const auto rows = db.iterate();
  std::string key, value;
  for (std::uint32_t shard = 0; shard < options_.shards; ++shard) {
    auto& marks = marks_[shard];
    const auto s = db->Get({}, log_keys::trim_key(shard), &value);
    if (s.ok()) {
      byte_reader r(value);
      marks.trimmed_below.value = r.u64();
      marks.last_trimmed.value = r.u64();
      if (!r.ok()) return failure{errc::corrupt, "trim row of shard " + std::to_string(shard)};
    } else if (!s.IsNotFound()) {
      return to_status(s, "reading the trim row of shard " + std::to_string(shard));
    }
    marks.last = marks.last_trimmed;
    key_writer(key, log_keys::segments).u16(shard).u64(marks.trimmed_below.value);
    const std::string prefix = key.substr(0, 3);
    for (rows->Seek(key); rows->Valid() && rows->key().starts_with(prefix); rows->Next()) {
      key_reader at({rows->key().data() + 3, rows->key().size() - 3});
      marks.last.value = at.u64();
      const auto head = peek_log_row({rows->value().data(), rows->value().size()});
      tail_bytes_ += rows->value().size();
      tail_readings_ += head.readings;
      ++segments_;
    }
    if (!rows->status().ok()) return to_status(rows->status(), "reading the tail");
  }
  return {};
}

result<std::unique_ptr<log>> open_leveldb_log(const leveldb_log_options& options) {
  auto made = leveldb_log::open(options);
  if (!made) return made.error();
  return std::unique_ptr<log>(std::move(*made));
}

} // namespace pollux::persistence
