// SPDX-License-Identifier: Apache-2.0
// The store on LevelDB. Writes go unsynced into LevelDB; a synced write then syncs the log file
// beside the writer queue, so that other writers do not wait for the disk.
#pragma once
#include "persistence/database.hpp"
#include "persistence/folder_lock.hpp"
#include "persistence/store_rows.hpp"
#include <leveldb/write_batch.h>
#include <map>
#include <mutex>
#include <vector>

namespace pollux::persistence {

inline constexpr std::uint32_t store_format = 1;
inline constexpr std::uint64_t readings_per_anchor = 100'000;
inline constexpr std::uint32_t snapshots_per_anchor = 64;

class leveldb_store_batch final : public store_batch {
public:
  void put_registry(std::uint32_t shard, const registry_row& r) override;
  void put_snapshot(std::uint32_t shard, std::uint32_t row, const snapshot& s) override;
  void erase_snapshot(std::uint32_t shard, std::uint32_t row, domain::input_id at) override;
  void put_alert(const alert_row& a) override;
  void put_outbox(const outbox_row& o) override;
  void erase_outbox(const std::string& destination, std::uint32_t shard, std::uint32_t row,
                    const domain::effect_id& id) override;
  void mark_taken(std::uint32_t shard, std::uint32_t row, const domain::effect_id& id) override;
  void put_model(const std::string& hash, const std::string& name,
                 const std::string& json) override;
  void put_block(std::uint32_t shard, std::uint32_t row, domain::input_id first,
                 const std::string& bytes, tier where) override;
  void put_cold_block(std::uint32_t shard, std::uint32_t row, const block_info& info) override;
  void erase_block(std::uint32_t shard, std::uint32_t row, domain::input_id first) override;
  void put_meta(const std::string& key, const std::string& value) override;
  void erase_meta(const std::string& key) override;

private:
  friend class leveldb_store;
  struct pending_snapshot {
    std::uint32_t shard = 0;
    snapshot_head head;
    std::uint64_t readings = 0;
    std::string row; ///< the sealed snapshot row
  };
  void clear();

  leveldb::WriteBatch rows_;
  std::vector<pending_snapshot> snapshots_; ///< which older ones go is decided when written
  status defect_; ///< a block without a readable header: the whole batch is refused
};

class leveldb_store final : public store {
public:
  [[nodiscard]] static result<std::unique_ptr<leveldb_store>>
  open(const leveldb_store_options& options);
  ~leveldb_store() override;

  std::unique_ptr<store_batch> batch() override;
  status write(store_batch& b, bool synced) override;
  status each_registry(std::uint32_t shard,
                       const std::function<void(const registry_row&)>& visit) const override;
  status each_snapshot_head(std::uint32_t shard,
                            const std::function<void(const snapshot_head&)>& visit) const override;
  result<std::optional<snapshot>> newest_snapshot(std::uint32_t shard,
                                                  std::uint32_t row) const override;
  status each_snapshot(std::uint32_t shard, std::uint32_t row,
                       const std::function<bool(const snapshot&)>& visit) const override;
  status each_alert(const std::function<bool(const alert_row&)>& visit) const override;
  status each_alert_of(std::uint32_t shard, std::uint32_t row,
                       const std::function<bool(const alert_row&)>& visit) const override;
  result<std::optional<alert_row>> find_alert(std::uint32_t shard, std::uint32_t row,
                                              const std::string& incident) const override;
  status each_outbox(const std::function<void(const outbox_row&)>& visit) const override;
  result<std::optional<domain::effect_id>> taken_upto(std::uint32_t shard,
                                                      std::uint32_t row) const override;
  result<std::vector<model_row>> models() const override;
  status each_block(std::uint32_t shard, std::uint32_t row, domain::input_id after,
                    const std::function<bool(std::string_view)>& visit) const override;
  status each_block_info(std::uint32_t shard, std::uint32_t row, bool newest_first,
                         const std::function<bool(const block_info&)>& visit) const override;
  result<std::string> block(std::uint32_t shard, std::uint32_t row,
                            domain::input_id first) const override;
  void set_cold_source(std::shared_ptr<const cold_source> source) override;
  result<std::optional<std::string>> meta(const std::string& key) const override;
  result<std::optional<block_info>> block_index(std::uint32_t shard, std::uint32_t row,
                                                domain::input_id first) const override;
  status each_block_index(
      std::uint32_t shard,
      const std::function<void(std::uint32_t, const block_info&)>& visit) const override;
  status each_meta(
      const std::string& prefix,
      const std::function<void(const std::string&, const std::string&)>& visit) const override;
  result<erased_rows> erase_twin(std::uint32_t shard, std::uint32_t row) override;
  result<erased_rows> count_twin(std::uint32_t shard, std::uint32_t row) const override;
  status compact() override;
  status
  each_raw_row(const std::function<void(std::string_view, std::string_view)>& visit) const override;
  status put_quarantine(const std::vector<messages::quarantined>& records) override;
  result<std::vector<quarantine_row>> quarantine_page(std::uint64_t after_id,
                                                      std::size_t limit) const override;
  status erase_quarantine(std::uint64_t id) override;
  std::uint64_t quarantine_size() const override;
  status heal() override;
  std::string property(const std::string& name) const override;

  [[nodiscard]] env_faults& faults() noexcept { return env_.faults(); }
  /// The rows as they are, for backup, restore and repair.
  [[nodiscard]] database& rows() const noexcept { return *database_; }

private:
  struct quarantine_counts {
    std::uint64_t next_id = 1, size = 0, evicted = 0;
  };

  explicit leveldb_store(leveldb_store_options options) : options_(std::move(options)) {}
  [[nodiscard]] status start();
  [[nodiscard]] status check_format();
  [[nodiscard]] result<std::optional<std::string>> get(const std::string& key) const;
  [[nodiscard]] result<std::string> read_cold(const block_info& info) const;
  [[nodiscard]] status put(leveldb::WriteBatch& rows);
  /// All rows of a twin but its registry row, and what they are.
  [[nodiscard]] result<erased_rows> rows_of_twin(std::uint32_t shard, std::uint32_t row,
                                                 std::vector<std::string>& keys) const;
  [[nodiscard]] status thin_snapshots(leveldb_store_batch& b, leveldb::WriteBatch& rows);
  [[nodiscard]] bool format_changes(std::uint32_t shard, std::uint32_t row, domain::input_id last,
                                    std::string_view coming);
  [[nodiscard]] status read_quarantine_counts();
  [[nodiscard]] status evict_quarantine(quarantine_counts& counts, leveldb::WriteBatch& rows,
                                        std::uint64_t coming);
  [[nodiscard]] status fail_with(const failure& why);

  leveldb_store_options options_;
  mutable journal_env env_; ///< outlives database_
  folder_lock lock_;
  std::unique_ptr<database> database_;
  std::mutex heads_; ///< from reading a head row to writing it back
  std::map<std::uint32_t, std::vector<bool>>
      format_seen_; ///< by shard and row: the newest state is of the format that is written now

  mutable std::mutex quarantine_mutex_;
  quarantine_counts quarantine_;

  mutable std::mutex mutex_;
  status broken_;
  std::shared_ptr<const cold_source> cold_;
};

} // namespace pollux::persistence
