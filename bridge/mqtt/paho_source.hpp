// SPDX-License-Identifier: Apache-2.0
// The source on Paho: receives, hands on, makes durable inside the callback (Paho acknowledges when
// it returns), and leaves the broker when the node takes no more.
//
//   connecting --connected, subscribed--> connected --message refused--> paused
//        ^                                    |                             |
//        +------- back-off <---- lost --------+      inlet accepts again ---+--> connecting
//
// A refused message is never acknowledged: the socket is shut down within its callback, and the
// broker's persistent session sends it again after the reconnect. At QoS 0 it is lost, and counted.
#pragma once
#include "bridge/mqtt/broker_link.hpp"
#include "bridge/mqtt/paho_connection.hpp"
#include "bridge/mqtt/reconnect_pace.hpp"
#include "bridge/mqtt/source.hpp"
#include "messages/inlet.hpp"
#include "messages/observability/metrics.hpp"
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pollux::bridge {

class paho_source final : public source, private paho_events {
public:
  /// `handler` and `inlet` must outlive the source; `metrics` too. The handler is called from
  /// Paho's receive thread only.
  paho_source(broker_options options, std::vector<subscription> subscriptions,
              arrival_handler& handler, messages::inlet& inlet, messages::metrics& metrics);
  ~paho_source() override;

  status start() override;
  void stop() override;
  [[nodiscard]] source_state state() const override { return link_.state(); }
  [[nodiscard]] source_counters counters() const override;

private:
  void on_message(const arrival& message) noexcept override;
  void on_lost(std::string_view cause) noexcept override;
  [[nodiscard]] std::optional<errc> take(const arrival& message) noexcept;
  void wait_for_credit() const;
  void refuse(errc why) noexcept;

  void run();
  bool connect_once();
  void stay_connected();
  void wait_until_accepting();
  void leave(bool in_good_order);

  const broker_options options_;
  const std::vector<subscription> subscriptions_;
  arrival_handler& handler_;
  messages::inlet& inlet_;
  broker_link link_;
  messages::counter &pauses_, &unacknowledged_, &sessions_lost_;
  source_counters base_; ///< the instruments' values at construction: they outlive a source

  std::atomic<bool> refused_{false};
  std::atomic<errc> refused_why_{errc::overloaded};
  std::atomic<std::uint64_t> taken_{0}; ///< messages acknowledged on this connection
  bool had_session_ = false;
  reconnect_pace pause_pace_;
  std::unique_ptr<paho_connection> connection_;
};

} // namespace pollux::bridge
