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
#include "bridge/mqtt/options.hpp"
#include "bridge/mqtt/paho_connection.hpp"
#include "bridge/mqtt/reconnect_pace.hpp"
#include "bridge/mqtt/source.hpp"
#include "messages/inlet.hpp"
#include "messages/observability/metrics.hpp"
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
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
  [[nodiscard]] source_state state() const override;
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
  void sleep_for(std::chrono::nanoseconds span);
  void set_state(source_phase phase, std::string why);

  const broker_options options_;
  const std::vector<subscription> subscriptions_;
  arrival_handler& handler_;
  messages::inlet& inlet_;
  messages::counter &connects_, &connect_failures_, &losses_, &pauses_, &unacknowledged_,
      &sessions_lost_;
  messages::gauge& connected_;
  source_counters base_; ///< the instruments' values at construction: they outlive a source

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  source_state state_;
  std::string lost_why_;
  bool lost_ = false;
  std::atomic<bool> refused_{false};
  std::atomic<errc> refused_why_{errc::overloaded};
  std::atomic<std::uint64_t> taken_{0}; ///< messages acknowledged on this connection
  std::atomic<bool> stopping_{false};
  bool had_session_ = false;
  reconnect_pace pace_, pause_pace_;
  std::unique_ptr<paho_connection> connection_;
  std::thread thread_;
};

} // namespace pollux::bridge
