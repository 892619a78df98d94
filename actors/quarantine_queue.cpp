// SPDX-License-Identifier: Apache-2.0
#include "actors/quarantine_queue.hpp"

namespace pollux::actors {

quarantine_queue::quarantine_queue(persistence::store& tables, messages::metrics& metrics)
    : store_(tables), metrics_(metrics),
      overflow_(metrics.make_counter(
          "pollux_quarantine_overflow_total",
          "Records counted and dropped because the quarantine could not keep up")) {
  using messages::quarantine_reason;
  for (auto r = quarantine_reason::malformed; r <= quarantine_reason::unsupported;
       r = static_cast<quarantine_reason>(static_cast<int>(r) + 1))
    counted(r); // so that each is there, at 0, before the first record
}

messages::counter& quarantine_queue::counted(messages::quarantine_reason why) {
  return metrics_.make_counter("pollux_quarantined_total",
                               "Input that could not be used, by reason",
                               {{"reason", messages::to_string(why)}});
}

void quarantine_queue::put(messages::quarantined record) {
  counted(record.reason).add();
  if (record.payload.size() > max_payload) {
    record.detail += " (payload cut from " + std::to_string(record.payload.size()) + " bytes)";
    record.payload.resize(max_payload);
  }
  {
    std::lock_guard lock{mutex_};
    if (waiting_.size() >= max_waiting) {
      overflow_.add();
      return;
    }
    waiting_.push_back(std::move(record));
  }
  (void)flush(); // what the store refuses stays in waiting_ for the next try
}

status quarantine_queue::flush() {
  std::lock_guard one_writer{write_mutex_};
  std::vector<messages::quarantined> records;
  {
    std::lock_guard lock{mutex_};
    records.swap(waiting_);
  }
  if (records.empty()) return {};
  auto written = store_.put_quarantine(records);
  if (written) return written;
  std::lock_guard lock{mutex_};
  const auto room = max_waiting > waiting_.size() ? max_waiting - waiting_.size() : 0;
  const auto kept = std::min(room, records.size());
  waiting_.insert(waiting_.begin(), std::make_move_iterator(records.begin()),
                  std::make_move_iterator(records.begin() + static_cast<std::ptrdiff_t>(kept)));
  overflow_.add(records.size() - kept);
  return written;
}

} // namespace pollux::actors
