// SPDX-License-Identifier: Apache-2.0
// CONNACK, SUBACK, the four acknowledgements, UNSUBACK and DISCONNECT as they come, by the numbers
// of the MQTT 3.1.1 ("311") and MQTT 5 texts.
#include "packet_fixtures.hpp"
#include <set>

using namespace pollux::bridge::mqtt;
using namespace pollux::bridge::mqtt::made;

namespace {

using codes = std::set<unsigned>;

std::string connack4(unsigned code, unsigned flags = 0) {
  return packet(0x20, byte(flags) + byte(code));
}

} // namespace

TEST_CASE("a CONNACK of 3.1.1 is two bytes, one of six codes") {
  CHECK(good<connack>(connack4(0, 1), 4).session_present);
  CHECK_FALSE(good<connack>(connack4(0), 4).session_present);
  for (unsigned code = 0; code < 256; ++code)
    CHECK(verdict<connack>(connack4(code), 4) ==
          (code <= 5 ? reason::success : reason::protocol_error));
  CHECK(good<connack>(connack4(5), 4).code == 5);
  CHECK(verdict<connack>(packet(0x20, ""), 4) == reason::malformed_packet);
  CHECK(verdict<connack>(packet(0x20, byte(0)), 4) == reason::malformed_packet);
  CHECK(verdict<connack>(packet(0x20, u16(0) + byte(0)), 4) == reason::malformed_packet);
}

TEST_CASE("5 [MQTT-3.2.2-1]: the CONNACK's reserved flags are 0") {
  for (unsigned flags = 2; flags < 256; ++flags) {
    CHECK(verdict<connack>(connack5(0, "", flags), 5) == reason::malformed_packet);
    CHECK(verdict<connack>(connack4(0, flags), 4) == reason::malformed_packet);
  }
}

TEST_CASE("311 [MQTT-3.2.2-4], 5 [MQTT-3.2.2-6]: a refusing CONNACK has no session present") {
  for (unsigned code = 1; code <= 5; ++code)
    CHECK(verdict<connack>(connack4(code, 1), 4) == reason::protocol_error);
  CHECK(verdict<connack>(connack5(0x87, "", 1), 5) == reason::protocol_error);
  CHECK(verdict<connack>(connack5(0, "", 1), 5) == reason::success);
}

TEST_CASE("5 [MQTT-3.2.2-8]: a CONNACK has one of its reason codes") {
  const codes own{0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89,
                  0x8A, 0x8C, 0x90, 0x95, 0x97, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9F};
  for (unsigned code = 0; code < 256; ++code)
    CHECK(verdict<connack>(connack5(code, ""), 5) ==
          (own.contains(code) ? reason::success : reason::protocol_error));
}

TEST_CASE("a broker of 3.1.1 alone refuses our version 5 in words of its own") {
  connack out;
  const auto wrong = judge(connack4(1), 5, out);
  REQUIRE(wrong);
  CHECK(std::string_view(wrong->what).find("MQTT 5") != std::string_view::npos);
  CHECK(verdict<connack>(connack4(0), 5) == reason::malformed_packet); // no property length
}

TEST_CASE("a CONNACK's properties are read, and say as much when they are absent") {
  const auto none = good<connack>(connack5(0, ""), 5);
  CHECK(none.receive_maximum == 65'535);
  CHECK(none.topic_alias_maximum == 0);
  CHECK(none.maximum_qos == 2);
  CHECK(none.maximum_packet_size == 0);
  CHECK((none.retain && none.wildcards && none.shared));
  CHECK(!none.session_expiry_s);
  CHECK(!none.server_keep_alive_s);
  const auto bytes =
      connack5(0, byte(0x11) + u32(0xFFFFFFFF) + byte(0x21) + u16(10) + byte(0x24) + byte(1) +
                      byte(0x25) + byte(0) + byte(0x27) + u32(0x01020304) + byte(0x12) +
                      text("given") + byte(0x22) + u16(5) + byte(0x1F) + text("why") + byte(0x28) +
                      byte(0) + byte(0x29) + byte(0) + byte(0x2A) + byte(0) + byte(0x13) + u16(20) +
                      byte(0x1A) + text("r") + byte(0x1C) + text("other:1883") + pair("k", "v"));
  const auto all = good<connack>(bytes, 5);
  CHECK(all.session_expiry_s == 0xFFFFFFFF);
  CHECK(all.receive_maximum == 10);
  CHECK(all.maximum_qos == 1);
  CHECK_FALSE(all.retain);
  CHECK(all.maximum_packet_size == 0x01020304);
  CHECK(all.assigned_client_id == "given");
  CHECK(all.topic_alias_maximum == 5);
  CHECK(all.reason_text == "why");
  CHECK_FALSE(all.wildcards);
  CHECK_FALSE(all.shared);
  CHECK(all.server_keep_alive_s == 20);
  CHECK(all.server_reference == "other:1883");
}

TEST_CASE("a CONNACK's numbers that mean nothing are protocol errors") {
  for (const auto& wrong :
       {byte(0x21) + u16(0), byte(0x27) + u32(0), byte(0x24) + byte(2), byte(0x25) + byte(2),
        byte(0x28) + byte(2), byte(0x29) + byte(7), byte(0x2A) + byte(255)})
    CHECK(verdict<connack>(connack5(0, wrong), 5) == reason::protocol_error);
  CHECK(verdict<connack>(connack5(0, byte(0x13) + u16(0)), 5) == reason::success);
  for (const auto& once : {byte(0x11) + u32(1), byte(0x21) + u16(1), byte(0x24) + byte(0),
                           byte(0x1F) + text("t"), byte(0x13) + u16(1), byte(0x1C) + text("t")})
    CHECK(verdict<connack>(connack5(0, once + once), 5) == reason::protocol_error);
  CHECK(verdict<connack>(connack5(0, byte(0x23) + u16(1)), 5) == reason::malformed_packet);
  CHECK(verdict<connack>(packet(0x20, u16(0) + block("") + "x"), 5) == reason::malformed_packet);
}

TEST_CASE("5 [MQTT-4.12.0-6]: a CONNACK has no authentication that we did not ask for") {
  CHECK(verdict<connack>(connack5(0, byte(0x15) + text("SCRAM")), 5) == reason::protocol_error);
  CHECK(verdict<connack>(connack5(0, byte(0x16) + text("data")), 5) == reason::protocol_error);
}

TEST_CASE("311, 5 [MQTT-3.9.3-2]: a SUBACK has one of its codes for each filter") {
  const codes own4{0, 1, 2, 0x80};
  const codes own5{0, 1, 2, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2};
  for (unsigned code = 0; code < 256; ++code) {
    const auto expected = [&](const codes& own) {
      return own.contains(code) ? reason::success : reason::protocol_error;
    };
    CHECK(verdict<suback>(subscribed(4, byte(code)), 4) == expected(own4));
    CHECK(verdict<suback>(subscribed(5, byte(code)), 5) == expected(own5));
    CHECK(verdict<suback>(subscribed(5, byte(0) + byte(code)), 5) == expected(own5));
  }
}

TEST_CASE("311, 5 [MQTT-3.9.3-1]: a SUBACK's codes stay in the order they came") {
  for (const unsigned version : {4u, 5u}) {
    const auto bytes = subscribed(version, std::string("\x02\x80\x00", 3), 0xABCD);
    const auto answer = good<suback>(bytes, version);
    CHECK(answer.packet_id == 0xABCD);
    CHECK(answer.codes == std::string_view("\x02\x80\x00", 3));
    CHECK(verdict<suback>(subscribed(version, ""), version) == reason::protocol_error);
    CHECK(verdict<suback>(subscribed(version, byte(0), 0), version) == reason::malformed_packet);
  }
  const auto with_text = packet(0x90, u16(1) + block(byte(0x1F) + text("no")) + byte(0x87));
  CHECK(good<suback>(with_text, 5).reason_text == "no");
}

TEST_CASE("an acknowledgement of 3.1.1 is a packet id and nothing else") {
  for (const unsigned first : {0x40u, 0x50u, 0x62u, 0x70u, 0xB0u}) {
    CHECK(good<acknowledgement>(packet(first, u16(0x0102)), 4).packet_id == 0x0102);
    CHECK(verdict<acknowledgement>(packet(first, u16(1) + byte(0)), 4) == reason::malformed_packet);
    CHECK(verdict<acknowledgement>(packet(first, byte(1)), 4) == reason::malformed_packet);
    CHECK(verdict<acknowledgement>(packet(first, u16(0)), 4) == reason::malformed_packet);
  }
}

TEST_CASE("an acknowledgement of 5 has two bytes, three, or properties too") {
  for (const unsigned first : {0x40u, 0x50u, 0x62u, 0x70u}) {
    CHECK(good<acknowledgement>(packet(first, u16(9)), 5).code == reason::success);
    CHECK(good<acknowledgement>(packet(first, u16(9) + byte(0)), 5).packet_id == 9);
    CHECK(good<acknowledgement>(packet(first, u16(9) + byte(0) + block("")), 5).packet_id == 9);
    const auto full = byte(0x1F) + text("why") + pair("k", "v");
    CHECK(verdict<acknowledgement>(packet(first, u16(9) + byte(0) + block(full)), 5) ==
          reason::success);
    CHECK(verdict<acknowledgement>(packet(first, u16(9) + byte(0) + block(full) + "x"), 5) ==
          reason::malformed_packet);
    CHECK(verdict<acknowledgement>(packet(first, u16(9) + byte(0) + byte(3) + "ab"), 5) ==
          reason::malformed_packet);
    CHECK(verdict<acknowledgement>(packet(first, u16(9) + byte(0) + block(byte(2) + u32(1))), 5) ==
          reason::malformed_packet);
    CHECK(verdict<acknowledgement>(packet(first, u16(0)), 5) == reason::malformed_packet);
    CHECK(verdict<acknowledgement>(packet(first, ""), 5) == reason::malformed_packet);
  }
}

TEST_CASE("5 [MQTT-3.4.2-1] [MQTT-3.5.2-1] [MQTT-3.6.2-1] [MQTT-3.7.2-1]: codes of each kind") {
  const codes received{0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99}, release{0x00, 0x92};
  for (const unsigned first : {0x40u, 0x50u, 0x62u, 0x70u})
    for (unsigned code = 0; code < 256; ++code) {
      const auto& own = first < 0x60 ? received : release;
      const auto bytes = packet(first, u16(1) + byte(code));
      CHECK(verdict<acknowledgement>(bytes, 5) ==
            (own.contains(code) ? reason::success : reason::protocol_error));
      if (own.contains(code))
        CHECK(good<acknowledgement>(bytes, 5).code == static_cast<reason>(code));
    }
}

TEST_CASE("311, 5 [MQTT-3.6.1-1]: a PUBREL has the flags 0010") {
  for (unsigned flags = 0; flags < 16; ++flags)
    for (const unsigned version : {4u, 5u})
      CHECK(verdict<acknowledgement>(packet(0x60 | flags, u16(1)), version) ==
            (flags == 2 ? reason::success : reason::malformed_packet));
}

TEST_CASE("5 [MQTT-3.11.3-2]: an UNSUBACK has a code of its own for each filter") {
  const codes own{0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91};
  for (unsigned code = 0; code < 256; ++code) {
    const auto bytes = packet(0xB0, u16(1) + block("") + byte(0) + byte(code));
    CHECK(verdict<acknowledgement>(bytes, 5) ==
          (own.contains(code) ? reason::success : reason::protocol_error));
    if (own.contains(code))
      CHECK(good<acknowledgement>(bytes, 5).code ==
            (code >= 0x80 ? static_cast<reason>(code) : reason::success));
  }
  CHECK(verdict<acknowledgement>(packet(0xB0, u16(1) + block("")), 5) == reason::protocol_error);
  CHECK(verdict<acknowledgement>(packet(0xB0, u16(1)), 5) == reason::malformed_packet);
}

TEST_CASE("a server of 3.1.1 has no DISCONNECT") {
  CHECK(verdict<disconnect>(packet(0xE0, ""), 4) == reason::protocol_error);
}

TEST_CASE("5 [MQTT-3.14.2-1]: a server's DISCONNECT has one of the reasons a server has") {
  const codes own{0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8D, 0x8E,
                  0x8F, 0x90, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9A,
                  0x9B, 0x9C, 0x9D, 0x9E, 0x9F, 0xA0, 0xA1, 0xA2};
  for (unsigned code = 0; code < 256; ++code)
    CHECK(verdict<disconnect>(packet(0xE0, byte(code)), 5) ==
          (own.contains(code) ? reason::success : reason::protocol_error));
  CHECK(good<disconnect>(packet(0xE0, ""), 5).code == reason::success);
  const auto moved = packet(0xE0, byte(0x9D) + block(byte(0x1F) + text("soon") + byte(0x1C) +
                                                     text("b2:1883") + pair("k", "v")));
  CHECK(good<disconnect>(moved, 5).code == reason::server_moved);
  CHECK(good<disconnect>(moved, 5).reason_text == "soon");
  CHECK(good<disconnect>(moved, 5).server_reference == "b2:1883");
  CHECK(verdict<disconnect>(packet(0xE0, byte(0) + block("") + "x"), 5) ==
        reason::malformed_packet);
  CHECK(verdict<disconnect>(packet(0xE0, byte(0) + byte(9)), 5) == reason::malformed_packet);
}

TEST_CASE("5 [MQTT-3.14.2-2]: a server's DISCONNECT has no session expiry") {
  CHECK(verdict<disconnect>(packet(0xE0, byte(0) + block(byte(0x11) + u32(1))), 5) ==
        reason::protocol_error);
}

TEST_CASE("5 [MQTT-3.14.1-1]: a DISCONNECT with flags set is malformed") {
  CHECK(verdict<disconnect>(packet(0xE1, ""), 5) == reason::malformed_packet);
}

TEST_CASE("every kind of answer refuses a frame of another kind") {
  for (const auto& one : valid_packets(5)) {
    const auto type = static_cast<unsigned char>(one[0]) >> 4;
    const auto other = reason::protocol_error;
    if (type != 2) CHECK(verdict<connack>(one, 5) == other);
    if (type != 9) CHECK(verdict<suback>(one, 5) == other);
    if (type != 14) CHECK(verdict<disconnect>(one, 5) == other);
    if (type != 3) CHECK(verdict<publish>(one, 5) == other);
    if ((type < 4 || type > 7) && type != 11) CHECK(verdict<acknowledgement>(one, 5) == other);
  }
}
