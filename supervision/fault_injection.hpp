// SPDX-License-Identifier: Apache-2.0
// Faults on demand, for tests of the supervisor: an exception inside an actor of the core that
// runs. There only with [testing] allow_fault_injection = true, else none of this exists.
//
//   echo shard_host > <data>/inject_fault    a shard host throws at its next look at the clock
//   echo outbox > <data>/inject_fault        the outbox throws at its next publication
#pragma once
#include "messages/egress.hpp"
#include <atomic>
#include <functional>
#include <string>

namespace pollux::supervision {

class fault_injection {
public:
  /// `file`: looked for, taken away and obeyed by look(). `real`: where publications go.
  fault_injection(std::string file, messages::egress& real);
  /// Call it now and then. A file that names no place of a fault is taken away and logged.
  void look();
  /// The clock for shard hosts. Thread-safe.
  [[nodiscard]] std::function<std::int64_t()> clock(std::function<std::int64_t()> real);
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

  std::string file_;
  std::atomic<bool> host_armed_{false}, outbox_armed_{false};
  faulty_egress faulty_;
};

} // namespace pollux::supervision
