// SPDX-License-Identifier: Apache-2.0
// What the MQTT bridge is told: plain values that supervision fills from the configuration,
// because a bridge does not read configuration files.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace pollux::bridge {

/// How to reach a broker and who we are there.
struct broker_options {
  std::string url = "tcp://127.0.0.1:1883"; ///< tcp:// or ssl://, host, port
  std::string client_id = "pollux";         ///< fixed: the broker keeps our session under it
  std::uint32_t version = 5;                ///< 5 or 3 (3.1.1)
  std::string username;
  std::string password; ///< the password itself, not the file's name
  std::string ca_file;  ///< PEM; with ssl:// the broker is always checked against it
  std::string certificate_file, key_file; ///< PEM; our own, empty = none
  bool clean_start = false; ///< true gives up what the broker queued while we were away
  std::uint32_t session_expiry_s = 86'400;     ///< MQTT 5; how long the broker queues for us
  std::uint32_t keep_alive_s = 30;             ///< held at 30 at least: callbacks may delay a ping
  std::string will_topic = "pollux/status";    ///< retained "online" / "offline"; empty = none
  std::uint32_t max_in_flight = 1000;          ///< outgoing publications not yet acknowledged
  std::uint32_t receive_maximum = 1000;        ///< MQTT 5; incoming ones not yet acknowledged
  std::uint64_t max_message_bytes = 2u << 20;  ///< more of one message is not kept in memory
  std::int64_t reconnect_min_ns = 200'000'000; ///< first pause after a failed connect ...
  std::int64_t reconnect_max_ns = 10'000'000'000; ///< ... doubled up to this, with jitter
  std::int64_t connect_timeout_ns = 5'000'000'000;
};

/// One topic filter to subscribe to. The Paho source takes QoS 2 as 1: Paho acknowledges QoS 2
/// before we could have journaled the message.
struct subscription {
  std::string filter;
  std::uint8_t qos = 1;
  bool retained = false; ///< true asks for retained messages too (a state, such as online/offline)
};

} // namespace pollux::bridge
