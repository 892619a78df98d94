// SPDX-License-Identifier: Apache-2.0
// The file system as LevelDB sees it. LevelDB drops an old log file at a memtable switch without
// syncing it, and its own synced writes make every other writer wait; so log files are ours: synced
// when closed, and synced from another thread beside the writer queue (decision 10). Tests break
// writes and syncs here.
#pragma once
#include "domain/base/result.hpp"
#include <atomic>
#include <cstdint>
#include <leveldb/env.h>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace pollux::persistence {

/// What a test may break; harmless as it stands. Values are errno numbers, 0 = works.
struct env_faults {
  std::atomic<int> write_errno{0};
  std::atomic<int> sync_errno{0};
  /// Once so many more bytes were written, writes fail with ENOSPC; negative = never.
  std::atomic<std::int64_t> bytes_left{-1};

  /// The errno a write of `size` bytes shall fail with, or 0.
  [[nodiscard]] int on_write(std::size_t size) noexcept;
};

/// One open *.log file. Kept alive by whoever syncs it, so that LevelDB may close it meanwhile.
class log_handle;

/// Thread-safe. Must outlive every database opened with it.
class journal_env : public leveldb::EnvWrapper {
public:
  journal_env();
  ~journal_env() override;

  leveldb::Status NewWritableFile(const std::string& name, leveldb::WritableFile** out) override;
  leveldb::Status NewAppendableFile(const std::string& name, leveldb::WritableFile** out) override;
  /// Read with pread, not mapped: a node's memory is to be told by its resident size.
  leveldb::Status NewRandomAccessFile(const std::string& name,
                                      leveldb::RandomAccessFile** out) override;

  /// fdatasync of every open log file that has unsynced bytes. No writer waits for it.
  /// Errors: io, no_space. A failure, also one of a file synced while LevelDB closed it, stays
  /// until forget_failure(): the bytes may be gone, only opening the database anew is safe.
  [[nodiscard]] status sync_logs();
  void forget_failure();

  [[nodiscard]] std::uint64_t bytes_written() const noexcept { return bytes_written_; }
  [[nodiscard]] std::uint64_t syncs() const noexcept { return syncs_; }
  [[nodiscard]] env_faults& faults() noexcept { return faults_; }

  // For the files this environment makes.
  void count_written(std::size_t bytes) noexcept { bytes_written_ += bytes; }
  /// 0 or an errno, which is also kept.
  int sync_handle(log_handle& handle);
  void forget(const std::shared_ptr<log_handle>& handle);

private:
  leveldb::Status open(const std::string& name, bool append, leveldb::WritableFile** out);

  std::mutex mutex_; ///< guards open_ and failure_; never held over a system call
  std::vector<std::shared_ptr<log_handle>> open_;
  status failure_;
  std::atomic<std::uint64_t> bytes_written_{0}, syncs_{0};
  env_faults faults_;
};

/// LevelDB's answer as ours: corrupt, no_space, io. `doing` names the action and the place.
[[nodiscard]] status to_status(const leveldb::Status& s, const std::string& doing);

} // namespace pollux::persistence
