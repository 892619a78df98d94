// SPDX-License-Identifier: Apache-2.0
// Nearly all texts on a wire are ASCII, so a text is looked at eight bytes at a time first, for any
// byte that needs a closer look; only then each byte is judged by the table of lead bytes.
#include "bridge/mqtt/receiver/wire.hpp"
#include <array>
#include <cstring>

namespace pollux::bridge::mqtt {
namespace {

constexpr std::uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;

/// The top bit of some byte is set if, and only if, some byte of `word` is zero.
constexpr std::uint64_t zero_byte(std::uint64_t word) noexcept {
  return (word - ones) & ~word & tops;
}

/// Not 0 when the eight bytes hold one that is not ASCII, U+0000 or, if asked, a wildcard:
/// 0x23 (#) and 0x2B (+) differ in bit 3 only.
template <bool topic> constexpr std::uint64_t noteworthy(std::uint64_t word) noexcept {
  auto found = (word & tops) | zero_byte(word);
  if constexpr (topic) found |= zero_byte((word | ones * 0x08) ^ ones * 0x2B);
  return found;
}

std::uint64_t word_at(const char* from) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, from, sizeof word);
  return word;
}

/// What may follow a lead byte: how many bytes, and the range of the first of them, which excludes
/// overlong forms, surrogates and what lies above U+10FFFF.
struct lead {
  std::uint8_t more = 0, low = 1, high = 0; ///< as it is here: nothing may, not a lead byte
};

constexpr std::array<lead, 256> make_leads() noexcept {
  std::array<lead, 256> out{};
  for (std::size_t i = 0x01; i < 0x80; ++i) out[i] = {0, 0, 0};
  for (std::size_t i = 0xC2; i < 0xE0; ++i) out[i] = {1, 0x80, 0xBF};
  for (std::size_t i = 0xE0; i < 0xF0; ++i) out[i] = {2, 0x80, 0xBF};
  for (std::size_t i = 0xF0; i < 0xF5; ++i) out[i] = {3, 0x80, 0xBF};
  out[0xE0].low = 0xA0;
  out[0xED].high = 0x9F;
  out[0xF0].low = 0x90;
  out[0xF4].high = 0x8F;
  return out;
}

constexpr auto leads = make_leads();

template <bool topic> bool judge_each(std::string_view bytes) noexcept {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  for (std::size_t i = 0; i < bytes.size();) {
    if (bytes.size() - i >= 8 && noteworthy<topic>(word_at(bytes.data() + i)) == 0) {
      i += 8;
      continue;
    }
    const auto first = at(i);
    const auto& rule = leads[first];
    if (rule.low > rule.high || bytes.size() - i <= rule.more) return false;
    if constexpr (topic)
      if (first == '+' || first == '#') return false;
    if (rule.more > 0 && (at(i + 1) < rule.low || at(i + 1) > rule.high)) return false;
    for (std::size_t k = 2; k <= rule.more; ++k)
      if ((at(i + k) & 0xC0) != 0x80) return false;
    i += std::size_t{1} + rule.more;
  }
  return true;
}

template <bool topic> bool judge(std::string_view bytes) noexcept {
  const auto* from = bytes.data();
  const auto size = bytes.size();
  if (size < 8) return judge_each<topic>(bytes);
  std::uint64_t found = 0;
  for (std::size_t i = 0; i + 8 <= size; i += 8) found |= noteworthy<topic>(word_at(from + i));
  found |= noteworthy<topic>(word_at(from + size - 8)); // the rest, and some of it again
  return found == 0 || judge_each<topic>(bytes);
}

enum class form : std::uint8_t { none, flag, u16, u32, variable, text, topic, binary, pair };

struct shape {
  form is = form::none;
  bool positive = false; ///< 0 is an error of its own
};

constexpr auto make_shapes() noexcept {
  using enum property_id;
  std::array<shape, 64> out{};
  const auto set = [&out](form is, auto... ids) {
    ((out[static_cast<std::size_t>(ids)].is = is), ...);
  };
  set(form::flag, payload_format, request_problems, request_response, maximum_qos, retain_available,
      wildcards_available, subscription_ids_available, shared_available);
  set(form::u16, server_keep_alive, receive_maximum, topic_alias_maximum, topic_alias);
  set(form::u32, message_expiry, session_expiry, will_delay, maximum_packet_size);
  set(form::variable, subscription_id);
  set(form::text, content_type, assigned_client_id, authentication_method, response_information,
      server_reference, reason_text);
  set(form::topic, response_topic);
  set(form::binary, correlation_data, authentication_data);
  set(form::pair, user);
  for (const auto id : {receive_maximum, topic_alias, maximum_packet_size, subscription_id})
    out[static_cast<std::size_t>(id)].positive = true;
  return out;
}

constexpr auto shapes = make_shapes();
/// These may stand in a packet more than once.
constexpr auto repeatable = property_set(property_id::user, property_id::subscription_id);

bool take_number(wire_reader& in, form is, std::uint32_t& out) noexcept {
  std::uint8_t byte = 0;
  std::uint16_t two = 0;
  switch (is) {
  case form::flag:
    if (!in.take_u8(byte)) return false;
    out = byte;
    return true;
  case form::u16:
    if (!in.take_u16(two)) return false;
    out = two;
    return true;
  case form::u32: return in.take_u32(out);
  default: return in.take_variable(out);
  }
}

bool take_text(wire_reader& in, form is, property& out) noexcept {
  switch (is) {
  case form::pair:
    return in.take_binary(out.name) && is_text(out.name) && in.take_binary(out.text) &&
           is_text(out.text);
  case form::binary: return in.take_binary(out.text);
  case form::topic: return in.take_binary(out.text) && is_topic_name(out.text);
  default: return in.take_binary(out.text) && is_text(out.text);
  }
}

constexpr defect malformed(const char* what) noexcept { return {reason::malformed_packet, what}; }
constexpr defect forbidden(const char* what) noexcept { return {reason::protocol_error, what}; }

} // namespace

bool is_text(std::string_view bytes) noexcept { return judge<false>(bytes); }
bool is_topic_name(std::string_view bytes) noexcept { return judge<true>(bytes); }

bool wire_reader::take_variable(std::uint32_t& out) noexcept {
  out = 0;
  for (unsigned shift = 0; shift < 28; shift += 7) {
    std::uint8_t next = 0;
    if (!take_u8(next)) return false;
    out |= std::uint32_t{next & 0x7Fu} << shift;
    if (next < 0x80) return next != 0 || shift == 0;
  }
  return false;
}

std::optional<defect> property_reader::open(wire_reader& in) noexcept {
  std::uint32_t length = 0;
  if (!in.take_variable(length)) return malformed("a property length that is none");
  if (!in.take(length, bytes_)) return malformed("properties beyond the packet");
  in_ = wire_reader(bytes_);
  return std::nullopt;
}

bool property_reader::next(property& out) noexcept {
  if (in_.empty()) return false;
  wrong_ = read(out);
  return !wrong_;
}

std::optional<defect> property_reader::read(property& out) noexcept {
  std::uint8_t id = 0;
  if (!in_.take_u8(id) || id >= 64 || (allowed_ >> id & 1) == 0)
    return malformed("a property that this packet has not");
  const auto bit = std::uint64_t{1} << id;
  if ((seen_ & bit & ~repeatable) != 0) return forbidden("a property twice");
  seen_ |= bit;
  out.id = static_cast<property_id>(id);
  const auto rule = shapes[id];
  if (rule.is >= form::text) {
    if (!take_text(in_, rule.is, out)) return malformed("a property's text is cut or not UTF-8");
    return std::nullopt;
  }
  if (!take_number(in_, rule.is, out.number)) return malformed("a property's number is cut");
  if (rule.is == form::flag && out.number > 1) return forbidden("a flag above 1");
  if (rule.positive && out.number == 0) {
    if (out.id == property_id::topic_alias)
      return defect{reason::topic_alias_invalid, "a topic alias of 0"};
    return forbidden("a property of 0 where 0 has no meaning");
  }
  return std::nullopt;
}

} // namespace pollux::bridge::mqtt
