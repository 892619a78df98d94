// SPDX-License-Identifier: Apache-2.0
// A backup of a data folder: both databases as of one moment and the cold files, in a folder of its
// own that is there as a whole or not at all (docs/backup.md). The node goes on meanwhile: nothing
// is held but, for an instant, the trimming of the log.
#pragma once
#include "persistence/leveldb_env.hpp"
#include "persistence/log.hpp"
#include "persistence/store.hpp"
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace pollux::persistence {

struct backup_order {
  std::string data;        ///< the data folder, for its history/
  std::string into;        ///< the folder of backups; made where it is missing
  std::int64_t now_ns = 0; ///< names the backup
  /// Of the time, how much is spent copying; the rest is left to the node's own work. 0 to 1.
  double share = 0.5;
  /// Told how far it is, in bytes; false: give up, and leave nothing behind.
  std::function<bool(std::uint64_t done, std::uint64_t total)> progress;
  /// Where a test breaks writes; nullptr = the file system as it is.
  journal_env* env = nullptr;
};

struct backup_report {
  std::string folder;                             ///< the finished backup
  std::map<std::string, std::uint64_t> rows;      ///< by database and table: "store/B"
  std::uint64_t bytes = 0;                        ///< of rows
  std::uint64_t cold_files = 0, linked_files = 0; ///< linked: shared with the backup before
  std::vector<std::string> damage;                ///< what could not be read; the rest was copied
};

/// Makes a backup in a folder of its own below `order.into`, named by its time. Memory: about
/// 20 MB. Errors: no_space, io, conflict (one of that name exists), unavailable (given up, or the
/// databases were reopened meanwhile: try again), invalid_argument (not on LevelDB).
[[nodiscard]] result<backup_report> back_up(const log& journal, const store& tables,
                                            const backup_order& order);

/// The newest backup below `folder`, or `folder` itself when it is one. Errors: not_found.
[[nodiscard]] result<std::string> newest_backup(const std::string& folder);

struct backup_check {
  std::string folder, made_at;
  std::uint64_t files = 0, bytes = 0;
  std::vector<std::string> findings; ///< files that are missing, changed or not listed
  std::vector<std::string> damage;   ///< of the node's data, already when it was copied
};
/// Compares every file with its checksum. Errors: not_found (no backup there), io, corrupt.
[[nodiscard]] result<backup_check> check_backup(const std::string& folder,
                                                const std::function<bool(std::uint64_t)>& piece);

} // namespace pollux::persistence
