// SPDX-License-Identifier: Apache-2.0
// What goes out, on Paho MQTT C++ and a connection of its own ("<client id>-out"), so that it goes
// on while the source pauses. It keeps nothing: the outbox is the truth, and what was not
// acknowledged when a connection broke is reported as failed and handed over again by it.
// This connection also carries the node's presence: retained "online", and "offline" as last will.
#pragma once
#include "bridge/mqtt/broker_link.hpp"
#include "messages/egress.hpp"
#include "messages/observability/metrics.hpp"
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <vector>

namespace pollux::bridge {

class paho_egress final : public messages::egress {
public:
  paho_egress(broker_options options, messages::metrics& metrics);
  /// stop()s.
  ~paho_egress() override;

  /// Starts to connect in the background; a broker that is down is not an error.
  /// Errors: invalid_argument (url, version), conflict (already started).
  status start();

  /// Takes nothing more, waits up to one second for acknowledgements, says "offline" and leaves.
  /// Every `done` still open is called with false before it returns.
  void stop();

  /// As the port says; further errors: timed_out (expired already: not sent), invalid_argument (a
  /// topic with wildcards or none at all).
  status publish(messages::publication p, std::function<void(bool)> done) override;
  [[nodiscard]] bool connected() const override { return connected_; }
  [[nodiscard]] source_state state() const { return link_.state(); }
  [[nodiscard]] std::uint32_t in_flight() const;

private:
  struct native; ///< the Paho client and what must live as long as it
  struct slot {
    std::function<void(bool)> done;
    std::uint32_t generation = 0; ///< told apart from a late answer to an earlier publication
    bool busy = false;
  };
  using slot_key = std::uint64_t;                   ///< generation and index, never 0
  slot_key occupy(std::function<void(bool)>& done); ///< 0 = all are taken
  bool vacate(slot_key key);                        ///< without a word; false = settled meanwhile
  void settle(slot_key key, bool ok);
  void fail_all();

  void run();
  bool connect_once();
  status connect_client(native& next);
  void stay_connected();
  void leave(bool in_good_order);
  void on_lost(const std::string& cause);

  const broker_options options_;
  broker_link link_;
  messages::counter &published_, &failed_;

  std::shared_mutex client_mutex_; ///< shared: publish through it; exclusive: replace it
  std::unique_ptr<native> native_;
  mutable std::mutex slots_mutex_; ///< never held while Paho is called: its callbacks take it
  std::vector<slot> slots_;
  std::atomic<std::uint32_t> window_; ///< of slots_, how many this broker takes at a time
  std::vector<std::uint32_t> free_;

  std::atomic<bool> connected_{false};
};

} // namespace pollux::bridge
