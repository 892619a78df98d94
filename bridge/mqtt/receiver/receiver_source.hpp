// SPDX-License-Identifier: Apache-2.0
// The source on our own subscriber: takes all that one read brought, and acknowledges in groups
// once the journal has it. One I/O thread serves all connections, so that the handler is called by
// one.
//
//   broker -> link -> session -> handler -> inlet           (I/O thread)
//   journal: the watermark rises -> session.acknowledge()   (told by the inlet, done by the I/O
//   thread)
//
// When the node takes no more, the socket is not read: TCP holds the broker back, and nothing is
// lost. When the journal could not write a batch, the connection ends, and the broker sends what
// was not acknowledged again.
#pragma once
#include "bridge/mqtt/receiver/receiver_link.hpp"
#include "bridge/mqtt/reconnect_pace.hpp"
#include "bridge/mqtt/source.hpp"
#include "messages/inlet.hpp"
#include "messages/observability/metrics.hpp"
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace pollux::bridge {

class receiver_source final : public source, private mqtt::link_events {
public:
  /// One connection per set; the set's name becomes part of its client id. `handler`, `inlet` and
  /// `metrics` must outlive the source; the handler is called from the I/O thread only.
  receiver_source(broker_options options, std::vector<topic_set> sets, arrival_handler& handler,
                  messages::inlet& inlet, messages::metrics& metrics);
  ~receiver_source() override;

  /// Errors: invalid_argument (url, version, a certificate that cannot be read), conflict.
  status start() override;
  /// Waits up to two seconds for what is taken and not yet durable, acknowledges it and leaves.
  void stop() override;
  [[nodiscard]] source_state state() const override;
  [[nodiscard]] source_counters counters() const override;

private:
  struct connection {
    mqtt::session_options options;
    mqtt::session_memory memory;
    std::shared_ptr<mqtt::receiver_link> link;
    std::unique_ptr<boost::asio::steady_timer> retry;
    reconnect_pace pace;
    bool had_session = false;
    source_state state;
    explicit connection(reconnect_pace p) : pace(p) {}
  };

  void on_established(mqtt::receiver_link& link) override;
  void on_blocked(mqtt::receiver_link& link, errc why) override;
  void on_unblocked(mqtt::receiver_link& link) override;
  void on_ended(mqtt::receiver_link& link) override;

  connection& of(const mqtt::receiver_link& link);
  void open(connection& c);
  void open_later(connection& c, std::chrono::nanoseconds wait);
  void durable_rose();
  void acknowledge_all();
  void tell(connection& c, source_phase phase, std::string why);
  void run();

  const broker_options options_;
  arrival_handler& handler_;
  messages::inlet& inlet_;
  mqtt::endpoint to_;
  std::shared_ptr<const mqtt::tls_context> tls_;
  messages::counter &connects_, &connect_failures_, &losses_, &pauses_, &unacknowledged_,
      &sessions_lost_, &acknowledged_;
  messages::gauge& connected_;
  source_counters base_; ///< the instruments' values at construction: they outlive a source

  std::unique_ptr<boost::asio::io_context> io_;
  std::vector<std::unique_ptr<connection>> connections_;
  std::thread thread_;
  mutable std::mutex state_mutex_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> looks_soon_{false};   ///< the I/O thread rests and will look by itself
  std::atomic<std::uint64_t> waiting_{0}; ///< messages taken and not acknowledged
  std::atomic<bool> told_{false}; ///< a look at the watermark is on its way to the I/O thread
};

} // namespace pollux::bridge
