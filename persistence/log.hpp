// SPDX-License-Identifier: Apache-2.0
// The log port: a sharded, ordered, durable sequence of segments. The embedded log is LevelDB; a
// replicated log (Kafka protocol) must fit behind the same port, so nothing here assumes that the
// appender owns the shard, that positions are dense, or that they are known before the write.
#pragma once
#include "domain/base/result.hpp"
#include "messages/inlet.hpp"
#include "messages/segment.hpp"
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace pollux::persistence {

using segment_ptr = std::shared_ptr<const messages::segment>;

struct positioned_segment {
  std::uint32_t shard = 0;
  domain::position at;
  segment_ptr content;
  std::int64_t committed_ns = 0; ///< wall clock, told by who committed it; 0 = not known
};

struct log_status {
  bool writable = true; ///< false: refuses appends; `why` says what happened
  std::string why;
  std::uint64_t tail_bytes = 0; ///< committed and not trimmed
  std::uint64_t tail_readings = 0;
  std::int64_t last_sync_age_ns =
      0; ///< age of the oldest committed but unsynced byte; 0 when all is synced
  std::uint64_t segments = 0, bytes_written = 0, syncs = 0;
  std::uint64_t free_bytes = 0; ///< on the log's file system, as last looked at
};

class log {
public:
  virtual ~log() = default;
  [[nodiscard]] virtual std::uint32_t shards() const = 0;

  /// Stages a segment. Does not block. The ticket rises with every call. Errors: no_space, io,
  /// unavailable.
  virtual result<messages::ticket> append(std::uint32_t shard, segment_ptr content) = 0;
  /// Writes everything staged as one batch and gives it positions. One caller at a time (the
  /// journal mutex of the intake). After an error the staged segments are dropped, never half
  /// written, and must not be acknowledged.
  virtual status commit() = 0;
  /// fsync of what was committed when the call began; runs beside commit(), not inside LevelDB's
  /// writer queue (decision 10).
  virtual status sync() = 0;
  /// Tickets up to this one are durable at the class. d0: committed. d1: committed, and the sync
  /// is not more than 1 s behind (else it stands still). d2: synced.
  [[nodiscard]] virtual messages::ticket durable_upto(messages::durability at) const = 0;

  /// Everything committed since the last poll, in log order per shard. Thread-safe, one poller.
  virtual std::vector<positioned_segment> poll() = 0;

  /// Visits committed segments of a shard from `from` on, in order, until `visit` gives false.
  /// Starts at the trim point, never at the prefix (decision 9). Damaged segments are passed over:
  /// everything readable is visited first, then the answer is `corrupt`, naming the first of them.
  /// Errors: corrupt, version_mismatch, io, unavailable (being reopened).
  virtual status scan(std::uint32_t shard, domain::position from,
                      const std::function<bool(const positioned_segment&)>& visit) const = 0;
  /// Forgets segments below `below`. Only after their inputs are in synced blocks.
  virtual status trim(std::uint32_t shard, domain::position below) = 0;
  [[nodiscard]] virtual domain::position trimmed_below(std::uint32_t shard) const = 0;
  /// The position the next commit will not be below: everything committed so far is below it.
  [[nodiscard]] virtual domain::position end(std::uint32_t shard) const = 0;

  /// Writes all files anew, without what was trimmed: for erasing. Cost: the whole log is read and
  /// written. Errors: io, unavailable.
  virtual status compact() = 0;

  [[nodiscard]] virtual log_status state() const = 0;
  /// After a failed write or sync, or when space was short: looks again and, if all is well,
  /// reopens. Called now and then by the maintenance thread. Errors: still not writable, and why.
  virtual status heal() = 0;

  /// For `journal verify`: reads a shard's tail and tells `finding` of damaged segments and of
  /// holes in the chain of positions. Errors: io, unavailable.
  virtual status check(std::uint32_t shard,
                       const std::function<void(const std::string&)>& finding) const = 0;
};

struct leveldb_log_options {
  std::string folder;        ///< <data>/log
  std::uint32_t shards = 64; ///< a stored number that differs is refused (conflict); 0 = as stored,
                             ///< for an existing log only
  std::uint64_t min_free_bytes = 256ull << 20; ///< below it appends are refused (no_space)
  std::uint64_t ballast_bytes = 16ull << 20;   ///< file given up first when the disk is full
  std::size_t write_buffer_bytes = 32u << 20;
};

/// Opens (or creates) the embedded log: takes the lock file, raises and fsyncs the epoch before
/// anything else (decision 3). Errors: locked (names the pid that holds it), version_mismatch
/// (newer format), conflict (other shard count), corrupt, io.
[[nodiscard]] result<std::unique_ptr<log>> open_leveldb_log(const leveldb_log_options& options);

/// The same contract in memory, for tests.
[[nodiscard]] std::unique_ptr<log> make_memory_log(std::uint32_t shards);

} // namespace pollux::persistence
