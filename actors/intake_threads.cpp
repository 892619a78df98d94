// SPDX-License-Identifier: Apache-2.0
// The threads that turn the crank: the tick flushes and hands on, the sync thread fsyncs.
#include "actors/intake.hpp"
#include "messages/observability/log.hpp"
#include <algorithm>
#include <chrono>

namespace pollux::actors {

using namespace std::chrono;
namespace logging = messages::log;

namespace {
constexpr double heavy_load = 32'000; ///< inputs a second
} // namespace

void intake::wake_tick() {
  {
    std::lock_guard lock{wake_mutex_};
    work_ = true;
  }
  wake_.notify_one();
}

// Adaptive: an input that meets an idle tick is written and handed on at once; under load the
// tick comes every tick_ns, so that a wake-up serves many inputs.
void intake::run_tick() {
  int quiet = 0;
  auto counted = next_ticket_.load(std::memory_order_relaxed);
  auto counted_at = steady_clock::now();
  double rate = 0;
  while (true) {
    const auto handed_on = pump();
    quiet = handed_on == 0 ? quiet + 1 : 0;
    std::unique_lock lock{wake_mutex_};
    if (stopping_) return;
    if (quiet < 3) {
      // Under heavy load a longer tick: each wake-up then serves more inputs.
      const auto tickets = next_ticket_.load(std::memory_order_relaxed);
      const auto now = steady_clock::now();
      const auto lately =
          static_cast<double>(tickets - counted) / duration<double>(now - counted_at).count();
      rate += (lately - rate) * 0.1; // single ticks vary widely
      counted = tickets;
      counted_at = now;
      const auto tick = rate > heavy_load ? options_.tick_ns * 5 : options_.tick_ns;
      wake_.wait_for(lock, nanoseconds{tick}, [this] { return stopping_; });
      continue;
    }
    tick_idle_.store(true, std::memory_order_seq_cst);
    bool pending = false;
    for (const auto& word : dirty_) pending = pending || word.load(std::memory_order_seq_cst) != 0;
    if (!pending) wake_.wait_for(lock, 250ms, [this] { return stopping_ || work_; });
    tick_idle_.store(false, std::memory_order_seq_cst);
    work_ = false;
    quiet = 0;
  }
}

void intake::run_sync() {
  messages::ticket synced_upto;
  auto due = steady_clock::now();
  while (true) {
    // From one sync's begin to the next: what is written while one runs is then on disk after the
    // interval and one more sync, however long they take.
    due = std::max(due + nanoseconds{options_.sync_interval_ns}, steady_clock::now());
    {
      std::unique_lock lock{wake_mutex_};
      sync_wake_.wait_until(lock, due, [this] { return stopping_; });
      if (stopping_) return;
    }
    const auto committed = log_.durable_upto(messages::durability::d0);
    if (committed == synced_upto) continue;
    if (pump_sync()) synced_upto = committed;
  }
}

void intake::start() {
  tick_thread_ = std::thread{[this] { run_tick(); }};
  sync_thread_ = std::thread{[this] { run_sync(); }};
}

void intake::stop() {
  {
    std::lock_guard lock{wake_mutex_};
    stopping_ = true;
  }
  closed_.store(true);
  wake_.notify_all();
  sync_wake_.notify_all();
  if (tick_thread_.joinable()) tick_thread_.join();
  if (sync_thread_.joinable()) sync_thread_.join();
  pump();
  if (auto synced = pump_sync(); !synced)
    logging::error("journal", "the last fsync failed", {{"why", synced.error().what}});
}

} // namespace pollux::actors
