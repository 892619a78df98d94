// SPDX-License-Identifier: Apache-2.0
// What the intake, its log and its store tell of themselves when metrics are asked for, and the
// time from receipt to the journal: one look at the clock for all segments of a flush.
#include "actors/intake.hpp"
#include "actors/stage_metrics.hpp"
#include <charconv>
#include <chrono>

namespace pollux::actors {

void intake::export_gauges(messages::metrics& to) {
  const auto gauge = [&](const char* name, const char* help, auto read) {
    to.make_gauge_callback(name, help, [read] { return static_cast<double>(read()); });
  };
  to.make_counter_callback(
      "pollux_inlet_inputs_total", "Inputs the inlet took, on their way into the journal",
      [this] { return static_cast<double>(next_ticket_.load(std::memory_order_relaxed)); });
  gauge("pollux_inlet_credit_used_inputs", "Inputs submitted and not yet applied by their twins",
        [this] { return used_inputs_.load(std::memory_order_relaxed); });
  gauge("pollux_inlet_credit_used_bytes", "Bytes submitted and not yet applied by their twins",
        [this] { return used_bytes_.load(std::memory_order_relaxed); });
  gauge("pollux_inlet_credit_limit_inputs", "Inputs lent at most",
        [this] { return options_.inbox_inputs; });
  gauge("pollux_inlet_credit_limit_bytes", "Bytes lent at most",
        [this] { return options_.inbox_bytes; });
  gauge("pollux_inlet_paused", "1 while credits are dry or the journal refuses, until half credit",
        [this] { return paused_.load(std::memory_order_relaxed) ? 1 : 0; });
  gauge("pollux_journal_writable", "1 while the journal takes inputs",
        [this] { return log_.state().writable ? 1 : 0; });
  gauge("pollux_journal_sync_behind_seconds", "Age of the oldest byte committed and not yet synced",
        [this] { return static_cast<double>(log_.state().last_sync_age_ns) * 1e-9; });
  gauge("pollux_quarantine_records", "Records kept in quarantine",
        [this] { return store_.quarantine_size(); });
  const char* memory = "Memory by owner; of twins, windows and outbox estimated by samples";
  to.make_gauge_callback(
      "pollux_memory_bytes", memory,
      [this] { return static_cast<double>(used_bytes_.load(std::memory_order_relaxed)); },
      {{"owner", "inlet"}});
  to.make_gauge_callback("pollux_memory_bytes", memory,
                         [this] {
                           const auto text = store_.property("leveldb.approximate-memory-usage");
                           std::uint64_t bytes = 0;
                           std::from_chars(text.data(), text.data() + text.size(), bytes);
                           return static_cast<double>(bytes);
                         },
                         {{"owner", "store"}});
}

void intake::measure_commit() {
  using namespace std::chrono;
  const auto now = duration_cast<nanoseconds>(system_clock::now().time_since_epoch()).count();
  for (const auto first : first_ns_) ingest_to_journal_.observe(seconds_between(first, now));
  if (oldest_commit_ns_ == 0) oldest_commit_ns_ = now;
}

} // namespace pollux::actors
