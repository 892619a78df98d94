// SPDX-License-Identifier: Apache-2.0
// Writes what a subscriber sends, and names codes for people.
#include "bridge/mqtt/receiver/wire.hpp"

namespace pollux::bridge::mqtt {
namespace {

constexpr std::size_t max_text_bytes = 65'535;

/// Bytes as they fit a length of two bytes.
std::string_view fitting(std::string_view bytes) noexcept {
  return bytes.substr(0, max_text_bytes);
}

/// The same of a text: not cut within a character.
std::string_view fitting_text(std::string_view text) noexcept {
  if (text.size() <= max_text_bytes) return text;
  std::size_t end = max_text_bytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

void put_u8(std::string& out, unsigned value) { out += static_cast<char>(value); }

void put_u16(std::string& out, unsigned value) {
  put_u8(out, value >> 8 & 0xFF);
  put_u8(out, value & 0xFF);
}

void put_u32(std::string& out, std::uint32_t value) {
  put_u16(out, value >> 16);
  put_u16(out, value & 0xFFFF);
}

void put_variable(std::string& out, std::size_t value) {
  for (; value >= 0x80; value >>= 7) put_u8(out, static_cast<unsigned>(value & 0x7F) | 0x80u);
  put_u8(out, static_cast<unsigned>(value));
}

void put_bytes(std::string& out, std::string_view bytes) {
  put_u16(out, static_cast<unsigned>(bytes.size()));
  out += bytes;
}

void put_id(std::string& out, property_id id) { put_u8(out, static_cast<unsigned>(id)); }

void put_header(std::string& out, packet_type type, unsigned flags, std::size_t length) {
  put_u8(out, static_cast<unsigned>(type) << 4 | flags);
  put_variable(out, length);
}

std::string connect_properties(const connect_request& request) {
  std::string out;
  if (request.session_expiry_s != 0) {
    put_id(out, property_id::session_expiry);
    put_u32(out, request.session_expiry_s);
  }
  if (request.receive_maximum != 0) {
    put_id(out, property_id::receive_maximum);
    put_u16(out, request.receive_maximum);
  }
  if (request.maximum_packet_size != 0) {
    put_id(out, property_id::maximum_packet_size);
    put_u32(out, request.maximum_packet_size);
  }
  if (request.topic_alias_maximum != 0) {
    put_id(out, property_id::topic_alias_maximum);
    put_u16(out, request.topic_alias_maximum);
  }
  return out;
}

} // namespace

void write_connect(std::string& out, const connect_request& request) {
  const bool password = !request.password.empty();
  const bool name = !request.username.empty() || (password && request.version < 5);
  std::string body;
  put_bytes(body, "MQTT");
  put_u8(body, request.version);
  put_u8(body, (name ? 0x80u : 0u) | (password ? 0x40u : 0u) | (request.clean_start ? 0x02u : 0u));
  put_u16(body, request.keep_alive_s);
  if (request.version >= 5) {
    const auto properties = connect_properties(request);
    put_variable(body, properties.size());
    body += properties;
  }
  put_bytes(body, fitting_text(request.client_id));
  if (name) put_bytes(body, fitting_text(request.username));
  if (password) put_bytes(body, fitting(request.password));
  put_header(out, packet_type::connect, 0, body.size());
  out += body;
}

void write_subscribe(std::string& out, unsigned version, std::uint16_t packet_id,
                     const std::vector<subscribe_filter>& filters) {
  if (filters.empty()) return;
  std::string body;
  put_u16(body, packet_id);
  if (version >= 5) put_variable(body, 0);
  for (const auto& one : filters) {
    put_bytes(body, fitting_text(one.filter));
    unsigned options = one.qos & 3u;
    if (version >= 5) {
      if (one.no_local && !one.filter.starts_with("$share/")) options |= 0x04;
      if (one.retain_as_published) options |= 0x08;
      options |= (one.retain_handling & 3u) << 4;
    }
    put_u8(body, options);
  }
  put_header(out, packet_type::subscribe, 2, body.size());
  out += body;
}

void write_acknowledgement(std::string& out, unsigned version, packet_type type,
                           std::uint16_t packet_id, reason code) {
  const bool with_code = version >= 5 && code != reason::success;
  put_header(out, type, type == packet_type::pubrel ? 2 : 0, with_code ? 3 : 2);
  put_u16(out, packet_id);
  if (with_code) put_u8(out, static_cast<unsigned>(code));
}

void write_ping(std::string& out) { put_header(out, packet_type::pingreq, 0, 0); }

void write_disconnect(std::string& out, unsigned version, reason code) {
  const bool with_code = version >= 5 && code != reason::success;
  put_header(out, packet_type::disconnect, 0, with_code ? 1 : 0);
  if (with_code) put_u8(out, static_cast<unsigned>(code));
}

const char* connect_refusal(unsigned version, std::uint8_t code) noexcept {
  if (version >= 5) return to_string(static_cast<reason>(code));
  switch (code) {
  case 0: return "accepted";
  case 1: return "unacceptable protocol version";
  case 2: return "client identifier rejected";
  case 3: return "server not available";
  case 4: return "bad user name or password";
  case 5: return "not authorized";
  default: return "unknown return code";
  }
}

const char* to_string(reason code) noexcept {
  switch (static_cast<unsigned>(code)) {
  case 0x00: return "success";
  case 0x01: return "granted QoS 1";
  case 0x02: return "granted QoS 2";
  case 0x04: return "disconnect with will message";
  case 0x10: return "no matching subscribers";
  case 0x11: return "no subscription existed";
  case 0x18: return "continue authentication";
  case 0x19: return "re-authenticate";
  case 0x80: return "unspecified error";
  case 0x81: return "malformed packet";
  case 0x82: return "protocol error";
  case 0x83: return "implementation specific error";
  case 0x84: return "unsupported protocol version";
  case 0x85: return "client identifier not valid";
  case 0x86: return "bad user name or password";
  case 0x87: return "not authorized";
  case 0x88: return "server unavailable";
  case 0x89: return "server busy";
  case 0x8A: return "banned";
  case 0x8B: return "server shutting down";
  case 0x8C: return "bad authentication method";
  case 0x8D: return "keep alive timeout";
  case 0x8E: return "session taken over";
  case 0x8F: return "topic filter invalid";
  case 0x90: return "topic name invalid";
  case 0x91: return "packet identifier in use";
  case 0x92: return "packet identifier not found";
  case 0x93: return "receive maximum exceeded";
  case 0x94: return "topic alias invalid";
  case 0x95: return "packet too large";
  case 0x96: return "message rate too high";
  case 0x97: return "quota exceeded";
  case 0x98: return "administrative action";
  case 0x99: return "payload format invalid";
  case 0x9A: return "retain not supported";
  case 0x9B: return "QoS not supported";
  case 0x9C: return "use another server";
  case 0x9D: return "server moved";
  case 0x9E: return "shared subscriptions not supported";
  case 0x9F: return "connection rate exceeded";
  case 0xA0: return "maximum connect time";
  case 0xA1: return "subscription identifiers not supported";
  case 0xA2: return "wildcard subscriptions not supported";
  default: return "unknown reason";
  }
}

} // namespace pollux::bridge::mqtt
