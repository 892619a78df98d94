// SPDX-License-Identifier: Apache-2.0
// The embedded log: segments as rows of a LevelDB of its own. commit() writes one batch and never
// syncs; sync() goes past LevelDB's writer queue. After a failed write or sync nothing more is
// accepted until heal() has reopened the database; reads go on.
#pragma once
#include "persistence/database.hpp"
#include "persistence/disk_space.hpp"
#include "persistence/folder_lock.hpp"
#include "persistence/keys.hpp"
#include "persistence/log_ledger.hpp"
#include <leveldb/write_batch.h>

namespace pollux::persistence {

inline constexpr std::uint32_t log_format = 1;

/// What a test replaces.
struct log_probes {
  std::function<std::int64_t()> steady_now_ns;                        ///< empty = steady clock
  std::function<std::uint64_t(const std::string& folder)> free_bytes; ///< empty = statvfs
};

class leveldb_log final : public log {
public:
  [[nodiscard]] static result<std::unique_ptr<leveldb_log>> open(const leveldb_log_options& options,
                                                                 log_probes probes = {});
  ~leveldb_log() override;

  std::uint32_t shards() const override { return options_.shards; }
  result<messages::ticket> append(std::uint32_t shard, segment_ptr content) override;
  status commit() override;
  status sync() override;
  messages::ticket durable_upto(messages::durability at) const override;
  std::vector<positioned_segment> poll() override { return ledger_.poll(); }
  status scan(std::uint32_t shard, domain::position from,
              const std::function<bool(const positioned_segment&)>& visit) const override;
  status trim(std::uint32_t shard, domain::position below) override;
  domain::position trimmed_below(std::uint32_t shard) const override;
  domain::position end(std::uint32_t shard) const override;
  log_status state() const override;
  status heal() override;
  status compact() override;
  status check(std::uint32_t shard,
               const std::function<void(const std::string&)>& finding) const override;

  [[nodiscard]] env_faults& faults() noexcept { return env_.faults(); }
  /// The rows as they are, for backup, restore and repair.
  [[nodiscard]] database& rows() const noexcept { return *database_; }
  /// While held, nothing is trimmed.
  [[nodiscard]] std::unique_lock<std::mutex> hold_trim() const {
    return std::unique_lock(trimming_);
  }

private:
  struct shard_marks {
    domain::position last;          ///< newest committed row, trimmed or not; 0 = none ever
    domain::position trimmed_below; ///< rows below are gone
    domain::position last_trimmed;  ///< the newest row that went
  };
  enum class condition : std::uint8_t { fine, short_of_space, broken };

  leveldb_log(leveldb_log_options options, log_probes probes);

  // opening (leveldb_log_open.cpp)
  [[nodiscard]] status start();
  [[nodiscard]] status read_format(bool& fresh);
  [[nodiscard]] status raise_epoch(bool fresh);
  [[nodiscard]] status measure_tail();

  // space and faults (leveldb_log_heal.cpp)
  void look_at_space(std::int64_t now_ns);
  [[nodiscard]] failure refusal() const;
  status fail_with(const failure& why);
  [[nodiscard]] status check_nothing_lost();

  [[nodiscard]] std::int64_t now_ns() const;
  void fill_batch();
  status write_batch();
  status trim_chunk(std::uint32_t shard, domain::position below, bool& more);
  void compact_segments();

  leveldb_log_options options_;
  log_probes probes_;
  journal_env env_; ///< outlives database_
  folder_lock lock_;
  ballast ballast_;
  std::unique_ptr<database> database_;
  log_ledger ledger_;

  // commit(), one caller at a time: reused from call to call
  std::vector<staged_segment> writing_;
  std::vector<positioned_segment> written_;
  leveldb::WriteBatch batch_;
  std::string key_, row_;
  std::uint64_t next_ = 0;              ///< position value of the next row
  std::vector<domain::position> chain_; ///< newest row per shard, the running batch included

  std::atomic<std::uint64_t> end_{0};
  std::atomic<std::int64_t> looked_at_ns_{0};
  std::atomic<std::uint64_t> free_bytes_{0};
  std::atomic<condition> condition_{condition::fine};
  std::mutex syncing_;              ///< one sync at a time
  std::mutex healing_;              ///< one heal at a time
  mutable std::mutex trimming_;     ///< one trim at a time
  std::uint64_t trimmed_bytes_ = 0; ///< since the last compaction; under trimming_

  mutable std::mutex mutex_; ///< guards what follows; never held over I/O
  failure why_;
  std::vector<shard_marks> marks_;
  std::uint64_t tail_bytes_ = 0, tail_readings_ = 0, segments_ = 0;
};

/// Keys of the log's own rows.
namespace log_keys {
inline constexpr char segments = 'L';
inline constexpr char meta = 'X';
inline constexpr char set_aside = 'D'; ///< damaged rows that were trimmed
[[nodiscard]] std::string meta_key(std::string_view name);
[[nodiscard]] std::string trim_key(std::uint32_t shard);
} // namespace log_keys

} // namespace pollux::persistence
