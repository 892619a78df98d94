// SPDX-License-Identifier: Apache-2.0
// Reads what a broker sends. Strict: whatever the texts call malformed or a protocol error is
// refused here, so that the session meets well-formed packets only.
#include "bridge/mqtt/receiver/wire.hpp"
#include <array>

namespace pollux::bridge::mqtt {
namespace {

using enum property_id;

constexpr defect malformed(const char* what) noexcept { return {reason::malformed_packet, what}; }
constexpr defect forbidden(const char* what) noexcept { return {reason::protocol_error, what}; }

/// By the first byte: what is wrong with it, or null.
constexpr std::array<const char*, 256> make_first_bytes() noexcept {
  std::array<const char*, 256> out{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    const auto type = byte >> 4, flags = byte & 0x0F;
    auto& wrong = out[byte];
    if (type == 0) {
      wrong = "packet type 0 is reserved";
    } else if (type == static_cast<unsigned>(packet_type::publish)) {
      if ((flags & 6) == 6) wrong = "a PUBLISH with both QoS bits set";
      if ((flags & 0x0E) == 8) wrong = "a PUBLISH at QoS 0 marked as sent again";
    } else if (type == static_cast<unsigned>(packet_type::pubrel) ||
               type == static_cast<unsigned>(packet_type::subscribe) ||
               type == static_cast<unsigned>(packet_type::unsubscribe)) {
      if (flags != 2) wrong = "reserved flags that are not 0010";
    } else if (flags != 0) {
      wrong = "reserved flags that are set";
    }
  }
  return out;
}

constexpr auto first_bytes = make_first_bytes();

/// A set of reason codes.
class code_set {
public:
  template <class... Codes> constexpr explicit code_set(Codes... codes) noexcept {
    ((words_[static_cast<std::size_t>(codes) / 64] |= std::uint64_t{1} << (codes % 64)), ...);
  }
  [[nodiscard]] constexpr bool has(std::uint8_t code) const noexcept {
    return (words_[code / 64] >> (code % 64) & 1) != 0;
  }

private:
  std::array<std::uint64_t, 4> words_{};
};

constexpr code_set connack_codes(0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89,
                                 0x8A, 0x8C, 0x90, 0x95, 0x97, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9F);
constexpr code_set received_codes(0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99);
constexpr code_set release_codes(0x00, 0x92);
constexpr code_set suback_codes(0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1,
                                0xA2);
constexpr code_set suback_codes_v4(0x00, 0x01, 0x02, 0x80);
constexpr code_set unsuback_codes(0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91);
/// Those that a server may say.
constexpr code_set disconnect_codes(0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8D, 0x8E,
                                    0x8F, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A,
                                    0x9B, 0x9C, 0x9D, 0x9E, 0x9F, 0xA0, 0xA1, 0xA2);

constexpr auto publish_properties =
    property_set(payload_format, message_expiry, content_type, response_topic, correlation_data,
                 subscription_id, topic_alias, user);
/// The authentication's two belong to it, but may not come: we ask for none [MQTT-4.12.0-6].
constexpr auto connack_properties = property_set(
    session_expiry, assigned_client_id, server_keep_alive, response_information, server_reference,
    reason_text, receive_maximum, topic_alias_maximum, maximum_qos, retain_available, user,
    maximum_packet_size, wildcards_available, subscription_ids_available, shared_available,
    authentication_method, authentication_data);
constexpr auto answer_properties = property_set(reason_text, user);
constexpr auto disconnect_properties =
    property_set(session_expiry, server_reference, reason_text, user);

/// Those of a packet that has reason text and user properties only.
std::optional<defect> read_answer_properties(wire_reader& in, std::string_view* text) noexcept {
  property_reader properties(answer_properties);
  if (const auto wrong = properties.open(in)) return wrong;
  property one;
  while (properties.next(one))
    if (text != nullptr && one.id == reason_text) *text = one.text;
  return properties.wrong();
}

bool take_packet_id(wire_reader& in, std::uint16_t& out) noexcept {
  return in.take_u16(out) && out != 0;
}

std::optional<defect> read_publish_properties(wire_reader& in, publish& out) noexcept {
  property_reader properties(publish_properties);
  if (const auto wrong = properties.open(in)) return wrong;
  property one;
  while (properties.next(one)) {
    switch (one.id) {
    case payload_format: out.payload_is_text = one.number == 1; break;
    case content_type: out.content_type = one.text; break;
    case response_topic: out.response_topic = one.text; break;
    case correlation_data: out.correlation_data = one.text; break;
    case topic_alias: out.topic_alias = static_cast<std::uint16_t>(one.number); break;
    case user: out.user_properties = properties.bytes(); break;
    default: break; // message expiry counts in the broker; we ask for no subscription identifiers
    }
  }
  return properties.wrong();
}

std::optional<defect> set_property(const property& one, connack& out) noexcept {
  const auto two = static_cast<std::uint16_t>(one.number);
  const bool yes = one.number == 1;
  switch (one.id) {
  case session_expiry: out.session_expiry_s = one.number; break;
  case assigned_client_id: out.assigned_client_id = one.text; break;
  case server_keep_alive: out.server_keep_alive_s = two; break;
  case server_reference: out.server_reference = one.text; break;
  case reason_text: out.reason_text = one.text; break;
  case receive_maximum: out.receive_maximum = two; break;
  case topic_alias_maximum: out.topic_alias_maximum = two; break;
  case maximum_qos: out.maximum_qos = static_cast<std::uint8_t>(one.number); break;
  case retain_available: out.retain = yes; break;
  case maximum_packet_size: out.maximum_packet_size = one.number; break;
  case wildcards_available: out.wildcards = yes; break;
  case shared_available: out.shared = yes; break;
  case authentication_method:
  case authentication_data: return forbidden("a CONNACK with an authentication not asked for");
  default: break;
  }
  return std::nullopt;
}

std::optional<defect> read_connack_properties(wire_reader& in, connack& out) noexcept {
  property_reader properties(connack_properties);
  if (const auto wrong = properties.open(in)) return wrong;
  property one;
  while (properties.next(one))
    if (const auto wrong = set_property(one, out)) return wrong;
  return properties.wrong();
}

const code_set& codes_of(packet_type type) noexcept {
  return type == packet_type::puback || type == packet_type::pubrec ? received_codes
                                                                    : release_codes;
}

std::optional<defect> read_unsuback(wire_reader& in, acknowledgement& out) noexcept {
  if (const auto wrong = read_answer_properties(in, nullptr)) return wrong;
  if (in.empty()) return forbidden("an UNSUBACK without a reason code");
  for (const char c : in.rest()) {
    const auto code = static_cast<std::uint8_t>(c);
    if (!unsuback_codes.has(code)) return forbidden("a reason code that an UNSUBACK has not");
    if (code >= 0x80 && out.code == reason::success) out.code = static_cast<reason>(code);
  }
  return std::nullopt;
}

} // namespace

framing next_frame(std::string_view bytes, std::size_t max_packet_bytes, frame& out,
                   defect& wrong) noexcept {
  if (bytes.empty()) return framing::partial;
  const auto first = static_cast<unsigned char>(bytes.front());
  if (const auto* what = first_bytes[first]) {
    wrong = malformed(what);
    return framing::broken;
  }
  std::size_t length = 0, at = 1;
  for (unsigned shift = 0;; shift += 7, ++at) {
    if (at == bytes.size()) return framing::partial;
    const auto next = static_cast<unsigned char>(bytes[at]);
    length |= std::size_t{next & 0x7Fu} << shift;
    if (next < 0x80) break;
    if (at == 4) {
      wrong = malformed("a remaining length of more than four bytes");
      return framing::broken;
    }
  }
  ++at;
  out.type = static_cast<packet_type>(first >> 4);
  out.flags = first & 0x0F;
  out.size = at + length;
  if (length != 0 && (out.type == packet_type::pingresp || out.type == packet_type::pingreq)) {
    wrong = malformed("a ping with a body");
    return framing::broken;
  }
  if (out.size > max_packet_bytes) {
    wrong = {reason::packet_too_large, "a packet above the maximum packet size"};
    return framing::broken;
  }
  if (bytes.size() < out.size) return framing::partial;
  out.body = std::string_view(bytes.data() + at, length);
  return framing::whole;
}

std::optional<defect> read(const frame& in, unsigned version, publish& out) noexcept {
  if (in.type != packet_type::publish) return forbidden("not a PUBLISH");
  if (const auto* what = first_bytes[0x30u | (in.flags & 0x0Fu)]) return malformed(what);
  out = {};
  out.retain = (in.flags & 1) != 0;
  out.duplicate = (in.flags & 8) != 0;
  out.qos = static_cast<std::uint8_t>(in.flags >> 1 & 3);
  wire_reader body(in.body);
  if (!body.take_binary(out.topic)) return malformed("a PUBLISH cut in its topic");
  if (!is_topic_name(out.topic)) return malformed("a topic that is not UTF-8 or has a wildcard");
  if (out.qos > 0 && !take_packet_id(body, out.packet_id))
    return malformed("a PUBLISH above QoS 0 without a packet id");
  if (version >= 5)
    if (const auto wrong = read_publish_properties(body, out)) return wrong;
  if (out.topic.empty() && out.topic_alias == 0)
    return forbidden("a PUBLISH without a topic and without an alias");
  out.payload = body.rest();
  return std::nullopt;
}

std::optional<defect> read(const frame& in, unsigned version, connack& out) noexcept {
  if (in.type != packet_type::connack) return forbidden("not a CONNACK");
  out = {};
  wire_reader body(in.body);
  std::uint8_t flags = 0;
  if (!body.take_u8(flags) || !body.take_u8(out.code)) return malformed("a CONNACK that is cut");
  if (flags > 1) return malformed("a CONNACK with reserved flags");
  out.session_present = flags == 1;
  if (version >= 5) {
    // a broker of 3.1.1 alone answers so, without properties
    if (out.code == 1 && body.empty()) return forbidden("the broker does not speak MQTT 5");
    if (!connack_codes.has(out.code)) return forbidden("a reason code that a CONNACK has not");
    if (const auto wrong = read_connack_properties(body, out)) return wrong;
  } else if (out.code > 5) {
    return forbidden("a reserved return code");
  }
  if (!body.empty()) return malformed("bytes behind a CONNACK");
  if (out.session_present && out.code != 0)
    return forbidden("a refused connection with a session present");
  return std::nullopt;
}

std::optional<defect> read(const frame& in, unsigned version, suback& out) noexcept {
  if (in.type != packet_type::suback) return forbidden("not a SUBACK");
  out = {};
  wire_reader body(in.body);
  if (!take_packet_id(body, out.packet_id)) return malformed("a SUBACK without a packet id");
  if (version >= 5)
    if (const auto wrong = read_answer_properties(body, &out.reason_text)) return wrong;
  out.codes = body.rest();
  if (out.codes.empty()) return forbidden("a SUBACK without a reason code");
  const auto& allowed = version >= 5 ? suback_codes : suback_codes_v4;
  for (const char code : out.codes)
    if (!allowed.has(static_cast<std::uint8_t>(code)))
      return forbidden("a reason code that a SUBACK has not");
  return std::nullopt;
}

std::optional<defect> read(const frame& in, unsigned version, acknowledgement& out) noexcept {
  const bool unsuback = in.type == packet_type::unsuback;
  if (!unsuback && (in.type < packet_type::puback || in.type > packet_type::pubcomp))
    return forbidden("not an acknowledgement");
  out = {};
  wire_reader body(in.body);
  if (!take_packet_id(body, out.packet_id))
    return malformed("an acknowledgement without a packet id");
  if (version >= 5 && unsuback) return read_unsuback(body, out);
  if (version >= 5 && !body.empty()) {
    std::uint8_t code = 0;
    static_cast<void>(body.take_u8(code)); // there is one
    if (!codes_of(in.type).has(code))
      return forbidden("a reason code that this acknowledgement has not");
    out.code = static_cast<reason>(code);
    if (!body.empty())
      if (const auto wrong = read_answer_properties(body, nullptr)) return wrong;
  }
  if (!body.empty()) return malformed("bytes behind an acknowledgement");
  return std::nullopt;
}

std::optional<defect> read(const frame& in, unsigned version, disconnect& out) noexcept {
  if (in.type != packet_type::disconnect) return forbidden("not a DISCONNECT");
  if (version < 5) return forbidden("a server of 3.1.1 sends no DISCONNECT");
  out = {};
  wire_reader body(in.body);
  std::uint8_t code = 0;
  if (!body.take_u8(code)) return std::nullopt; // no body: a normal end
  if (!disconnect_codes.has(code)) return forbidden("a reason code that a server cannot give");
  out.code = static_cast<reason>(code);
  if (body.empty()) return std::nullopt;
  property_reader properties(disconnect_properties);
  if (const auto wrong = properties.open(body)) return wrong;
  property one;
  while (properties.next(one)) {
    if (one.id == session_expiry) return forbidden("a session expiry in a server's DISCONNECT");
    if (one.id == reason_text) out.reason_text = one.text;
    if (one.id == server_reference) out.server_reference = one.text;
  }
  if (properties.wrong()) return properties.wrong();
  if (!body.empty()) return malformed("bytes behind a DISCONNECT");
  return std::nullopt;
}

std::string_view user_property(std::string_view wire, std::string_view name) noexcept {
  property_reader properties(publish_properties, wire);
  property one;
  while (properties.next(one))
    if (one.id == user && one.name == name) return one.text;
  return {};
}

} // namespace pollux::bridge::mqtt
