// SPDX-License-Identifier: Apache-2.0
// What the log does when the disk is short of space or fails, and how it comes back (decision 10).
#include "persistence/leveldb_log.hpp"
#include <leveldb/write_batch.h>

namespace pollux::persistence {

namespace {
constexpr std::int64_t look_every_ns = 200'000'000;
constexpr std::chrono::milliseconds patience{2000};

std::string megabytes(std::uint64_t bytes) { return std::to_string(bytes >> 20) + " MB"; }
} // namespace

failure leveldb_log::refusal() const {
  const std::lock_guard lock(mutex_);
  return why_;
}

void leveldb_log::look_at_space(std::int64_t now_ns) {
  if (now_ns - looked_at_ns_ < look_every_ns && looked_at_ns_ != 0) return;
  looked_at_ns_ = now_ns;
  free_bytes_ = probes_.free_bytes(options_.folder);
  if (free_bytes_ >= options_.min_free_bytes || condition_ != condition::fine) return;
  {
    const std::lock_guard lock(mutex_);
    why_ = {errc::no_space, "log: only " + megabytes(free_bytes_) + " free in " + options_.folder +
                                ", the watermark is " + megabytes(options_.min_free_bytes) +
                                "; new readings are refused until space returns"};
  }
  auto expected = condition::fine; // a failure met meanwhile weighs more
  condition_.compare_exchange_strong(expected, condition::short_of_space);
}

status leveldb_log::fail_with(const failure& why) {
  {
    const std::lock_guard lock(mutex_);
    if (condition_ != condition::broken) why_ = why;
  }
  condition_ = condition::broken;
  if (why.code == errc::no_space) ballast_.drop();
  return why;
}

status leveldb_log::heal() {
  const std::lock_guard one_at_a_time(healing_);
  free_bytes_ = probes_.free_bytes(options_.folder);
  if (condition_ != condition::fine && free_bytes_ < options_.min_free_bytes)
    return failure{errc::no_space, "log: " + megabytes(free_bytes_) + " free in " +
                                       options_.folder + ", " + megabytes(options_.min_free_bytes) +
                                       " are needed"};
  if (condition_ == condition::broken) {
    if (auto s = database_->reopen(patience); !s) return s.error().within("log");
    if (auto s = check_nothing_lost(); !s) return s;
    // LevelDB has written what its log held into synced tables
    const std::lock_guard no_sync_runs(syncing_);
    ledger_.end_sync(ledger_.begin_sync(), true);
  }
  condition_ = condition::fine;
  ballast_.keep(free_bytes_, options_.min_free_bytes);
  return {};
}

/// As leveldb_store::compact(): two rows around everything, so that the lowest level is written,
/// too.
status leveldb_log::compact() {
  auto db = database_->acquire();
  if (!db) return failure{errc::unavailable, "log: closed after a failure, waiting to reopen"};
  static constexpr const char* around[] = {"!", "~"};
  for (const bool put : {true, false}) {
    leveldb::WriteBatch rows;
    for (const auto* key : around) put ? rows.Put(key, "") : rows.Delete(key);
    if (auto s = to_status(db->Write({}, &rows), "log: writing"); !s) return fail_with(s.error());
    db->CompactRange(nullptr, nullptr);
  }
  return {};
}

/// After a failed sync the kernel may have thrown away pages that were committed. Then what runs
/// in memory is ahead of the disk, and only a restart brings both together again.
status leveldb_log::check_nothing_lost() {
  auto db = database_->acquire();
  if (!db) return failure{errc::unavailable, "log: closed"};
  std::string key, value;
  for (std::uint32_t shard = 0; shard < options_.shards; ++shard) {
    domain::position last;
    {
      const std::lock_guard lock(mutex_);
      const auto& marks = marks_[shard];
      if (marks.last == marks.last_trimmed) continue;
      last = marks.last;
    }
    key_writer(key, log_keys::segments).u16(shard).u64(last.value);
    const auto s = db->Get({}, key, &value);
    if (s.IsNotFound())
      return failure{errc::corrupt, "log: shard " + std::to_string(shard) +
                                        " has lost committed segments after a failed sync; "
                                        "restart the node"};
    if (!s.ok()) return to_status(s, "log: checking after reopening");
  }
  return {};
}

log_status leveldb_log::state() const {
  log_status s;
  s.writable = condition_ == condition::fine;
  s.last_sync_age_ns = ledger_.sync_age_ns(now_ns());
  s.bytes_written = env_.bytes_written();
  s.syncs = env_.syncs();
  s.free_bytes = free_bytes_;
  const std::lock_guard lock(mutex_);
  if (!s.writable) s.why = why_.what;
  s.tail_bytes = tail_bytes_;
  s.tail_readings = tail_readings_;
  s.segments = segments_;
  return s;
}

} // namespace pollux::persistence
