// SPDX-License-Identifier: Apache-2.0
// MQTT 3.1.1 and 5 packets as a subscriber meets them: what comes in is read without a copy, what
// goes out is appended to a buffer. Pure: no socket, no clock, no state. Numbers in [brackets] are
// those of the normative statements of the two OASIS texts.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::bridge::mqtt {

enum class packet_type : std::uint8_t {
  connect = 1,
  connack = 2,
  publish = 3,
  puback = 4,
  pubrec = 5,
  pubrel = 6,
  pubcomp = 7,
  subscribe = 8,
  suback = 9,
  unsubscribe = 10,
  unsuback = 11,
  pingreq = 12,
  pingresp = 13,
  disconnect = 14,
  auth = 15,
};

/// MQTT 5 reason codes that a subscriber says, or must tell apart. Others keep their number.
enum class reason : std::uint8_t {
  success = 0x00,
  unspecified = 0x80,
  malformed_packet = 0x81,
  protocol_error = 0x82,
  not_authorized = 0x87,
  server_busy = 0x88,
  server_shutting_down = 0x8B,
  keep_alive_timeout = 0x8D,
  session_taken_over = 0x8E,
  packet_id_not_found = 0x92,
  receive_maximum_exceeded = 0x93,
  topic_alias_invalid = 0x94,
  packet_too_large = 0x95,
  quota_exceeded = 0x97,
  server_moved = 0x9D,
};

/// The code's name in MQTT 5, for people; "unknown reason" when the text has no such code.
[[nodiscard]] const char* to_string(reason code) noexcept;

/// Why a CONNACK refuses, for people: with 3.1.1 its return codes 1 to 5, else to_string().
[[nodiscard]] const char* connect_refusal(unsigned version, std::uint8_t code) noexcept;

/// What is wrong with a packet, and what to tell the broker when closing. `what` is a literal.
struct defect {
  reason code = reason::malformed_packet;
  const char* what = "";
};

/// One whole packet in the bytes received.
struct frame {
  packet_type type = packet_type::connect;
  std::uint8_t flags = 0; ///< low four bits of the first byte
  std::string_view body;  ///< after the remaining length
  std::size_t size = 0;   ///< of the whole packet, header included
};

enum class framing : std::uint8_t { whole, partial, broken };

/// Looks for one packet at the start of `bytes`. partial: not all of it has come yet. broken: it
/// can never become a packet (reserved type or flags, a remaining length of five bytes, a ping with
/// a body, a size above `max_packet_bytes`): then `wrong` says why, as soon as the bytes that show
/// it have come. What only a client sends is whole too: the session refuses it. Cost: some ns, no
/// allocation.
[[nodiscard]] framing next_frame(std::string_view bytes, std::size_t max_packet_bytes, frame& out,
                                 defect& wrong) noexcept;

struct publish {
  std::string_view topic; ///< empty only with a topic alias
  std::string_view payload;
  std::uint16_t packet_id = 0; ///< 0 at QoS 0
  std::uint8_t qos = 0;
  bool retain = false, duplicate = false;
  // MQTT 5, else empty or 0
  std::uint16_t topic_alias = 0;
  bool payload_is_text = false;
  std::string_view content_type, correlation_data, response_topic;
  std::string_view user_properties; ///< as on the wire, for user_property(); empty = has none
};
struct connack {
  bool session_present = false;
  std::uint8_t code = 0; ///< MQTT 5: a reason; 3.1.1: a return code 0 to 5
  std::uint16_t receive_maximum = 65'535, topic_alias_maximum = 0;
  std::uint8_t maximum_qos = 2;
  bool wildcards = true, shared = true, retain = true;
  std::uint32_t maximum_packet_size = 0; ///< 0 = no limit
  std::optional<std::uint32_t> session_expiry_s;
  std::optional<std::uint16_t> server_keep_alive_s;
  std::string_view assigned_client_id, reason_text, server_reference;
};
struct suback {
  std::uint16_t packet_id = 0;
  std::string_view codes; ///< one byte a filter, in the order asked; 0x80 and above = refused
  std::string_view reason_text;
};
/// PUBREL, PUBACK, PUBREC, PUBCOMP, UNSUBACK.
struct acknowledgement {
  std::uint16_t packet_id = 0;
  reason code = reason::success; ///< of an UNSUBACK: the first that refuses, if any
};
struct disconnect {
  reason code = reason::success;
  std::string_view reason_text, server_reference;
};

/// Each reads one packet's body whole; the views live as long as the frame's bytes. `version` is 4
/// (3.1.1) or 5. Gives what is wrong, if anything: then `out` is not to be used. A frame of another
/// type is a protocol error. malformed_packet: its bytes make no such packet; protocol_error: they
/// do, but say what a broker may not say. Cost of a publish without properties: below 30 ns, no
/// allocation.
[[nodiscard]] std::optional<defect> read(const frame& in, unsigned version, publish& out) noexcept;
[[nodiscard]] std::optional<defect> read(const frame& in, unsigned version, connack& out) noexcept;
[[nodiscard]] std::optional<defect> read(const frame& in, unsigned version, suback& out) noexcept;
[[nodiscard]] std::optional<defect> read(const frame& in, unsigned version,
                                         acknowledgement& out) noexcept;
[[nodiscard]] std::optional<defect> read(const frame& in, unsigned version,
                                         disconnect& out) noexcept;

/// The first user property of that name, or empty. `wire` was accepted by read().
[[nodiscard]] std::string_view user_property(std::string_view wire, std::string_view name) noexcept;

struct connect_request {
  unsigned version = 5; ///< 4 or 5
  std::string_view client_id, username, password;
  bool clean_start = false;
  std::uint16_t keep_alive_s = 30, receive_maximum = 0; ///< 0 = not sent
  std::uint16_t topic_alias_maximum = 0;
  std::uint32_t session_expiry_s = 0, maximum_packet_size = 0; ///< 0 = not sent
};
struct subscribe_filter {
  std::string_view filter;
  std::uint8_t qos = 0;             ///< 0 to 2
  std::uint8_t retain_handling = 0; ///< MQTT 5: 0 send, 1 send when new, 2 do not send
  bool retain_as_published = false; ///< MQTT 5
  bool no_local = false;            ///< MQTT 5; never with a shared subscription
};

// Each appends one packet. Texts above 65,535 bytes are the caller's mistake and are cut there, at
// a whole character.
/// An empty name or password is not sent, but 3.1.1 has no password without a name
/// [MQTT-3.1.2-22]: then an empty name goes with it.
void write_connect(std::string& out, const connect_request& request);
/// Nothing without a filter [MQTT-3.8.3-2]. no_local is left out of a shared subscription
/// [MQTT-3.8.3-4].
void write_subscribe(std::string& out, unsigned version, std::uint16_t packet_id,
                     const std::vector<subscribe_filter>& filters);
/// PUBACK, PUBREC or PUBCOMP (and PUBREL): 4 bytes when the code is success, or with 3.1.1.
void write_acknowledgement(std::string& out, unsigned version, packet_type type,
                           std::uint16_t packet_id, reason code = reason::success);
void write_ping(std::string& out);
void write_disconnect(std::string& out, unsigned version, reason code = reason::success);

} // namespace pollux::bridge::mqtt
