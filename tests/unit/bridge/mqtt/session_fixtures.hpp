// SPDX-License-Identifier: Apache-2.0
// A session with a broker's side that is bytes, an inlet whose watermarks the test sets, and a
// handler that says what it is told to.
#pragma once
#include "bridge/mqtt/receiver/session.hpp"
#include "packet_fixtures.hpp"
#include <array>
#include <deque>

namespace pollux::bridge::mqtt::made {

class set_inlet final : public messages::inlet {
public:
  std::array<std::uint64_t, 3> durable{};
  std::uint64_t failed = 0;
  bool credit = true;

  result<messages::ticket> submit(std::string_view, std::string_view,
                                  const domain::input&) override {
    return failure{errc::unavailable, "no messages end here"};
  }
  status flush(messages::durability, messages::ticket) override { return {}; }
  [[nodiscard]] messages::ticket durable_upto(messages::durability at) const override {
    return {durable[static_cast<std::size_t>(at)]};
  }
  [[nodiscard]] messages::ticket failed_upto() const override { return {failed}; }
  [[nodiscard]] bool accepting() const override { return credit; }
};

/// Gives each message the next ticket, or what the test says.
class listing_handler final : public arrival_handler {
public:
  struct heard {
    std::string topic, payload, content_type, correlation_data, traceparent;
    std::uint8_t qos = 0;
    bool retained = false, duplicate = false;
    std::int64_t received_ns = 0;
    std::uint64_t payload_bytes = 0;
  };
  std::deque<heard> all;
  disposition say = disposition::submitted;
  messages::durability durability = messages::durability::d1;
  std::uint64_t tickets = 0;

  bridge::verdict handle(const arrival& in) override {
    bridge::verdict out;
    out.what = say;
    out.durability = durability;
    if (say == disposition::retry) {
      out.why = errc::no_space;
      return out;
    }
    all.push_back({std::string(in.topic), std::string(in.payload), std::string(in.content_type),
                   std::string(in.correlation_data), std::string(in.traceparent), in.qos,
                   in.retained, in.duplicate, in.received_ns, in.payload_bytes});
    if (say == disposition::submitted) out.first = out.ticket = {++tickets};
    return out;
  }
};

constexpr std::int64_t second_ns = 1'000'000'000;

/// One client and what its broker sends. `again()` is the next connection of the same session.
struct desk {
  session_options options;
  session_memory memory;
  set_inlet inlet;
  listing_handler handler;
  std::optional<session> client;
  std::int64_t now_ns = 100 * second_ns;

  explicit desk(unsigned version = 5) {
    options.version = version;
    options.client_id = "c";
    options.subscriptions.resize(1);
    options.subscriptions[0].filter = "a/#";
    options.subscriptions[0].qos = 2;
    again();
  }
  void again() {
    client.emplace(options, memory, handler, inlet);
    client->begin(now_ns);
  }
  void drop() {
    client->carry();
    again();
  }
  std::size_t feed(const std::string& bytes) { return client->receive(bytes, now_ns, 1000); }

  /// What the client wrote since, one packet each.
  std::vector<std::string> sent() {
    std::vector<std::string> out;
    std::string_view rest = client->output();
    while (!rest.empty()) {
      frame found;
      defect wrong;
      REQUIRE(next_frame(rest, 1 << 20, found, wrong) == framing::whole);
      out.emplace_back(rest.substr(0, found.size));
      rest.remove_prefix(found.size);
    }
    client->output().clear();
    return out;
  }
  std::vector<std::string> acknowledged() {
    client->acknowledge();
    return sent();
  }
  /// All up to this ticket is durable in every class.
  void durable(std::uint64_t upto) { inlet.durable = {upto, upto, upto}; }

  [[nodiscard]] std::string connack(bool present = false) const {
    return options.version >= 5 ? connack5(0, "", present) : packet(0x20, byte(present) + byte(0));
  }
  [[nodiscard]] std::string granted(std::string_view codes = "\x02") const {
    return subscribed(options.version, codes, 1);
  }
  /// CONNECT answered and all filters granted; what was written is taken away.
  desk& established(bool present = false) {
    feed(connack(present));
    feed(granted(std::string(options.subscriptions.size(), '\x02')));
    REQUIRE(client->at() == session::phase::established);
    sent();
    return *this;
  }
  [[nodiscard]] std::string message(unsigned qos, unsigned id, std::string_view payload = "x",
                                    bool again_ = false) const {
    return packet(0x30 | (again_ ? 8u : 0u) | qos << 1,
                  text("a/b") + (qos > 0 ? u16(id) : "") + (options.version >= 5 ? block("") : "") +
                      std::string(payload));
  }
  [[nodiscard]] bool open() const { return !client->closed(); }
  [[nodiscard]] reason why() const {
    REQUIRE(client->closed());
    return client->closed()->code;
  }
};

inline std::string puback(unsigned id) { return packet(0x40, u16(id)); }
inline std::string pubrec(unsigned id) { return packet(0x50, u16(id)); }
inline std::string pubrel(unsigned id) { return packet(0x62, u16(id)); }
inline std::string pubcomp(unsigned id) { return packet(0x70, u16(id)); }
inline std::string goodbye(reason code) {
  return code == reason::success ? packet(0xE0, "")
                                 : packet(0xE0, byte(static_cast<unsigned>(code)));
}
using packets = std::vector<std::string>;

} // namespace pollux::bridge::mqtt::made
