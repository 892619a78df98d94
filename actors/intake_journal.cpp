// SPDX-License-Identifier: Apache-2.0
// The journal's side: one flush at a time drains every inbox into one batch, and one fsync.
#include "actors/intake.hpp"
#include "messages/observability/log.hpp"
#include <bit>
#include <chrono>

namespace pollux::actors {

using namespace std::chrono;
namespace logging = messages::log;

namespace {
constexpr auto sync_patience = 5s;
} // namespace

/// Lives in a segment; gives the credits back when the last twin has let go of it (decision 4).
struct intake::credit_return {
  intake& owner;
  std::uint64_t bytes, inputs;
  credit_return(intake& o, std::uint64_t b, std::uint64_t i) : owner(o), bytes(b), inputs(i) {}
  credit_return(const credit_return&) = delete;
  credit_return& operator=(const credit_return&) = delete;
  ~credit_return() {
    owner.used_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
    owner.used_inputs_.fetch_sub(inputs, std::memory_order_relaxed);
  }
};

status intake::write_new_rows() {
  std::vector<std::pair<std::uint32_t, persistence::registry_row>> rows;
  {
    std::lock_guard lock{rows_mutex_};
    rows.swap(new_rows_);
  }
  if (rows.empty()) return {};
  // The registry goes first: a segment may only speak of rows the registry knows (or can rebuild in
  // order).
  auto batch = store_.batch();
  for (const auto& [shard, row] : rows) batch->put_registry(shard, row);
  auto written = store_.write(*batch, false);
  if (!written) {
    std::lock_guard lock{rows_mutex_};
    new_rows_.insert(new_rows_.begin(), rows.begin(), rows.end());
  }
  return written;
}

status intake::drain(std::uint64_t upto) {
  bool any = false;
  first_ns_.clear();
  status outcome;
  std::uint64_t inputs_drained = 0;
  messages::ticket last;
  std::uint64_t readings = 0;
  for (std::size_t word = 0; word < dirty_.size(); ++word) {
    if (dirty_[word].load(std::memory_order_relaxed) == 0) continue;
    auto bits = dirty_[word].exchange(0, std::memory_order_acq_rel);
    while (bits != 0) {
      const auto shard =
          static_cast<std::uint32_t>(word * 64 + static_cast<std::size_t>(std::countr_zero(bits)));
      bits &= bits - 1;
      auto& box = *inboxes_[shard];
      std::shared_ptr<messages::segment> made;
      {
        std::lock_guard lock{box.mutex};
        if (box.builder.empty()) continue;
        made = box.builder.finish();
        if (const auto first = std::exchange(box.first_ns, 0)) first_ns_.push_back(first);
        made->credit = std::make_shared<credit_return>(*this, std::exchange(box.lent_bytes, 0),
                                                       std::exchange(box.lent_inputs, 0));
      }
      readings += made->readings();
      inputs_drained += made->entries().size();
      auto taken = log_.append(shard, std::move(made));
      if (taken)
        last = *taken;
      else
        outcome = taken.error();
      any = true;
    }
  }
  if (!any) {
    note_flight(upto);
    return {};
  }
  if (outcome.ok()) outcome = write_new_rows();
  const auto began = steady_clock::now();
  // After an earlier error the commit only clears what was staged: a batch is written whole or not
  // at all.
  if (auto committed = log_.commit(); outcome.ok()) outcome = committed;
  if (!outcome) {
    lost_.add(inputs_drained);
    // What was submitted while it was drained may have been in it, too.
    failed_upto_.store(next_ticket_.load(std::memory_order_acquire), std::memory_order_release);
    return outcome;
  }
  commit_seconds_.observe(duration<double>(steady_clock::now() - began).count());
  flushes_.add();
  stored_readings_.add(readings);
  stored_inputs_.add(inputs_drained);
  measure_commit();
  last_in_log_ = last;
  note_flight(upto);
  return {};
}

// Every ticket up to `upto` is in the log by now, or in a batch that failed. Also a flush that
// found nothing says so: an input that came while the one before it drained is in that one's batch,
// and its ticket above that one's `upto`.
void intake::note_flight(std::uint64_t upto) {
  if (upto <= last_noted_) return;
  last_noted_ = upto;
  std::lock_guard lock{flights_mutex_};
  flights_.push_back({last_in_log_, upto});
}

status intake::flush_locked(messages::durability upto) {
  const auto tickets = next_ticket_.load(std::memory_order_acquire);
  if (auto drained = drain(tickets); !drained) {
    // What was drained is lost to this process, unacknowledged: the devices or the broker send it
    // again.
    paused_.store(true, std::memory_order_relaxed);
    broken_.store(true, std::memory_order_relaxed);
    logging::error("journal", "a batch could not be written; its inputs are not acknowledged",
                   {{"why", drained.error().what}});
    tell_durable();
    return drained;
  }
  if (upto == messages::durability::d2) return pump_sync();
  tell_durable();
  return {};
}

status intake::flush(messages::durability upto, messages::ticket mine) {
  {
    std::lock_guard lock{journal_mutex_};
    if (mine.value != 0 && mine.value <= failed_upto_.load(std::memory_order_acquire))
      return failure{errc::unavailable, "the batch that held this input could not be written"};
    if (auto written = flush_locked(upto); !written || upto != messages::durability::d1)
      return written;
  }
  return wait_for_sync();
}

// D1's hard bound: while an fsync hangs for more than a second, nothing is acknowledged. The disk
// gets a few seconds to come back before the door has to send its device away.
status intake::wait_for_sync() const {
  const auto behind = [this] {
    return log_.durable_upto(messages::durability::d1) <
           log_.durable_upto(messages::durability::d0);
  };
  if (!behind()) return {};
  const auto patience = steady_clock::now() + sync_patience;
  while (behind()) {
    if (closed_.load(std::memory_order_relaxed) || steady_clock::now() > patience)
      return failure{errc::unavailable, "fsync is more than a second behind"};
    std::this_thread::sleep_for(1ms);
  }
  return {};
}

messages::ticket intake::durable_upto(messages::durability at) const {
  const auto in_log = log_.durable_upto(at);
  auto& settled = settled_[static_cast<std::size_t>(at)];
  std::lock_guard lock{flights_mutex_};
  std::uint64_t reached = settled.load(std::memory_order_relaxed);
  for (const auto& f : flights_)
    if (f.log_ticket <= in_log && f.upto > reached) reached = f.upto;
  settled.store(reached, std::memory_order_relaxed);
  return {reached};
}

status intake::pump_sync() {
  const auto began = steady_clock::now();
  auto synced = log_.sync();
  if (!synced) {
    logging::error("journal", "fsync failed; acknowledgements stop until it works again",
                   {{"why", synced.error().what}});
    return synced;
  }
  sync_seconds_.observe(duration<double>(steady_clock::now() - began).count());
  const auto in_log = log_.durable_upto(messages::durability::d2);
  {
    std::lock_guard lock{flights_mutex_};
    while (!flights_.empty() && flights_.front().log_ticket <= in_log) {
      for (auto& settled : settled_)
        if (settled.load(std::memory_order_relaxed) < flights_.front().upto)
          settled.store(flights_.front().upto, std::memory_order_relaxed);
      flights_.pop_front();
    }
  }
  tell_durable();
  return {};
}

messages::ticket intake::failed_upto() const {
  return {failed_upto_.load(std::memory_order_acquire)};
}

void intake::on_durable(const void* whose, std::function<void()> told) {
  std::lock_guard lock{listeners_mutex_};
  listeners_.emplace_back(whose, std::move(told));
}

void intake::forget_durable(const void* whose) {
  std::lock_guard lock{listeners_mutex_};
  std::erase_if(listeners_, [&](const auto& l) { return l.first == whose; });
}

void intake::tell_durable() {
  std::lock_guard lock{listeners_mutex_};
  for (const auto& [whose, told] : listeners_) told();
}

void intake::on_hand_over(hand_over to) { hand_over_ = std::move(to); }

std::size_t intake::pump() {
  std::vector<persistence::positioned_segment> written;
  {
    std::lock_guard lock{journal_mutex_};
    const bool failed = !flush_locked(options_.sync_before_hand_over ? messages::durability::d2
                                                                     : messages::durability::d0);
    if (failed && options_.sync_before_hand_over) return 0;
    written = log_.poll();
    for (auto& s : written) s.committed_ns = oldest_commit_ns_;
    oldest_commit_ns_ = 0;
  }
  const auto count = written.size();
  if (count != 0 && hand_over_) hand_over_(std::move(written));
  return count;
}

} // namespace pollux::actors
