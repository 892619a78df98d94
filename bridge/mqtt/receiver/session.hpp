// SPDX-License-Identifier: Apache-2.0
// One connection's MQTT protocol as a subscriber, without a socket: bytes go in, bytes come out,
// each message goes to the arrival_handler, and its acknowledgement leaves once the journal has it.
//
//   begin() -> CONNECT -> CONNACK -> SUBSCRIBE -> SUBACK -> established -> closed
//
// Nothing here throws, and no bytes from the broker do more than close the connection.
#pragma once
#include "bridge/mqtt/options.hpp"
#include "bridge/mqtt/receiver/ack_ledger.hpp"
#include "bridge/mqtt/receiver/packet.hpp"
#include "bridge/mqtt/source.hpp"
#include <bitset>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::bridge::mqtt {

struct session_options {
  unsigned version = 5; ///< 4 (3.1.1) or 5
  std::string client_id, username, password;
  bool clean_start = false;
  std::uint32_t session_expiry_s = 86'400;
  std::uint16_t keep_alive_s = 30;
  std::uint16_t receive_maximum = 1000; ///< MQTT 5: the broker's bound of messages on the way to us
  /// Above it only the beginning of a message is kept, and handed on with its true size: memory is
  /// bounded whatever the broker sends.
  std::size_t max_message_bytes = 2u << 20;
  std::vector<subscription> subscriptions;
};

/// What one connection leaves to the next of the same MQTT session.
class session_memory {
public:
  /// Taken, and not acknowledged when the connection broke: the broker sends them again, marked,
  /// under the same id, and they need not be taken twice.
  std::map<std::uint16_t, ack_ledger::entry> carried;
  // QoS 2: taken, and not released by the broker yet
  [[nodiscard]] bool holds(std::uint16_t id) const { return held_.test(id); }
  void hold(std::uint16_t id);
  void release(std::uint16_t id);
  [[nodiscard]] std::size_t held() const noexcept { return count_; }
  void forget();

private:
  std::bitset<65'536> held_;
  std::size_t count_ = 0;
};

/// Why a connection ends.
struct closure {
  reason code = reason::success;
  bool refused = false;    ///< the broker said no to us: it will say no again
  bool batch_lost = false; ///< the journal could not write what we had taken
  std::string text;        ///< for people
};

class session {
public:
  enum class phase : std::uint8_t { fresh, connecting, subscribing, established, closed };

  /// All references must outlive the session.
  session(const session_options& options, session_memory& memory, arrival_handler& handler,
          const messages::inlet& inlet);

  /// Writes CONNECT. `now_ns`: steady clock, here and below.
  void begin(std::int64_t now_ns);

  /// Takes whole packets from the start of `bytes` and gives how many bytes that were; the rest is
  /// to be given again with what follows it. Stops where the node takes no more: blocked() then
  /// says why, and the same bytes are to be given again later. `wall_ns`: UTC; each message gets
  /// an own nanosecond from it on, so that readings without a time of their own stay apart.
  std::size_t receive(std::string_view bytes, std::int64_t now_ns, std::int64_t wall_ns);

  /// Writes the acknowledgements of all messages that have become durable since.
  void acknowledge();

  /// Pings when it is time, closes when the broker does not answer. To be called about every
  /// quarter of a second.
  void pass_time(std::int64_t now_ns);

  /// Writes DISCONNECT and closes in good order.
  void leave();

  /// Remembers in the memory what was taken and not acknowledged. Called once, at the end.
  void carry();

  /// What is to be sent; the caller takes it and leaves the string empty.
  [[nodiscard]] std::string& output() noexcept { return out_; }
  [[nodiscard]] phase at() const noexcept { return phase_; }
  [[nodiscard]] const std::optional<closure>& closed() const noexcept { return closure_; }
  [[nodiscard]] const std::optional<errc>& blocked() const noexcept { return blocked_; }
  [[nodiscard]] bool session_present() const noexcept { return session_present_; }
  /// Filters the broker does not grant, in words; empty = it grants all.
  [[nodiscard]] const std::string& denied() const noexcept { return denied_; }
  [[nodiscard]] std::size_t unacknowledged() const noexcept { return ledger_.size(); }
  [[nodiscard]] std::uint64_t messages() const noexcept { return messages_; }
  [[nodiscard]] std::uint64_t acknowledged() const noexcept { return acknowledged_; }

private:
  bool take(const frame& packet);
  bool take_connack(const frame& packet);
  bool take_suback(const frame& packet);
  bool take_publish(const frame& packet, std::uint64_t cut_bytes);
  bool take_again(const publish& message);
  bool resolve_alias(publish& message);
  bool hand_on(const publish& message, std::uint64_t cut_bytes);
  bool take_release(const frame& packet);
  bool take_disconnect(const frame& packet);
  std::size_t begin_to_skip(std::string_view bytes);
  bool subscribe(std::uint32_t most_bytes);
  void close(reason code, std::string text);
  bool broken(const defect& what);
  void wait(const ack_ledger::entry& e);
  void say(const ack_ledger::entry& e);

  const session_options& options_;
  session_memory& memory_;
  arrival_handler& handler_;
  const messages::inlet& inlet_;

  phase phase_ = phase::fresh;
  std::optional<closure> closure_;
  std::optional<errc> blocked_;
  std::string out_;
  ack_ledger ledger_;
  std::vector<std::string> aliases_;  ///< by number, from 1
  std::size_t waiting_once_ = 0;      ///< QoS 1 in the ledger
  std::bitset<65'536> waiting_twice_; ///< QoS 2 in the ledger, by id
  /// QoS 2 that came on this connection and is not released: what receive maximum counts, which
  /// knows no earlier connection.
  std::bitset<65'536> here_;
  std::size_t here_count_ = 0;
  bool accepted_ = false;  ///< CONNACK said yes
  std::uint64_t skip_ = 0; ///< bytes left of a message that is too large to keep
  std::string denied_;
  bool session_present_ = false;
  std::uint64_t messages_ = 0, acknowledged_ = 0;
  std::int64_t wall_ns_ = 0, now_ns_ = 0;
  std::int64_t keep_alive_ns_ = 0, sent_ns_ = 0;
  std::optional<std::int64_t> ping_ns_; ///< when the ping left that is not answered
};

} // namespace pollux::bridge::mqtt
