// SPDX-License-Identifier: Apache-2.0
// `journal repair` on a folder that no node uses: index rows and heads are made anew from what they
// tell of, damaged rows are set aside, and what a backup still has comes back where the hash chain
// says that it is the very same. What is sound is never touched (docs/operations.md).
#pragma once
#include "domain/twin/twin.hpp"
#include "persistence/cold_file.hpp"
#include "persistence/leveldb_log.hpp"
#include "persistence/leveldb_store.hpp"
#include <string>
#include <vector>

namespace pollux::persistence {

/// Table of the store for rows that were damaged: this letter, then their key; the bytes as found.
inline constexpr char set_aside_table = 'D';

struct repair_note {
  std::string twin;  ///< journal key; empty where it is of no single twin
  std::string what;  ///< "block 1-17-0 (event times ... to ...): checksum differs"
  std::string done;  ///< "taken from the backup", "set aside", ...
  bool lost = false; ///< something is gone that nothing here could bring back
};

struct repair_options {
  bool dry_run = false;
  const log* backup_log = nullptr; ///< both or none: a backup, opened
  const store* backup_tables = nullptr;
  const cold_folder* files = nullptr;           ///< the folder's own cold files, if it has any
  const domain::model_source* models = nullptr; ///< without it damaged alerts do not come back
  bool rows_are_missing = false; ///< the store was salvaged: every twin's alerts are looked for
};

/// Errors: io, no_space, unavailable. Damage is a note, not an error. Doing it again does nothing
/// more; it tells of gaps in a chain of blocks that are still open, which another backup may close.
[[nodiscard]] result<std::vector<repair_note>> repair(leveldb_log& journal, leveldb_store& tables,
                                                      const repair_options& options);

/// Before the databases are opened: makes one anew whose files LevelDB cannot read in full, from
/// all that can be read; the old one stays beside it as "<folder>.damaged". Takes the folder's
/// lock. Gives what was found, nothing when it is sound. Errors: locked, io, no_space.
[[nodiscard]] result<std::vector<repair_note>> salvage(const std::string& folder,
                                                       const std::string& name, bool dry_run);

} // namespace pollux::persistence
