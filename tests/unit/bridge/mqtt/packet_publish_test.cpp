// SPDX-License-Identifier: Apache-2.0
// PUBLISH as it comes, by the numbers of the MQTT 3.1.1 ("311") and MQTT 5 texts.
#include "packet_fixtures.hpp"

using namespace pollux::bridge::mqtt;
using namespace pollux::bridge::mqtt::made;

TEST_CASE("a PUBLISH is read whole: topic, id, flags and payload") {
  for (const unsigned version : {4u, 5u}) {
    const auto none = version == 5 ? block("") : std::string();
    auto message = good<publish>(packet(0x31, text("a/b") + none + "payload"), version);
    CHECK(message.topic == "a/b");
    CHECK(message.payload == "payload");
    CHECK(message.qos == 0);
    CHECK(message.packet_id == 0);
    CHECK(message.retain);
    CHECK_FALSE(message.duplicate);
    message = good<publish>(packet(0x3C, text("a") + u16(0x1234) + none), version);
    CHECK(message.qos == 2);
    CHECK(message.packet_id == 0x1234);
    CHECK(message.duplicate);
    CHECK_FALSE(message.retain);
    CHECK(message.payload.empty());
  }
}

TEST_CASE("311, 5 [MQTT-3.3.1-4]: a PUBLISH with both QoS bits set is malformed") {
  for (const unsigned version : {4u, 5u})
    for (const unsigned first : {0x36u, 0x37u, 0x3Eu, 0x3Fu})
      CHECK(verdict<publish>(packet(first, text("a") + u16(1) + block("")), version) ==
            reason::malformed_packet);
  // a frame that did not come through next_frame()
  frame handmade;
  handmade.type = packet_type::publish;
  handmade.flags = 6;
  const auto body = text("a") + u16(1);
  handmade.body = body;
  publish out;
  CHECK(read(handmade, 4, out)->code == reason::malformed_packet);
}

TEST_CASE("311, 5 [MQTT-3.3.1-2]: a PUBLISH at QoS 0 is not marked as sent again") {
  for (const unsigned version : {4u, 5u})
    for (const unsigned first : {0x38u, 0x39u})
      CHECK(verdict<publish>(packet(first, text("a") + block("")), version) ==
            reason::malformed_packet);
}

TEST_CASE("311, 5 [MQTT-3.3.2-1]: the topic comes first and is UTF-8") {
  for (const unsigned version : {4u, 5u}) {
    CHECK(verdict<publish>(packet(0x30, ""), version) == reason::malformed_packet);
    CHECK(verdict<publish>(packet(0x30, byte(0)), version) == reason::malformed_packet);
    CHECK(verdict<publish>(packet(0x30, u16(9) + "short"), version) == reason::malformed_packet);
    CHECK(verdict<publish>(packet(0x30, text("a\xFF") + block("")), version) ==
          reason::malformed_packet);
    CHECK(verdict<publish>(packet(0x30, text("plant/of/\xED\xA0\x80") + block("")), version) ==
          reason::malformed_packet);
    CHECK(verdict<publish>(packet(0x30, text(std::string("a\0b", 3)) + block("")), version) ==
          reason::malformed_packet);
  }
}

TEST_CASE("311, 5 [MQTT-3.3.2-2], 311 [MQTT-4.7.1-1], 5 [MQTT-4.7.0-1]: no wildcard in a topic") {
  for (const unsigned version : {4u, 5u})
    for (const auto* topic : {"+", "#", "a/+", "a/#", "a+b", "plants/one/two/#", "a/b/c/d/e/f/g+"})
      CHECK(verdict<publish>(packet(0x30, text(topic) + block("")), version) ==
            reason::malformed_packet);
}

TEST_CASE("311, 5 [MQTT-4.7.3-1]: a topic has a character, or an alias stands for it") {
  CHECK(verdict<publish>(packet(0x30, text("") + "x"), 4) == reason::protocol_error);
  CHECK(verdict<publish>(publish5("", ""), 5) == reason::protocol_error);
  CHECK(verdict<publish>(publish5(byte(0x23) + u16(3), ""), 5) == reason::success);
}

TEST_CASE("311, 5 [MQTT-4.7.3-3]: a topic of 65,535 bytes is read") {
  const std::string longest(65'535, 't');
  CHECK(good<publish>(packet(0x30, text(longest) + "x"), 4).topic == longest);
}

TEST_CASE("311 [MQTT-2.3.1-5], 5 [MQTT-2.2.1-2]: at QoS 0 there is no packet id") {
  // what would be one belongs to the payload
  CHECK(good<publish>(packet(0x30, text("a") + u16(7)), 4).payload == u16(7));
  CHECK(good<publish>(packet(0x30, text("a") + block("") + u16(7)), 5).payload == u16(7));
}

TEST_CASE("311 [MQTT-2.3.1-1], 5 [MQTT-2.2.1-4]: above QoS 0 the packet id is not 0") {
  for (const unsigned version : {4u, 5u})
    for (const unsigned first : {0x32u, 0x34u}) {
      CHECK(verdict<publish>(packet(first, text("a") + u16(0) + block("")), version) ==
            reason::malformed_packet);
      CHECK(verdict<publish>(packet(first, text("a") + byte(1)), version) ==
            reason::malformed_packet);
      CHECK(verdict<publish>(packet(first, text("a")), version) == reason::malformed_packet);
    }
}

TEST_CASE("5 [MQTT-2.2.2-1]: without properties their length is still there") {
  CHECK(verdict<publish>(packet(0x30, text("a")), 5) == reason::malformed_packet);
  CHECK(verdict<publish>(packet(0x30, text("a") + byte(0)), 5) == reason::success);
}

TEST_CASE("properties do not go beyond the packet") {
  CHECK(verdict<publish>(packet(0x30, text("a") + byte(5) + "1234"), 5) ==
        reason::malformed_packet);
  CHECK(verdict<publish>(packet(0x30, text("a") + "\xFF\xFF\xFF\x7F"), 5) ==
        reason::malformed_packet);
  CHECK(verdict<publish>(packet(0x30, text("a") + "\xFF\xFF\xFF\xFF\x01"), 5) ==
        reason::malformed_packet);
  CHECK(verdict<publish>(packet(0x30, text("a") + std::string("\x80\x00", 2)), 5) ==
        reason::malformed_packet);
}

TEST_CASE("5 [MQTT-3.3.2-13] [MQTT-3.3.2-19]: what a PUBLISH carries is read") {
  const auto all = byte(0x01) + byte(1) + byte(0x02) + u32(60) + byte(0x03) + text("text/csv") +
                   byte(0x08) + text("answers/1") + byte(0x09) + text(std::string("\0c", 2)) +
                   byte(0x0B) + variable(268'435'455) + byte(0x23) + u16(2) + pair("k", "v");
  const auto bytes = publish5(all);
  const auto message = good<publish>(bytes, 5);
  CHECK(message.payload_is_text);
  CHECK(message.content_type == "text/csv");
  CHECK(message.response_topic == "answers/1");
  CHECK(message.correlation_data == std::string_view("\0c", 2));
  CHECK(message.topic_alias == 2);
  CHECK(user_property(message.user_properties, "k") == "v");
  CHECK(message.payload == "x");
  CHECK_FALSE(good<publish>(publish5(byte(0x01) + byte(0)), 5).payload_is_text);
}

TEST_CASE("5 [MQTT-1.5.7-1]: user properties are pairs of texts, found by their name") {
  const auto wire = pair("a", "1") + byte(0x02) + u32(9) + pair("traceparent", "00-ab") +
                    pair("a", "2") + pair("", "empty name") + pair("none", "");
  const auto bytes = publish5(wire);
  const auto message = good<publish>(bytes, 5);
  CHECK(user_property(message.user_properties, "traceparent") == "00-ab");
  CHECK(user_property(message.user_properties, "a") == "1");
  CHECK(user_property(message.user_properties, "") == "empty name");
  CHECK(user_property(message.user_properties, "none").empty());
  CHECK(user_property(message.user_properties, "other").empty());
  CHECK(user_property("", "a").empty());
  CHECK(good<publish>(publish5(byte(0x02) + u32(9)), 5).user_properties.empty());
  CHECK(verdict<publish>(publish5(pair("\xFF", "v")), 5) == reason::malformed_packet);
  CHECK(verdict<publish>(publish5(pair("k", "\xC0\x80")), 5) == reason::malformed_packet);
  CHECK(verdict<publish>(publish5(byte(0x26) + text("k")), 5) == reason::malformed_packet);
}

TEST_CASE("5 [MQTT-3.3.2-14]: a response topic has no wildcard") {
  CHECK(verdict<publish>(publish5(byte(0x08) + text("a/+")), 5) == reason::malformed_packet);
  CHECK(verdict<publish>(publish5(byte(0x08) + text("a/#")), 5) == reason::malformed_packet);
  CHECK(verdict<publish>(publish5(byte(0x08) + text("\xFF")), 5) == reason::malformed_packet);
}

TEST_CASE("5 [MQTT-3.3.2-8]: a topic alias is not 0") {
  CHECK(verdict<publish>(publish5(byte(0x23) + u16(0)), 5) == reason::topic_alias_invalid);
}

TEST_CASE("a subscription identifier of 0, and a flag of 2, are protocol errors") {
  CHECK(verdict<publish>(publish5(byte(0x0B) + byte(0)), 5) == reason::protocol_error);
  CHECK(verdict<publish>(publish5(byte(0x01) + byte(2)), 5) == reason::protocol_error);
}

TEST_CASE("a property comes once, but user properties and subscription identifiers often") {
  for (const auto& once : {byte(0x01) + byte(1), byte(0x02) + u32(1), byte(0x03) + text("t"),
                           byte(0x08) + text("t"), byte(0x09) + text("t"), byte(0x23) + u16(1)}) {
    CHECK(verdict<publish>(publish5(once), 5) == reason::success);
    CHECK(verdict<publish>(publish5(once + once), 5) == reason::protocol_error);
    CHECK(verdict<publish>(publish5(once + pair("a", "b") + once), 5) == reason::protocol_error);
  }
  for (const auto& often : {pair("a", "b"), byte(0x0B) + byte(1)})
    CHECK(verdict<publish>(publish5(often + often + often), 5) == reason::success);
}

TEST_CASE("a PUBLISH has its own properties and no others") {
  for (unsigned id = 0; id < 256; ++id) {
    const bool own = id == 1 || id == 2 || id == 3 || id == 8 || id == 9 || id == 0x0B ||
                     id == 0x23 || id == 0x26;
    if (own) continue;
    CAPTURE(id);
    // enough of everything behind it that the id alone can be wrong
    CHECK(verdict<publish>(publish5(byte(id) + std::string("\0\1\1\1\1\1", 6)), 5) ==
          reason::malformed_packet);
  }
}

TEST_CASE("a property that is cut is malformed") {
  const auto all = byte(0x03) + text("text/csv") + pair("k", "v") + byte(0x02) + u32(60) +
                   byte(0x23) + u16(2) + byte(0x0B) + variable(300) + byte(0x09) + text("corr");
  std::size_t malformed = 0;
  for (std::size_t size = 0; size < all.size(); ++size) {
    const auto why = verdict<publish>(publish5(all.substr(0, size)), 5);
    malformed += why == reason::malformed_packet;
    // cut between two properties it is whole
    CHECK((why == reason::malformed_packet || why == reason::success));
  }
  CHECK(malformed == all.size() - 6);
}

TEST_CASE("a frame of another type is no PUBLISH") {
  publish out;
  frame ping;
  ping.type = packet_type::pingresp;
  CHECK(read(ping, 5, out)->code == reason::protocol_error);
}
