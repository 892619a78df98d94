// SPDX-License-Identifier: Apache-2.0
// The quarantine's entrance. A record is written at once, before its message is acknowledged; when
// the store refuses, it waits here (bounded; beyond the bound it is counted and dropped) and the
// maintenance actor tries again.
#pragma once
#include "messages/observability/metrics.hpp"
#include "messages/quarantine.hpp"
#include "persistence/store.hpp"
#include <mutex>
#include <vector>

namespace pollux::actors {

class quarantine_queue : public messages::quarantine_port {
public:
  static constexpr std::size_t max_waiting = 10'000;
  static constexpr std::size_t max_payload = 64 * 1024;

  quarantine_queue(persistence::store& tables, messages::metrics& metrics);
  void put(messages::quarantined record) override;
  /// Writes what waits; keeps it when the store refuses.
  status flush();

private:
  messages::counter& counted(messages::quarantine_reason why);
  persistence::store& store_;
  messages::metrics& metrics_;
  messages::counter& overflow_;
  std::mutex write_mutex_; ///< one writer at a time; taken before mutex_
  std::mutex mutex_;
  std::vector<messages::quarantined> waiting_;
};

} // namespace pollux::actors
