// SPDX-License-Identifier: Apache-2.0
// The connection's life: connect, subscribe, ping, leave. Messages are in session_messages.cpp.
#include "bridge/mqtt/receiver/session.hpp"
#include "domain/base/time.hpp"
#include <algorithm>

namespace pollux::bridge::mqtt {

namespace {

constexpr std::uint16_t subscribe_id = 1; ///< the only SUBSCRIBE of a connection
constexpr std::uint16_t most_aliases = 256;
constexpr std::int64_t least_ping_patience_ns = 2 * ns_per_s;

} // namespace

void session_memory::hold(std::uint16_t id) {
  if (!held_.test(id)) ++count_;
  held_.set(id);
}

void session_memory::release(std::uint16_t id) {
  if (held_.test(id)) --count_;
  held_.reset(id);
}

void session_memory::forget() {
  carried.clear();
  held_.reset();
  count_ = 0;
}

session::session(const session_options& options, session_memory& memory, arrival_handler& handler,
                 const messages::inlet& inlet)
    : options_(options), memory_(memory), handler_(handler), inlet_(inlet) {}

void session::begin(std::int64_t now_ns) {
  connect_request ask;
  ask.version = options_.version;
  ask.client_id = options_.client_id;
  ask.username = options_.username;
  ask.password = options_.password;
  ask.clean_start = options_.clean_start;
  ask.keep_alive_s = options_.keep_alive_s;
  if (options_.version == 5) {
    ask.receive_maximum = options_.receive_maximum;
    ask.session_expiry_s = options_.session_expiry_s;
    ask.topic_alias_maximum = most_aliases;
    aliases_.resize(std::size_t{most_aliases} + 1);
  }
  write_connect(out_, ask);
  phase_ = phase::connecting;
  now_ns_ = sent_ns_ = now_ns;
  keep_alive_ns_ = options_.keep_alive_s * ns_per_s;
}

bool session::take(const frame& packet) {
  if (phase_ == phase::connecting) {
    if (packet.type == packet_type::connack) return take_connack(packet);
    return broken({reason::protocol_error, "something came before CONNACK"});
  }
  switch (packet.type) {
  case packet_type::publish: return take_publish(packet, 0);
  case packet_type::pubrel: return take_release(packet);
  case packet_type::suback: return take_suback(packet);
  case packet_type::pingresp:
    if (!packet.body.empty()) return broken({reason::malformed_packet, "a PINGRESP with content"});
    ping_ns_.reset();
    return true;
  case packet_type::disconnect: return take_disconnect(packet);
  default: return broken({reason::protocol_error, "a packet that nobody sends to a subscriber"});
  }
}

bool session::take_connack(const frame& packet) {
  connack answer;
  if (const auto wrong = read(packet, options_.version, answer)) return broken(*wrong);
  if (answer.code != 0) {
    std::string why = connect_refusal(options_.version, answer.code);
    if (!answer.reason_text.empty()) why.append(": ").append(answer.reason_text);
    if (!answer.server_reference.empty())
      why.append(" (it names another server: ").append(answer.server_reference).append(1, ')');
    closure_ = closure{static_cast<reason>(answer.code), true, false,
                       "the broker refuses the connection: " + why};
    phase_ = phase::closed;
    return false;
  }
  session_present_ = answer.session_present;
  if (session_present_ && options_.clean_start)
    return broken({reason::protocol_error, "an old session although we asked for a clean start"});
  if (!session_present_) memory_.forget(); // [MQTT-3.2.2-5]
  accepted_ = true;
  if (answer.server_keep_alive_s) keep_alive_ns_ = *answer.server_keep_alive_s * ns_per_s;
  if (options_.subscriptions.empty()) {
    phase_ = phase::established;
    return true;
  }
  for (const auto& s : options_.subscriptions)
    if ((!answer.shared && s.filter.starts_with("$share/")) ||
        (!answer.wildcards && s.filter.find_first_of("+#") != std::string::npos))
      denied_ += (denied_.empty() ? "" : ", ") + s.filter + " (not offered by this broker)";
  return subscribe(answer.maximum_packet_size);
}

bool session::subscribe(std::uint32_t most_bytes) {
  std::vector<subscribe_filter> filters;
  for (const auto& s : options_.subscriptions) {
    subscribe_filter f;
    f.filter = s.filter;
    f.qos = std::min<std::uint8_t>(2, s.qos);
    f.retain_handling = s.retained ? 0 : 2;
    filters.push_back(f);
  }
  const auto before = out_.size();
  write_subscribe(out_, options_.version, subscribe_id, filters);
  if (most_bytes == 0 || out_.size() - before <= most_bytes) {
    phase_ = phase::subscribing;
    return true;
  }
  out_.resize(before); // [MQTT-3.2.2-15]
  closure_ = closure{reason::packet_too_large, true, false,
                     "the broker takes no packet as large as our subscription"};
  phase_ = phase::closed;
  return false;
}

bool session::take_suback(const frame& packet) {
  suback answer;
  if (const auto wrong = read(packet, options_.version, answer)) return broken(*wrong);
  if (phase_ != phase::subscribing || answer.packet_id != subscribe_id)
    return broken({reason::protocol_error, "a SUBACK for nothing we asked"});
  if (answer.codes.size() != options_.subscriptions.size())
    return broken({reason::protocol_error, "a SUBACK with another number of codes than filters"});
  denied_.clear();
  for (std::size_t i = 0; i < answer.codes.size(); ++i) {
    const auto code = static_cast<std::uint8_t>(answer.codes[i]);
    const auto asked = std::min<std::uint8_t>(2, options_.subscriptions[i].qos);
    if (code < 0x80 && code >= asked) continue;
    denied_ += (denied_.empty() ? "" : ", ") + options_.subscriptions[i].filter;
    if (code < 0x80)
      denied_.append(" (only QoS ").append(std::to_string(code)).append(1, ')');
    else if (options_.version == 5)
      denied_.append(" (").append(to_string(static_cast<reason>(code))).append(1, ')');
  }
  phase_ = phase::established;
  return true;
}

bool session::take_disconnect(const frame& packet) {
  disconnect said;
  if (const auto wrong = read(packet, options_.version, said)) return broken(*wrong);
  std::string why = to_string(said.code);
  if (!said.reason_text.empty()) why.append(": ").append(said.reason_text);
  if (!said.server_reference.empty())
    why.append(" (it names another server: ").append(said.server_reference).append(1, ')');
  closure_ = closure{said.code, said.code == reason::not_authorized, false,
                     "the broker ended the connection: " + why};
  phase_ = phase::closed;
  return false;
}

void session::pass_time(std::int64_t now_ns) {
  now_ns_ = now_ns;
  if (phase_ != phase::established && phase_ != phase::subscribing) return;
  if (keep_alive_ns_ == 0) return;
  if (blocked_ && ping_ns_) ping_ns_ = now_ns; // the answer may lie unread in the socket
  const auto patience = std::max(keep_alive_ns_ / 2, least_ping_patience_ns);
  if (ping_ns_ && now_ns - *ping_ns_ > patience)
    return close(reason::keep_alive_timeout, "the broker does not answer a ping");
  // three quarters: the broker must have it before the whole time is over
  if (now_ns - sent_ns_ < keep_alive_ns_ / 4 * 3) return;
  write_ping(out_);
  sent_ns_ = now_ns;
  if (!ping_ns_) ping_ns_ = now_ns;
}

void session::leave() {
  if (phase_ == phase::closed) return;
  close(reason::success, "left in good order");
}

void session::close(reason code, std::string text) {
  if (phase_ == phase::closed) return;
  if (phase_ == phase::established || phase_ == phase::subscribing)
    write_disconnect(out_, options_.version, code);
  closure_ = closure{code, false, false, std::move(text)};
  phase_ = phase::closed;
}

bool session::broken(const defect& what) {
  close(what.code, std::string("the broker sent ") + what.what + " (" + to_string(what.code) + ")");
  return false;
}

// QoS 1: only what the broker may send again on the next connection, as an id may stand for another
// message after it; should it come later still, it is taken twice. QoS 2: an id stands for one
// message until it is released.
void session::carry() {
  const bool lost = closure_ && closure_->batch_lost;
  if (accepted_)
    std::erase_if(memory_.carried, [](const auto& one) { return one.second.qos == 1; });
  for (const auto& e : ledger_.entries()) memory_.carried[e.packet_id] = e;
  if (lost) {
    // what has no ticket was in no batch
    std::erase_if(memory_.carried, [this](const auto& one) {
      if (one.second.first.value == 0) return false;
      if (one.second.qos == 2) memory_.release(one.first);
      return true;
    });
  }
  ledger_.clear();
  waiting_once_ = 0;
}

} // namespace pollux::bridge::mqtt
