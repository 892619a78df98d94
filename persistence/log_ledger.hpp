// SPDX-License-Identifier: Apache-2.0
// The bookkeeping every log shares: which tickets are staged, committed and synced, what waits to
// be polled, and when D1 must stand still. Plain memory, thread-safe.
#pragma once
#include "persistence/log.hpp"
#include <atomic>
#include <mutex>

namespace pollux::persistence {

/// Past this age of the oldest unsynced commit D1 acknowledges nothing more (decision 10).
inline constexpr std::int64_t d1_bound_ns = 1'000'000'000;

struct staged_segment {
  std::uint32_t shard = 0;
  messages::ticket ticket;
  segment_ptr content;
};

class log_ledger {
public:
  messages::ticket stage(std::uint32_t shard, segment_ptr content);
  /// Everything staged, in order of tickets; `out` is cleared first.
  void take_staged(std::vector<staged_segment>& out);

  /// Staged segments have been written; `written` (parallel, consumed) goes to the poller.
  void committed(messages::ticket upto, std::vector<positioned_segment>& written,
                 std::int64_t now_ns);

  /// A sync begins (one at a time): what it will cover. Nothing to do when it equals synced().
  messages::ticket begin_sync();
  void end_sync(messages::ticket covered, bool success);
  [[nodiscard]] messages::ticket synced() const noexcept { return {synced_}; }

  [[nodiscard]] messages::ticket durable_upto(messages::durability at, std::int64_t now_ns) const;
  [[nodiscard]] std::int64_t sync_age_ns(std::int64_t now_ns) const;
  std::vector<positioned_segment> poll();

private:
  mutable std::mutex mutex_;
  std::uint64_t tickets_ = 0;
  std::vector<staged_segment> staged_;
  std::vector<positioned_segment> unpolled_; ///< bounded by the inlet's credits
  std::atomic<std::uint64_t> committed_{0}, synced_{0};
  mutable std::atomic<std::uint64_t> d1_{0};
  static constexpr std::int64_t none = -1;
  std::atomic<std::int64_t> unsynced_since_{none};
  std::int64_t since_sync_began_ = none; ///< first commit after the running sync began
  bool syncing_ = false;
};

} // namespace pollux::persistence
