// SPDX-License-Identifier: Apache-2.0
// One database as of one moment, and its copy row by row into a new one.
#pragma once
#include "persistence/backup.hpp"
#include "persistence/database.hpp"
#include <chrono>

namespace pollux::persistence {

/// Keeps a long work to a share of the time, so that others get the disk and the processor.
class pace {
public:
  explicit pace(double share) : share_(share) {}
  /// Sleeps for as long as the work since the last rest asks for, at most 100 ms at a time.
  void rest();

private:
  double share_;
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
};

/// What a database holds now, whatever is written later.
class moment {
public:
  explicit moment(database& of);
  moment(const moment&) = delete;
  moment& operator=(const moment&) = delete;
  ~moment();

  /// About what copy() will tell, in bytes.
  [[nodiscard]] std::uint64_t bytes() const;
  /// Copies all rows into a new database in `folder`; counts them as "name/table". What LevelDB
  /// cannot read is named in `into.damage`, the rest is copied. Errors: unavailable (given up, or
  /// the database is to be reopened), io, no_space.
  [[nodiscard]] status copy(const std::string& folder, const std::string& name, journal_env* env,
                            const std::function<bool(std::uint64_t)>& more, backup_report& into);

private:
  database::use use_;
  const leveldb::Snapshot* at_ = nullptr;
};

} // namespace pollux::persistence
