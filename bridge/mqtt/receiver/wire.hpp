// SPDX-License-Identifier: Apache-2.0
// What MQTT's data types look like on the wire: integers, variable byte integers, strings and the
// properties of MQTT 5. Everything is taken from the front of bytes that have come, and every
// length is checked against them.
#pragma once
#include "bridge/mqtt/receiver/packet.hpp"

namespace pollux::bridge::mqtt {

/// Well-formed UTF-8 without surrogates and without U+0000 [MQTT-1.5.4-1, MQTT-1.5.4-2].
/// Cost: about 1 ns for each 8 bytes of ASCII.
[[nodiscard]] bool is_text(std::string_view bytes) noexcept;

/// is_text() and without the wildcards + and # [MQTT-3.3.2-2].
[[nodiscard]] bool is_topic_name(std::string_view bytes) noexcept;

/// Each take gives false, and may leave the reader anywhere, when the bytes do not suffice.
class wire_reader {
public:
  explicit wire_reader(std::string_view bytes) noexcept : rest_(bytes) {}

  [[nodiscard]] bool empty() const noexcept { return rest_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return rest_.size(); }
  [[nodiscard]] std::string_view rest() const noexcept { return rest_; }

  [[nodiscard]] bool take(std::size_t count, std::string_view& out) noexcept {
    if (rest_.size() < count) return false;
    out = std::string_view(rest_.data(), count);
    rest_.remove_prefix(count);
    return true;
  }
  [[nodiscard]] bool take_u8(std::uint8_t& out) noexcept {
    if (rest_.empty()) return false;
    out = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return true;
  }
  [[nodiscard]] bool take_u16(std::uint16_t& out) noexcept {
    if (rest_.size() < 2) return false;
    out = static_cast<std::uint16_t>(byte(0) << 8 | byte(1));
    rest_.remove_prefix(2);
    return true;
  }
  [[nodiscard]] bool take_u32(std::uint32_t& out) noexcept {
    if (rest_.size() < 4) return false;
    out = byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3);
    rest_.remove_prefix(4);
    return true;
  }
  /// Of one to four bytes, and of no more than the value needs [MQTT-1.5.5-1].
  [[nodiscard]] bool take_variable(std::uint32_t& out) noexcept;
  /// A length of two bytes and as many bytes.
  [[nodiscard]] bool take_binary(std::string_view& out) noexcept {
    std::uint16_t length = 0;
    return take_u16(length) && take(length, out);
  }

private:
  [[nodiscard]] std::uint32_t byte(std::size_t at) const noexcept {
    return static_cast<unsigned char>(rest_[at]);
  }

  std::string_view rest_;
};

enum class property_id : std::uint8_t {
  none = 0,
  payload_format = 0x01,
  message_expiry = 0x02,
  content_type = 0x03,
  response_topic = 0x08,
  correlation_data = 0x09,
  subscription_id = 0x0B,
  session_expiry = 0x11,
  assigned_client_id = 0x12,
  server_keep_alive = 0x13,
  authentication_method = 0x15,
  authentication_data = 0x16,
  request_problems = 0x17,
  will_delay = 0x18,
  request_response = 0x19,
  response_information = 0x1A,
  server_reference = 0x1C,
  reason_text = 0x1F,
  receive_maximum = 0x21,
  topic_alias_maximum = 0x22,
  topic_alias = 0x23,
  maximum_qos = 0x24,
  retain_available = 0x25,
  user = 0x26,
  maximum_packet_size = 0x27,
  wildcards_available = 0x28,
  subscription_ids_available = 0x29,
  shared_available = 0x2A,
};

/// The properties that a packet may have: one bit an id, all of which are below 64.
template <class... Ids> [[nodiscard]] constexpr std::uint64_t property_set(Ids... ids) noexcept {
  return ((std::uint64_t{1} << static_cast<unsigned>(ids)) | ...);
}

struct property {
  property_id id = property_id::none;
  std::uint32_t number = 0;
  std::string_view text; ///< a string or bytes; of a user property its value
  std::string_view name; ///< of a user property
};

/// The properties of one packet, in their order.
class property_reader {
public:
  explicit property_reader(std::uint64_t allowed) noexcept : allowed_(allowed) {}
  /// Of bytes as bytes() gave them, so that open() is not needed.
  property_reader(std::uint64_t allowed, std::string_view bytes) noexcept
      : allowed_(allowed), bytes_(bytes), in_(bytes) {}

  /// Takes the property length and that many bytes from `in`.
  [[nodiscard]] std::optional<defect> open(wire_reader& in) noexcept;
  /// False at the end, or when something is wrong: then wrong() says what.
  [[nodiscard]] bool next(property& out) noexcept;
  [[nodiscard]] const std::optional<defect>& wrong() const noexcept { return wrong_; }
  /// What open() took, without its length.
  [[nodiscard]] std::string_view bytes() const noexcept { return bytes_; }

private:
  [[nodiscard]] std::optional<defect> read(property& out) noexcept;

  std::uint64_t allowed_, seen_ = 0;
  std::string_view bytes_;
  wire_reader in_{std::string_view()};
  std::optional<defect> wrong_;
};

} // namespace pollux::bridge::mqtt
