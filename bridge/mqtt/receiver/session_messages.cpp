// SPDX-License-Identifier: Apache-2.0
// Messages in, acknowledgements out. This is the hot path: no allocation for a good message
// without a topic alias, and no packet is looked at twice unless the node takes no more.
#include "bridge/mqtt/receiver/session.hpp"
#include <algorithm>

namespace pollux::bridge::mqtt {

namespace {

/// Kept of a message that is too large: room for its topic, its properties and what quarantine
/// shows of it.
constexpr std::size_t kept_bytes = 256 * 1024;

/// The whole size of the packet at the start of `bytes`, or 0 when its header is not whole yet.
std::uint64_t announced_size(std::string_view bytes, std::size_t& header) {
  std::uint64_t length = 0;
  for (std::size_t i = 1; i < 5 && i < bytes.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(bytes[i]);
    length |= std::uint64_t{byte & 0x7Fu} << (7 * (i - 1));
    if (byte < 0x80) {
      header = i + 1;
      return header + length;
    }
  }
  return 0;
}

constexpr std::size_t largest_packet = 268'435'455 + 5;
constexpr std::size_t most_packet_ids = 65'535;

} // namespace

std::size_t session::receive(std::string_view bytes, std::int64_t now_ns, std::int64_t wall_ns) {
  now_ns_ = now_ns;
  wall_ns_ = std::max(wall_ns_, wall_ns);
  blocked_.reset();
  std::size_t used = 0;
  while (phase_ != phase::closed && used < bytes.size()) {
    if (skip_ > 0) {
      const auto step =
          static_cast<std::size_t>(std::min<std::uint64_t>(skip_, bytes.size() - used));
      skip_ -= step;
      used += step;
      continue;
    }
    frame packet;
    defect wrong;
    const auto rest = bytes.substr(used);
    const auto found = next_frame(rest, largest_packet, packet, wrong);
    if (found == framing::broken) {
      broken(wrong);
      break;
    }
    if (found == framing::partial) {
      used += begin_to_skip(rest);
      if (skip_ == 0) break;
      continue;
    }
    if (!take(packet)) break;
    used += packet.size;
  }
  return used;
}

// A message that will never fit: its beginning is handed on, the rest is passed over as it comes.
std::size_t session::begin_to_skip(std::string_view bytes) {
  std::size_t header = 0;
  const auto size = announced_size(bytes, header);
  if (size <= options_.max_message_bytes) return 0;
  if (static_cast<std::uint8_t>(bytes[0]) >> 4 != static_cast<std::uint8_t>(packet_type::publish)) {
    broken(
        {reason::packet_too_large, "a packet without a message that is larger than any message"});
    return 0;
  }
  if (bytes.size() < std::min<std::uint64_t>(kept_bytes, size)) return 0;
  frame packet;
  packet.type = packet_type::publish;
  packet.flags = static_cast<std::uint8_t>(bytes[0]) & 0x0Fu;
  packet.body = bytes.substr(header);
  packet.size = bytes.size();
  if (phase_ == phase::connecting) {
    broken({reason::protocol_error, "something before CONNACK"});
    return 0;
  }
  if (!take_publish(packet, size - bytes.size())) return 0;
  skip_ = size - bytes.size();
  return bytes.size();
}

bool session::take_publish(const frame& packet, std::uint64_t cut_bytes) {
  publish message;
  if (const auto wrong = read(packet, options_.version, message)) return broken(*wrong);
  if (options_.version == 5 && !resolve_alias(message)) return false;
  if (message.qos == 0) return hand_on(message, cut_bytes);
  if (take_again(message)) return true;
  // Not receive_maximum: after a reconnect mosquitto 2.0 sends a session's backlog again without
  // counting, and who left it for that would never get out of it. This bound is memory's.
  if (waiting_once_ + here_count_ >= most_packet_ids)
    return broken({reason::receive_maximum_exceeded, "more messages at once than there are ids"});
  return hand_on(message, cut_bytes);
}

bool session::resolve_alias(publish& message) {
  if (message.topic_alias == 0) return true;
  if (message.topic_alias >= aliases_.size())
    return broken({reason::topic_alias_invalid, "a topic alias above the number we allowed"});
  auto& known = aliases_[message.topic_alias];
  if (!message.topic.empty())
    known.assign(message.topic);
  else if (known.empty())
    return broken({reason::protocol_error, "a topic alias that stands for nothing yet"});
  message.topic = known;
  return true;
}

// What was taken before and comes again: the broker had no acknowledgement. True when it is known.
bool session::take_again(const publish& message) {
  const bool known_twice = message.qos == 2 && memory_.holds(message.packet_id);
  if (!message.duplicate && !known_twice) return false;
  const auto carried = memory_.carried.find(message.packet_id);
  if (carried != memory_.carried.end() && carried->second.qos == message.qos) {
    const auto entry = carried->second;
    memory_.carried.erase(carried);
    wait(entry);
    return true;
  }
  if (!known_twice) return false;
  if (!waiting_twice_.test(message.packet_id))
    wait({{}, {}, messages::durability::d0, 2, message.packet_id});
  return true;
}

bool session::hand_on(const publish& message, std::uint64_t cut_bytes) {
  if (!inlet_.has_credit()) {
    blocked_ = errc::overloaded;
    return false;
  }
  arrival in;
  in.topic = message.topic;
  in.payload = message.payload;
  in.payload_bytes = message.payload.size() + cut_bytes;
  in.received_ns = wall_ns_ + 1;
  in.qos = message.qos;
  in.retained = message.retain;
  in.duplicate = message.duplicate;
  in.correlation_data = message.correlation_data;
  in.content_type = message.content_type;
  if (!message.user_properties.empty())
    in.traceparent = user_property(message.user_properties, "traceparent");
  const auto verdict = handler_.handle(in);
  if (verdict.what == disposition::retry) {
    blocked_ = verdict.why;
    return false;
  }
  ++wall_ns_;
  ++messages_;
  if (message.qos == 0) return true;
  ack_ledger::entry entry;
  entry.qos = message.qos;
  entry.packet_id = message.packet_id;
  entry.durability = verdict.durability;
  if (verdict.what == disposition::submitted) {
    entry.first = verdict.first;
    entry.last = verdict.ticket;
  }
  memory_.carried.erase(message.packet_id); // the id stands for this message now
  if (message.qos == 2) memory_.hold(message.packet_id);
  wait(entry);
  return true;
}

void session::wait(const ack_ledger::entry& e) {
  ledger_.add(e);
  if (e.qos == 1) {
    ++waiting_once_;
    return;
  }
  waiting_twice_.set(e.packet_id);
  if (!here_.test(e.packet_id)) ++here_count_;
  here_.set(e.packet_id);
}

bool session::take_release(const frame& packet) {
  acknowledgement release;
  if (const auto wrong = read(packet, options_.version, release)) return broken(*wrong);
  const auto id = release.packet_id;
  // the broker cannot have our PUBREC: a PUBCOMP now would be one for what may not be durable
  if (waiting_twice_.test(id))
    return broken({reason::protocol_error, "a PUBREL for a message we have not acknowledged"});
  const bool known = memory_.holds(id);
  memory_.release(id);
  memory_.carried.erase(id);
  if (here_.test(id)) --here_count_;
  here_.reset(id);
  write_acknowledgement(out_, options_.version, packet_type::pubcomp, id,
                        known ? reason::success : reason::packet_id_not_found);
  sent_ns_ = now_ns_;
  return true;
}

void session::acknowledge() {
  if (ledger_.empty() || phase_ == phase::closed) return;
  const auto at = watermarks::of(inlet_);
  if (ledger_.settle(at, [this](const ack_ledger::entry& e) { say(e); })) return;
  close(reason::unspecified, "the journal could not write what the broker sent");
  closure_->batch_lost = true;
}

void session::say(const ack_ledger::entry& e) {
  const auto type = e.qos == 2 ? packet_type::pubrec : packet_type::puback;
  write_acknowledgement(out_, options_.version, type, e.packet_id);
  if (e.qos == 1)
    --waiting_once_;
  else
    waiting_twice_.reset(e.packet_id);
  ++acknowledged_;
  sent_ns_ = now_ns_;
}

} // namespace pollux::bridge::mqtt
