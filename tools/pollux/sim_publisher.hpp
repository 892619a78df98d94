// SPDX-License-Identifier: Apache-2.0
// Publishes as a device would, over Paho MQTT C++ (MQTT 5): a bounded window of unacknowledged
// messages, sent again after a lost connection until the broker has acknowledged every one.
#pragma once
#include "domain/base/result.hpp"
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace pollux::tools {

struct publisher_options {
  std::string url = "tcp://127.0.0.1:1883";
  std::string client_id; ///< empty: made from the process id
  std::string username, password;
  std::string ca_file; ///< for ssl:// urls
  int qos = 1;
  std::uint32_t window = 500; ///< unacknowledged messages; publish() waits above it
  std::chrono::milliseconds connect_timeout{10'000};
};

/// A message for one of the topics subscribed to.
struct received_message {
  std::string topic, payload, response_topic, correlation_data;
};

struct publisher_counts {
  std::uint64_t published = 0;    ///< handed over with publish(), each once
  std::uint64_t acknowledged = 0; ///< QoS 1: PUBACK seen; QoS 0: written to the socket
  std::uint64_t resent = 0;       ///< sent again after a failure or a lost connection
  std::uint64_t unacknowledged = 0;
  /// The token of the oldest unacknowledged message; when none is left, that of the next one.
  std::uint64_t oldest_token = 0;
};

class sim_publisher {
public:
  /// Connects; tries for connect_timeout. Errors: unavailable, naming the url and the reason.
  static result<std::unique_ptr<sim_publisher>> connect(const publisher_options& options);
  ~sim_publisher();

  /// Subscribes at QoS 1, now and after every reconnect. `arrived` runs on Paho's thread: it must
  /// be quick and must not call back into the publisher. Call before the first publish(). Errors:
  /// unavailable.
  status subscribe(const std::string& filter, std::function<void(received_message)> arrived);

  /// After this `arrived` is not called any more; waits for a call that is under way.
  void stop_listening();

  /// Hands one message over; waits while the window is full or the connection is down. `token` says
  /// which piece of the caller's work it is (ascending); `correlation_data` may be empty.
  /// Errors: unavailable when `stop` came true while waiting.
  status publish(const std::string& topic, const std::string& payload, std::uint64_t token,
                 const std::function<bool()>& stop, const std::string& correlation_data = {});

  /// Waits until every message is acknowledged, `limit` has passed or `stop` is true; true: all.
  bool drain(std::chrono::milliseconds limit, const std::function<bool()>& stop);

  [[nodiscard]] publisher_counts counts() const;
  [[nodiscard]] bool connected() const;

private:
  struct body;
  explicit sim_publisher(std::unique_ptr<body> b);
  std::unique_ptr<body> body_;
};

} // namespace pollux::tools
