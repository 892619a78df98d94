// SPDX-License-Identifier: Apache-2.0
// What the maintenance does for retention beside sealing: moves between the tiers in small slices,
// and the part of an erasure that must not run beside either.
#pragma once
#include "actors/intake.hpp"
#include "persistence/retention_book.hpp"
#include "persistence/tiering.hpp"
#include <chrono>
#include <map>

namespace pollux::actors {

struct tier_surroundings {
  persistence::log* journal = nullptr;
  persistence::store* tables = nullptr;
  std::shared_ptr<persistence::cold_folder> files;
  const model_catalog* models = nullptr;
  intake* inlet = nullptr;
  messages::metrics* metrics = nullptr;
  std::function<std::int64_t()> now;
  std::function<void(const char*)> at_step; ///< tests: told before each step that changes the disk
};

/// For the maintenance's thread only.
class tier_keeper {
public:
  explicit tier_keeper(tier_surroundings with);

  /// One slice of at most about 20 ms (a large block may take longer). Gives how long to wait until
  /// the next: four times as long as it took while there is more to do, so that moving takes at
  /// most a fifth of one core; else nothing.
  [[nodiscard]] std::optional<std::chrono::milliseconds> slice();
  /// New blocks: looked at again, at most once a minute a shard.
  void sealed(std::uint32_t shard) { dirty_.insert(shard); }
  /// Removes the rows of an erasure whose log is sealed and trimmed, and writes cold files anew.
  /// What is left then is the compaction. Errors: as the store's; unavailable (readers of cold
  /// files): call it again.
  [[nodiscard]] result<persistence::erasure> erase(persistence::erasure what);
  /// Erasures that a crash cut off are brought to their end, now or, if that fails, by a later
  /// slice(). Call it once, before anything else.
  void resume_erasures();

private:
  void tell_metrics(double seconds);
  void wake_dirty();
  void resume_some();
  [[nodiscard]] result<persistence::erasure> begin_erasure(persistence::erasure what) const;
  [[nodiscard]] result<std::uint64_t> erase_quarantined(const persistence::erasure& what) const;
  void tell(const char* step) const {
    if (with_.at_step) with_.at_step(step);
  }

  tier_surroundings with_;
  persistence::tiering tiers_;
  std::set<std::uint32_t> dirty_;
  std::map<std::uint32_t, std::chrono::steady_clock::time_point> looked_;
  std::chrono::steady_clock::time_point rest_until_{}, resume_at_{};
  std::vector<persistence::erasure> cut_off_; ///< found at the start, not complete yet
  persistence::tier_counts told_;
  std::array<messages::gauge*, 3> blocks_{}, bytes_{}, readings_{};
  messages::counter *moved_, *expired_, *skipped_;
  messages::histogram* seconds_;
};

/// Brings an erasure whose rows are gone to its end: both databases are written anew, and the
/// record becomes the proof. Runs beside everything else.
[[nodiscard]] result<persistence::erasure>
finish_erasure(persistence::log& journal, persistence::store& tables, persistence::erasure what,
               const std::function<void(const char*)>& at_step = {});

} // namespace pollux::actors
