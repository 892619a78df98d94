// SPDX-License-Identifier: Apache-2.0
// A data folder from a backup, as it was when the backup was made or at an earlier time. Nothing of
// a running node is touched; the new folder appears when it is whole and verified (docs/backup.md).
#pragma once
#include "persistence/cut.hpp"
#include "persistence/history.hpp"
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace pollux::supervision {

struct restore_order {
  std::string from;               ///< a backup, or a folder of backups
  std::string data;               ///< must not exist, or be empty
  std::optional<std::int64_t> to; ///< our clock; none = all that the backup holds
  /// Restores also what is damaged; the report says what.
  bool accept_damage = false;
  /// Told what is being done and how far it is; false: give up, and leave nothing behind.
  std::function<bool(const char* what, std::uint64_t done, std::uint64_t total)> progress;
};

struct restore_report {
  std::string backup;  ///< the folder it came from
  std::string made_at; ///< of that backup
  std::uint64_t files = 0, bytes = 0;
  std::vector<std::string> damage; ///< of the backup
  std::optional<persistence::cut_report> cut;
  persistence::verify_report verified;
};

/// With `to`, of a folder of backups the oldest one that was made at or after it is taken.
/// Errors: not_found (no backup, or none late enough), conflict (`data` is not empty), corrupt
/// (damage, unless accepted), no_space, io, unavailable (given up).
[[nodiscard]] result<restore_report> restore(const restore_order& order);

} // namespace pollux::supervision
