// SPDX-License-Identifier: Apache-2.0
// A broker gone wrong. The first byte chooses: the bytes are the broker's as they are, in pieces,
// or edits of a good session of the broker, which is then cut at any byte and begun anew. Whatever
// comes, what the client writes stays whole packets, and no message is acknowledged before it is
// durable.
#include "bridge/mqtt/receiver/session.hpp"
#include "fuzz.hpp"
#include <algorithm>

using namespace pollux;
using namespace pollux::bridge;
using namespace pollux::bridge::mqtt;

namespace {

class counting_inlet final : public messages::inlet {
public:
  std::uint64_t submitted = 0, durable = 0, failed = 0;
  bool credit = true;

  result<messages::ticket> submit(std::string_view, std::string_view,
                                  const domain::input&) override {
    return failure{errc::unavailable, "nothing ends here"};
  }
  status flush(messages::durability, messages::ticket) override { return {}; }
  [[nodiscard]] messages::ticket durable_upto(messages::durability) const override {
    return {durable};
  }
  [[nodiscard]] messages::ticket failed_upto() const override { return {failed}; }
  [[nodiscard]] bool accepting() const override { return credit; }
};

class counting_handler final : public arrival_handler {
public:
  explicit counting_handler(counting_inlet& inlet) : inlet_(inlet) {}
  std::uint64_t qos_above_0 = 0;

  verdict handle(const arrival& in) override {
    fuzz::require(!in.topic.empty() && in.topic.find_first_of("+#") == std::string_view::npos,
                  "a message has a topic");
    fuzz::require(in.payload_bytes >= in.payload.size(), "no more payload than was announced");
    qos_above_0 += in.qos > 0;
    verdict out;
    out.what = disposition::submitted;
    out.first = out.ticket = {++inlet_.submitted};
    return out;
  }

private:
  counting_inlet& inlet_;
};

std::string u16(unsigned value) {
  return {static_cast<char>(value >> 8 & 0xFF), static_cast<char>(value & 0xFF)};
}

std::string packet(unsigned first, const std::string& body) {
  return std::string{static_cast<char>(first), static_cast<char>(body.size())} + body;
}

std::string good_session(unsigned version) {
  const std::string none = version == 5 ? std::string(1, '\0') : std::string();
  const auto topic = u16(3) + "a/b";
  auto out = packet(0x20, u16(0x0100) + none) + packet(0x90, u16(1) + none + "\x02\x01");
  for (unsigned id = 1; id <= 4; ++id) {
    out += packet(0x30, topic + none + "zero");
    out += packet(0x32, topic + u16(id) + none + "one");
    out += packet(0x3A, topic + u16(id) + none + "one again");
    out += packet(0x34, topic + u16(id + 100) + none + "two");
  }
  if (version == 5) {
    out += packet(0x30, topic + std::string("\x03\x23\0\x01", 4) + "named");
    out += packet(0x30, u16(0) + std::string("\x03\x23\0\x01", 4) + "by alias");
  }
  for (unsigned id = 1; id <= 4; ++id) out += packet(0x62, u16(id + 100));
  return out + packet(0xD0, "") + (version == 5 ? packet(0xE0, "\x8B") : "");
}

/// One MQTT session over several connections, with the invariants looked at after every step.
class bench {
public:
  explicit bench(unsigned version) : handler_(inlet_) {
    options_.version = version;
    options_.client_id = "c";
    options_.receive_maximum = 20;
    options_.max_message_bytes = 1000;
    options_.subscriptions = {{"a/#", 2, false}, {"$share/g/b/+", 1, true}};
  }

  /// One connection on which `bytes` come, `piece` at a time.
  void connection(std::string_view bytes, std::size_t piece, std::uint8_t mood) {
    session client(options_, memory_, handler_, inlet_);
    client.begin(now_ns_);
    ended_ = false;
    std::string waiting;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      waiting += bytes.substr(at, piece);
      now_ns_ += 500'000'000;
      inlet_.credit = (mood & 1) == 0 || at % 3 != 0;
      const auto used = client.receive(waiting, now_ns_, now_ns_);
      fuzz::require(used <= waiting.size(), "no more is used than came");
      fuzz::require(client.closed().has_value() == (client.at() == session::phase::closed),
                    "closed with a reason");
      waiting.erase(0, used);
      if ((mood & 2) != 0) inlet_.durable = inlet_.submitted;
      if ((mood & 4) != 0 && at % 5 == 0) inlet_.failed = inlet_.submitted;
      look(client);
      client.pass_time(now_ns_);
      if (waiting.size() > 300'000) break;
    }
    if ((mood & 8) != 0) client.leave();
    look(client);
    client.carry();
  }

private:
  void look(session& client) {
    client.acknowledge();
    std::string_view rest = client.output();
    while (!rest.empty()) {
      frame one;
      defect wrong;
      fuzz::require(next_frame(rest, 1 << 20, one, wrong) == framing::whole,
                    "whole packets are sent");
      fuzz::require(!ended_, "nothing behind DISCONNECT");
      ended_ = one.type == packet_type::disconnect;
      rest.remove_prefix(one.size);
    }
    client.output().clear();
    fuzz::require(client.acknowledged() == 0 || inlet_.durable > 0,
                  "nothing is acknowledged before anything is durable");
    fuzz::require(client.unacknowledged() <= 65'535 + 1, "what waits is bounded");
    fuzz::require(memory_.held() <= handler_.qos_above_0, "held is what was taken");
  }

  session_options options_;
  session_memory memory_;
  counting_inlet inlet_;
  counting_handler handler_;
  std::int64_t now_ns_ = 1'000'000'000;
  bool ended_ = false; ///< this connection's DISCONNECT was written
};

/// Each four bytes of `edits` alter one place of the good session.
std::string edited(std::string out, std::string_view edits) {
  const auto number = [&](std::size_t at) { return static_cast<unsigned char>(edits[at]); };
  for (std::size_t at = 0; at + 4 <= edits.size() && !out.empty(); at += 4) {
    const auto place = (number(at) * 256u + number(at + 1)) % out.size();
    switch (number(at + 2) % 4) {
    case 0: out[place] = edits[at + 3]; break;
    case 1: out.erase(place, number(at + 3) % 16u); break;
    case 2: out.insert(place, 1, edits[at + 3]); break;
    default: out.insert(place, out.substr(place / 2, number(at + 3) % 64u)); break;
    }
  }
  return out;
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 4) return 0;
  const unsigned version = data[0] % 2 == 0 ? 5 : 4;
  const std::size_t piece = 1 + data[1] % 64u;
  const auto rest = fuzz::bytes_of(data, size).substr(4);
  bench b(version);
  if (data[0] / 2 % 2 == 0) {
    b.connection(rest, piece, data[2]);
    // the same, but established first
    const auto good = good_session(version);
    const std::size_t hello = version == 5 ? 12 : 10;
    b.connection(good.substr(0, hello) + std::string(rest), piece, data[3]);
    return 0;
  }
  const auto bad = edited(good_session(version), rest);
  const auto cut = bad.size() * data[3] / 256;
  b.connection(std::string_view(bad).substr(0, cut), piece, data[2]);
  b.connection(bad, piece, data[2] >> 4);
  b.connection(good_session(version), piece, 2);
  return 0;
}
