// SPDX-License-Identifier: Apache-2.0
// The egress port: how effects leave. bridge/mqtt implements it, the outbox calls it.
#pragma once
#include "domain/base/result.hpp"
#include <cstdint>
#include <functional>
#include <string>

namespace pollux::messages {

struct publication {
  std::string topic;
  std::string payload;
  std::uint8_t qos = 1;
  bool retain = false;
  std::string content_type;     ///< MQTT 5 only
  std::string response_topic;   ///< MQTT 5 only; commands
  std::string correlation_data; ///< MQTT 5 only; the command id
  std::string traceparent;      ///< MQTT 5 only: user property, W3C Trace Context
  std::int64_t expires_at_ns =
      0; ///< 0 = never; checked before sending, and sent as message expiry (MQTT 5)
};

class egress {
public:
  virtual ~egress() = default;
  /// Hands a publication over. `done(true)` once the broker has acknowledged it (QoS 0: once
  /// written), `done(false)` when it failed or the connection was lost first: then send it again,
  /// same id. `done` is called exactly once, from any thread, and must not block. Never waits.
  /// Errors: overloaded (bounded in-flight window full), unavailable (not connected): done is not
  /// called.
  virtual status publish(publication p, std::function<void(bool)> done) = 0;
  [[nodiscard]] virtual bool connected() const = 0;
};

} // namespace pollux::messages
