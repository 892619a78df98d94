// SPDX-License-Identifier: Apache-2.0
// Moves history through its tiers as it ages: hot, warm, cold, gone. In small steps, so that
// sealing and queries go on beside it. Every move is: write the copy, make it durable, read it back
// and compare, switch the index in one synced batch, delete what nobody refers to any more. So at
// every moment, crash or not, an input is in one tier for whoever reads.
#pragma once
#include "persistence/cold_file.hpp"
#include "persistence/twin_mover.hpp"
#include <array>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>

namespace pollux::persistence {

/// What the index says of one tier.
struct tier_total {
  std::uint64_t blocks = 0, inputs = 0, readings = 0, values = 0, bytes = 0;
  std::int64_t oldest_ns = INT64_MAX, newest_ns = INT64_MIN; ///< event times
  void add(const block_info& b);
  void add(const tier_total& other);
};
using tier_totals = std::array<tier_total, 3>;
/// Counts the blocks of all twins in the index. Cost: about a microsecond a block.
[[nodiscard]] result<tier_totals> count_tiers(const store& tables, std::uint32_t shards);

/// What tiering has to know of the twins of a shard; rows it has no rule for are left alone.
struct shard_rules {
  std::vector<domain::retention_rule> rules; ///< 65,535 at most
  std::vector<std::uint16_t> rule_of_row;    ///< index into rules; no_rule = leave alone
  std::vector<bool> deleted, held;           ///< by row; missing = false
  std::function<std::string(std::uint32_t row)> key;
};
inline constexpr std::uint16_t no_rule = 0xffff;

struct tier_counts {
  std::uint64_t moved_inputs = 0, moved_readings = 0, expired_inputs = 0, switches = 0,
                files_written = 0, files_removed = 0, skipped = 0;
};

struct tiering_options {
  std::uint32_t shards = 0;
  std::function<result<shard_rules>(std::uint32_t shard)> rules;
  std::uint64_t file_bytes = 64u << 20; ///< a cold file is not made larger by merging
  std::uint64_t batch_bytes = 8u << 20; ///< made blocks are put in force from so many bytes on
  /// Tests break off here: called with a name before each step that changes the disk.
  std::function<void(const char*)> at_step;
};

/// One thread. Nobody else may write blocks between its calls' beginning and end (the node's
/// maintenance does both).
class tiering {
public:
  tiering(store& tables, std::shared_ptr<cold_folder> files, tiering_options options);

  /// Works for about `budget`, at least one twin. True: there is more to do now. Errors: io,
  /// no_space, corrupt: what was being moved stays where it was. Damaged twins are passed over and
  /// counted.
  [[nodiscard]] result<bool> step(std::int64_t now_ns, std::chrono::nanoseconds budget);
  /// New blocks were sealed: the shard is looked at again (else once a day).
  void sealed(std::uint32_t shard);
  /// Removes a twin's frames from every cold file of its shard; its index rows must be gone. Gives
  /// the number of files written anew. Errors: unavailable (readers), io, no_space.
  [[nodiscard]] result<std::uint64_t> purge(std::uint32_t shard, std::uint32_t row);

  [[nodiscard]] const tier_totals& totals() const noexcept { return shown_; }
  [[nodiscard]] const tier_counts& counts() const noexcept { return counts_; }
  [[nodiscard]] const std::string& last_trouble() const noexcept { return trouble_; }

private:
  struct file_state {
    std::uint32_t shard = 0;
    std::uint64_t bytes = 0, live_bytes = 0;
  };
  struct candidate {
    std::uint32_t row = 0;
    std::int64_t day = 0;
  };
  [[nodiscard]] status begin_shard(std::int64_t now_ns);
  [[nodiscard]] status move_twin(std::uint32_t row, std::int64_t now_ns);
  [[nodiscard]] domain::input_id may_expire(std::uint32_t row) const;
  [[nodiscard]] status settle();
  [[nodiscard]] status write_cold();
  [[nodiscard]] status check_cold() const;
  [[nodiscard]] status put_in_force();
  [[nodiscard]] result<bool> still_there(const tier_switch& s) const;
  [[nodiscard]] status drop_snapshots(const tier_switch& s, store_batch& batch);
  void account(const tier_switch& s);

  [[nodiscard]] result<bool> look_at_files();
  [[nodiscard]] status audit(std::uint64_t file);
  [[nodiscard]] result<bool> merge_some();
  [[nodiscard]] status rewrite(const std::vector<std::uint64_t>& from, bool even_damaged);
  [[nodiscard]] status merge(const std::vector<std::uint64_t>& from);
  [[nodiscard]] status remove_retired();
  [[nodiscard]] result<std::uint64_t> next_file();
  void tell(const char* step) const {
    if (options_.at_step) options_.at_step(step);
  }

  store& tables_;
  std::shared_ptr<cold_folder> files_;
  tiering_options options_;

  // the walk
  std::set<std::uint32_t> due_;
  std::int64_t day_ = INT64_MIN; ///< all shards were made due on it
  std::optional<std::uint32_t> shard_;
  shard_rules rules_;
  std::deque<std::uint32_t> rows_;
  std::set<std::pair<std::uint64_t, std::uint32_t>>
      seen_; ///< shard and row: nothing to do that day
  std::vector<tier_totals> by_shard_;
  tier_totals shown_{};

  // made, not yet in force
  std::vector<tier_switch> pending_;
  std::uint64_t pending_bytes_ = 0;
  std::uint64_t pending_file_ = 0;

  // cold files
  bool files_listed_ = false;
  std::deque<std::uint64_t> unknown_files_;
  std::map<std::uint64_t, file_state> known_files_;
  std::set<std::uint64_t> retired_, damaged_; ///< damaged ones are not merged

  tier_counts counts_;
  std::string trouble_;
};

} // namespace pollux::persistence
