// SPDX-License-Identifier: Apache-2.0
// The intake: inboxes in front of the journal, one per shard, and the tick that empties them.
// Inbox order, log order and the order a twin sees are one order (decision 2): one flush at a time
// drains every inbox, writes one batch and hands on what was written.
//
//   door --submit--> inbox (shard lock) --flush--> log --poll--> hand-over to the shard hosts
//                                          \-> durable_upto rises: the door acknowledges
#pragma once
#include "actors/directory.hpp"
#include "actors/models.hpp"
#include "messages/inlet.hpp"
#include "messages/observability/metrics.hpp"
#include "persistence/log.hpp"
#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace pollux::actors {

struct intake_options {
  std::int64_t tick_ns = 1'000'000;
  std::int64_t sync_interval_ns = 50'000'000;
  std::uint64_t inbox_bytes =
      128ull << 20; ///< credits: bytes submitted and not yet applied by their twins
  std::uint64_t inbox_inputs = 1'000'000; ///< likewise, inputs
  bool sync_before_hand_over =
      false; ///< set when any door works at D2: effects must not outrun the disk
};

/// Implements the inlet. Threads: doors call submit/flush; one tick thread flushes and hands on;
/// one sync thread fsyncs. Tests leave the threads out and call pump() and pump_sync().
class intake : public messages::inlet {
public:
  /// Called from the tick thread (or pump) with everything committed since the last call, in log
  /// order per shard. Must not block.
  using hand_over = std::function<void(std::vector<persistence::positioned_segment>&&)>;

  intake(persistence::log& journal, persistence::store& tables, const model_catalog& models,
         messages::metrics& metrics, intake_options options);
  ~intake() override;

  result<messages::ticket> submit(std::string_view id, std::string_view create_as,
                                  const domain::input& in) override;
  status flush(messages::durability upto, messages::ticket mine = {}) override;
  [[nodiscard]] messages::ticket durable_upto(messages::durability at) const override;
  [[nodiscard]] messages::ticket failed_upto() const override;
  void on_durable(const void* whose, std::function<void()> told) override;
  void forget_durable(const void* whose) override;
  [[nodiscard]] bool accepting() const override;
  [[nodiscard]] bool has_credit() const override;

  /// A shard-wide input (decision 7). Bound and errors as submit.
  result<messages::ticket> submit_shard_wide(std::uint32_t shard, const domain::input& in);
  /// Journals twin_deleted and frees the id in one step: what is submitted for it afterwards begins
  /// a new incarnation. Gives the row that is gone. Errors: not_found, and as submit.
  result<std::uint32_t> remove(std::string_view id, std::int64_t ingest_time_ns);

  void on_hand_over(hand_over to);
  void start();
  void stop(); ///< drains, writes, hands over, syncs; nothing is accepted afterwards

  std::size_t pump(); ///< one tick: flush and hand on; gives the number of segments handed on
  status pump_sync(); ///< one sync

  [[nodiscard]] std::uint32_t shards() const noexcept {
    return static_cast<std::uint32_t>(inboxes_.size());
  }
  /// Runs `read` with the shard's directory under its lock. Keep it short.
  template <class F> auto with_directory(std::uint32_t shard, F&& use) {
    std::lock_guard lock{inboxes_[shard]->mutex};
    return use(inboxes_[shard]->directory);
  }
  /// Row of a twin in its shard: journal keys and public ids alike; unknown_row when there is none.
  [[nodiscard]] std::uint32_t row_of_key(std::uint32_t shard, std::string_view key) const;
  [[nodiscard]] std::uint64_t twins() const;
  [[nodiscard]] std::uint64_t used_inputs() const noexcept {
    return used_inputs_.load(std::memory_order_relaxed);
  }

private:
  struct inbox {
    std::mutex mutex;
    messages::segment_builder builder;
    std::uint64_t lent_bytes = 0, lent_inputs = 0; ///< credits of what is in the builder
    std::int64_t first_ns = 0; ///< when the first of what is in the builder came in; 0 = not known
    shard_directory directory;
  };
  struct credit_return;
  struct flight { // what one flush put into the log
    messages::ticket log_ticket;
    std::uint64_t upto;
  };

  result<std::uint32_t> create(inbox& box, std::uint32_t shard, std::string_view id,
                               std::string_view model_name, std::int64_t ingest_time_ns);
  result<messages::ticket> entered(inbox& box, std::uint32_t shard, std::size_t bytes);
  status flush_locked(messages::durability upto);
  [[nodiscard]] status wait_for_sync() const;
  status drain(std::uint64_t upto);
  void note_flight(std::uint64_t upto);
  status write_new_rows();
  void tell_durable();
  void wake_tick();
  void export_gauges(messages::metrics& to);
  void measure_commit();
  void run_tick();
  void run_sync();

  persistence::log& log_;
  persistence::store& store_;
  const model_catalog& models_;
  intake_options options_;
  std::vector<std::unique_ptr<inbox>> inboxes_;
  std::vector<std::atomic<std::uint64_t>> dirty_; ///< one bit per shard with something in its inbox
  std::atomic<std::uint64_t> next_ticket_{0};
  std::atomic<std::uint64_t> used_bytes_{0}, used_inputs_{0};
  mutable std::atomic<bool> paused_{
      false}; ///< credits ran dry or a write failed: accepting() waits for half
  std::atomic<bool> broken_{false}; ///< a batch could not be written; until the log writes again
  std::atomic<bool> closed_{false};

  std::atomic<std::uint64_t> failed_upto_{
      0};                    ///< tickets up to here may have been in a batch that failed
  std::mutex journal_mutex_; ///< one flush at a time; taken before any shard lock, never the other
                             ///< way round
  messages::ticket last_in_log_; ///< of the log; under journal_mutex_, as the next
  std::uint64_t last_noted_ = 0; ///< of ours
  mutable std::mutex flights_mutex_;
  std::deque<flight> flights_;
  mutable std::array<std::atomic<std::uint64_t>, 3>
      settled_{};              ///< per class: tickets known durable
  std::mutex listeners_mutex_; ///< held while they are called: forget_durable() waits for that
  std::vector<std::pair<const void*, std::function<void()>>> listeners_;
  std::mutex rows_mutex_;
  std::vector<std::pair<std::uint32_t, persistence::registry_row>> new_rows_;
  hand_over hand_over_;

  std::thread tick_thread_, sync_thread_;
  std::mutex wake_mutex_;
  std::condition_variable wake_, sync_wake_;
  std::atomic<bool> tick_idle_{false};
  bool work_ = false, stopping_ = false;

  std::vector<std::int64_t> first_ns_; ///< of the segments of this flush; under journal_mutex_
  std::int64_t oldest_commit_ns_ = 0;  ///< not handed on yet; under journal_mutex_

  messages::counter& stored_readings_;
  messages::counter& stored_inputs_;
  messages::counter& flushes_;
  messages::counter& refused_;
  messages::counter& lost_;
  messages::histogram& commit_seconds_;
  messages::histogram& sync_seconds_;
  messages::histogram& ingest_to_journal_;
};

} // namespace pollux::actors
