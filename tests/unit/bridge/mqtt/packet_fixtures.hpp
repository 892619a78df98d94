// SPDX-License-Identifier: Apache-2.0
// Packets made byte by byte, without the codec under test, and a short way to have one read.
#pragma once
#include "bridge/mqtt/receiver/packet.hpp"
#include <deque>
#include <doctest/doctest.h>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::bridge::mqtt::made {

inline std::string byte(unsigned value) { return std::string(1, static_cast<char>(value)); }
inline std::string u16(unsigned value) { return byte(value >> 8 & 0xFF) + byte(value & 0xFF); }
inline std::string u32(std::uint32_t value) { return u16(value >> 16) + u16(value & 0xFFFF); }
inline std::string text(std::string_view value) {
  return u16(static_cast<unsigned>(value.size())) + std::string(value);
}
inline std::string variable(std::size_t value) {
  std::string out;
  do {
    const auto low = static_cast<unsigned>(value % 128);
    value /= 128;
    out += byte(value > 0 ? low + 128 : low);
  } while (value > 0);
  return out;
}
inline std::string packet(unsigned first, std::string_view body) {
  return byte(first) + variable(body.size()) + std::string(body);
}
/// A property block: its length and its bytes.
inline std::string block(std::string_view properties) {
  return variable(properties.size()) + std::string(properties);
}
inline std::string pair(std::string_view name, std::string_view value) {
  return byte(0x26) + text(name) + text(value);
}

/// A PUBLISH of version 5 with these properties.
inline std::string publish5(std::string_view properties, std::string_view topic = "a/b",
                            std::string_view payload = "x") {
  return packet(0x30, text(topic) + block(properties) + std::string(payload));
}
inline std::string connack5(unsigned code, std::string_view properties, unsigned flags = 0) {
  return packet(0x20, byte(flags) + byte(code) + block(properties));
}
inline std::string subscribed(unsigned version, std::string_view codes, unsigned id = 7) {
  return packet(0x90, u16(id) + (version >= 5 ? block("") : "") + std::string(codes));
}

/// What is wrong with `bytes` as a packet of kind T, if anything. `out` when nothing is.
template <class T> std::optional<defect> judge(std::string_view bytes, unsigned version, T& out) {
  frame found;
  defect wrong;
  const auto framed = next_frame(bytes, 268'435'460, found, wrong);
  if (framed == framing::broken) return wrong;
  REQUIRE(framed == framing::whole);
  REQUIRE(found.size == bytes.size());
  return read(found, version, out);
}

/// The packet read. Its bytes are kept to the end of the run, as `out` looks into them.
template <class T> T good(std::string_view bytes, unsigned version) {
  static std::deque<std::string> kept;
  T out;
  const auto wrong = judge(kept.emplace_back(bytes), version, out);
  INFO((wrong ? wrong->what : ""));
  REQUIRE(!wrong);
  return out;
}

/// The reason to close with when that packet comes, or success when nothing is wrong with it.
template <class T> reason verdict(std::string_view bytes, unsigned version) {
  T out;
  const auto wrong = judge(bytes, version, out);
  if (!wrong) return reason::success;
  CHECK(std::string_view(wrong->what) != "");
  return wrong->code;
}

/// One of each kind that a broker may send, with and without what is optional.
inline std::vector<std::string> valid_packets(unsigned version) {
  if (version < 5)
    return {packet(0x30, text("a") + "payload"),
            packet(0x3D, text("plant/\xC3\xA9t\xC3\xA9/t") + u16(9) + "{}"),
            packet(0x33, text("long/enough/for/words") + u16(65'535)),
            packet(0x20, byte(1) + byte(0)),
            packet(0x20, byte(0) + byte(5)),
            subscribed(4, std::string("\x00\x01\x02\x80", 4)),
            packet(0x40, u16(1)),
            packet(0x50, u16(2)),
            packet(0x62, u16(3)),
            packet(0x70, u16(4)),
            packet(0xB0, u16(5)),
            packet(0xD0, "")};
  const auto every = byte(0x01) + byte(1) + byte(0x02) + u32(60) + byte(0x03) + text("text/csv") +
                     byte(0x08) + text("answers/1") + byte(0x09) + text("c-1") + byte(0x0B) +
                     variable(200) + byte(0x0B) + variable(3) + byte(0x23) + u16(2) +
                     pair("traceparent", "00-1") + pair("k", "v");
  const auto answer = byte(0x1F) + text("why") + pair("k", "v");
  return {publish5(""),
          publish5(every),
          packet(0x35, text("\xE2\x82\xAC") + u16(1) + block("")),
          packet(0x3A, text("") + u16(77) + block(byte(0x23) + u16(1)) + "1"),
          connack5(0, ""),
          connack5(0,
                   byte(0x11) + u32(9) + byte(0x21) + u16(10) + byte(0x24) + byte(1) + byte(0x25) +
                       byte(0) + byte(0x27) + u32(1000) + byte(0x12) + text("given") + byte(0x22) +
                       u16(5) + answer + byte(0x28) + byte(1) + byte(0x29) + byte(0) + byte(0x2A) +
                       byte(1) + byte(0x13) + u16(20) + byte(0x1A) + text("r") + byte(0x1C) +
                       text("other:1883"),
                   1),
          connack5(0x87, answer),
          subscribed(5, std::string("\x00\x02\x97", 3)),
          packet(0x90, u16(2) + block(answer) + byte(1)),
          packet(0x40, u16(1)),
          packet(0x50, u16(2) + byte(0x10)),
          packet(0x62, u16(3) + byte(0x92) + block(answer)),
          packet(0x70, u16(4) + byte(0) + block("")),
          packet(0xB0, u16(5) + block(answer) + byte(0x11) + byte(0x87)),
          packet(0xE0, ""),
          packet(0xE0, byte(0x8B)),
          packet(0xE0, byte(0x9D) + block(answer + byte(0x1C) + text("other"))),
          packet(0xD0, "")};
}

/// Whichever read() its type asks for; success for what has none (PINGRESP, AUTH).
inline std::optional<defect> read_any(const frame& found, unsigned version) {
  publish message;
  connack connected;
  suback granted;
  acknowledgement answer;
  disconnect end;
  switch (found.type) {
  case packet_type::publish: return read(found, version, message);
  case packet_type::connack: return read(found, version, connected);
  case packet_type::suback: return read(found, version, granted);
  case packet_type::puback:
  case packet_type::pubrec:
  case packet_type::pubrel:
  case packet_type::pubcomp:
  case packet_type::unsuback: return read(found, version, answer);
  case packet_type::disconnect: return read(found, version, end);
  default: return std::nullopt;
  }
}

} // namespace pollux::bridge::mqtt::made
