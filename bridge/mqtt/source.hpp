// SPDX-License-Identifier: Apache-2.0
// The source port: something that receives MQTT messages, hands each to a handler, and
// acknowledges it to the broker no earlier than the handler's verdict allows. `receiver` owns its
// socket: it collects tickets and acknowledges a group once inlet::durable_upto() has reached them.
// `paho` acknowledges when its callback returns, so it makes a message durable before.
#pragma once
#include "bridge/mqtt/options.hpp"
#include "domain/base/result.hpp"
#include "messages/inlet.hpp"
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::bridge {

/// One message as it came in. The views are valid during the call only.
struct arrival {
  std::string_view topic;
  std::string_view payload;
  std::int64_t received_ns = 0; ///< our clock, UTC
  std::uint8_t qos = 0;
  bool retained = false;
  bool duplicate = false;            ///< the broker sends it again
  std::string_view correlation_data; ///< MQTT 5, else empty
  std::string_view content_type;     ///< MQTT 5, else empty
  std::string_view traceparent;      ///< MQTT 5, the W3C user property; else empty
  std::uint64_t payload_bytes = 0;   ///< above payload.size() when the rest was too large to keep
};

enum class disposition : std::uint8_t {
  submitted,   ///< acknowledge once `ticket` is durable at `durability`
  quarantined, ///< kept aside with its reason: acknowledge
  ignored,     ///< counted and dropped on purpose: acknowledge
  retry,       ///< the node takes nothing now: do NOT acknowledge, pause, have it sent again
};

struct verdict {
  disposition what = disposition::ignored;
  messages::durability durability = messages::durability::d1;
  messages::ticket ticket = {}; ///< the last of the message's inputs
  messages::ticket first = {};  ///< the first of them; a batch may make several
  errc why = errc::overloaded;  ///< retry only: overloaded, no_space, io or unavailable
};

/// What a source hands its messages to. Called by one thread at a time per handler.
class arrival_handler {
public:
  virtual ~arrival_handler() = default;
  virtual verdict handle(const arrival& message) = 0;
};

enum class source_phase : std::uint8_t { stopped, connecting, connected, paused };

[[nodiscard]] const char* to_string(source_phase phase) noexcept;

struct source_state {
  source_phase phase = source_phase::stopped;
  std::string why; ///< for people: the last error, or why it pauses; empty when all is well
};

/// Since start.
struct source_counters {
  std::uint64_t connects = 0;         ///< connections made and subscribed
  std::uint64_t connect_failures = 0; ///< attempts that failed
  std::uint64_t losses = 0;           ///< connections lost that we did not end
  std::uint64_t pauses = 0;           ///< times we left because the node took no more
  std::uint64_t unacknowledged = 0;   ///< messages refused an acknowledgement, to come again
  std::uint64_t sessions_lost = 0;    ///< reconnects where the broker had forgotten our session
};

/// Connections of a source: what is subscribed to on one MQTT session. Messages of one device keep
/// their order when all its topics are in one set.
struct topic_set {
  std::string name; ///< empty for the first; else part of the session's client id
  std::vector<subscription> subscriptions;
};

class source {
public:
  virtual ~source() = default;
  /// Starts to connect in the background; a broker that is down is not an error.
  /// Errors: invalid_argument (an option makes no sense), conflict (already started).
  virtual status start() = 0;
  /// Takes no more messages, disconnects and returns when the handler will not be called again.
  virtual void stop() = 0;
  [[nodiscard]] virtual source_state state() const = 0;
  [[nodiscard]] virtual source_counters counters() const = 0;
};

} // namespace pollux::bridge
