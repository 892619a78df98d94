// SPDX-License-Identifier: Apache-2.0
// One open LevelDB that can be closed and opened again while others want to use it: after a failed
// write or sync LevelDB refuses everything until reopened (decision 10). Whoever uses it holds a
// `use`; reopening waits until nobody does.
#pragma once
#include "domain/base/result.hpp"
#include "persistence/leveldb_env.hpp"
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <leveldb/cache.h>
#include <leveldb/db.h>
#include <leveldb/filter_policy.h>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

namespace pollux::persistence {

struct database_options {
  std::string folder;
  std::size_t write_buffer_bytes = 16u << 20;
  std::size_t cache_bytes = 8u << 20;
  bool compressed = true; ///< a log's rows are gone soon: compressing them is wasted
  int bloom_bits = 0;     ///< 0 = no filter (a log is only ever scanned)
};

class database {
public:
  /// Keeps the database open while it lives. Empty (false) while the database is closed.
  class use {
  public:
    explicit use(database* owner) : owner_(owner) {}
    use(use&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)) {}
    use(const use&) = delete;
    use& operator=(const use&) = delete;
    use& operator=(use&&) = delete;
    ~use() {
      if (owner_ != nullptr) owner_->release();
    }
    explicit operator bool() const noexcept { return owner_ != nullptr; }
    /// True when somebody waits to reopen the database: who holds it for long then lets go.
    [[nodiscard]] bool wanted_back() const noexcept { return owner_->wanted_; }
    leveldb::DB* operator->() const noexcept { return owner_->db_.get(); }
    [[nodiscard]] std::unique_ptr<leveldb::Iterator> iterate(bool fill_cache = false) const;
    /// Two iterators that see the same moment.
    [[nodiscard]] std::array<std::unique_ptr<leveldb::Iterator>, 2> iterate_twice() const;

  private:
    database* owner_;
  };

  /// Makes the folder where it is missing. Errors: corrupt, io, no_space.
  [[nodiscard]] static result<std::unique_ptr<database>> open(const database_options& options,
                                                              journal_env& env);
  ~database();

  /// Waits while the database is being reopened; an empty `use` when that failed.
  [[nodiscard]] use acquire();

  /// Closes and opens again. Waits at most `patience` for the users to leave.
  /// Errors: unavailable (somebody still reads), corrupt, io, no_space (then it stays closed until
  /// the next attempt).
  [[nodiscard]] status reopen(std::chrono::milliseconds patience);

  [[nodiscard]] const std::string& folder() const noexcept { return options_.folder; }
  [[nodiscard]] journal_env& env() noexcept { return env_; }

private:
  database(database_options options, journal_env& env);
  [[nodiscard]] status start();
  void release();

  database_options options_;
  journal_env& env_;
  std::unique_ptr<leveldb::Cache> cache_;
  std::unique_ptr<const leveldb::FilterPolicy> filter_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t users_ = 0;
  bool reopening_ = false;
  std::atomic<bool> wanted_{false};
  std::unique_ptr<leveldb::DB> db_;
};

} // namespace pollux::persistence
