// SPDX-License-Identifier: Apache-2.0
// Faults on demand, for tests of the supervisor: an exception inside an actor of the core that
// runs. There only with [testing] allow_fault_injection = true, else none of this exists.
//
//   echo shard_host > <data>/inject_fault    a shard host throws at its next look at the clock
//   echo outbox > <data>/inject_fault        the outbox throws at its next publication
//   echo kill 3 seal: trim > ...             SIGKILL when that step is reached for the third time
//
// Before each step that changes the disk its name is written to <data>/at_step, which so tells
// after a kill what was going on.
#pragma once
#include "messages/egress.hpp"
#include <atomic>
#include <functional>
#include <mutex>
#include <string>

namespace pollux::supervision {

class fault_injection {
public:
  /// `data`: its file inject_fault is taken away and obeyed by look(), and once here. `real`: where
  /// publications go.
  fault_injection(const std::string& data, messages::egress& real);
  fault_injection(const fault_injection&) = delete;
  fault_injection& operator=(const fault_injection&) = delete;
  ~fault_injection();
  /// Call it now and then. A file that names no place of a fault is taken away and logged.
  void look();
  /// The clock for shard hosts. Thread-safe.
  [[nodiscard]] std::function<std::int64_t()> clock(std::function<std::int64_t()> real);
  /// For those who change the disk: told the name of each step before it. Thread-safe.
  [[nodiscard]] std::function<void(const char*)> steps();
  /// The egress for the outbox.
  [[nodiscard]] messages::egress& egress() { return faulty_; }

private:
  class faulty_egress : public messages::egress {
  public:
    faulty_egress(messages::egress& real, std::atomic<bool>& armed) : real_(real), armed_(armed) {}
    status publish(messages::publication p, std::function<void(bool)> done) override;
    [[nodiscard]] bool connected() const override { return real_.connected(); }

  private:
    messages::egress& real_;
    std::atomic<bool>& armed_;
  };

  void reached(const char* step);

  std::string file_;
  int at_step_ = -1; ///< file descriptor
  std::mutex mutex_;
  std::string kill_at_; ///< under mutex_
  unsigned kill_after_ = 0;
  std::atomic<bool> host_armed_{false}, outbox_armed_{false};
  faulty_egress faulty_;
};

} // namespace pollux::supervision
