// SPDX-License-Identifier: Apache-2.0
// A connection's life: CONNECT to SUBACK, keep-alive, and every way it ends, by the numbers of the
// MQTT 3.1.1 ("311") and MQTT 5 texts.
#include "session_fixtures.hpp"

using namespace pollux::bridge::mqtt;
using namespace pollux::bridge::mqtt::made;
using pollux::errc;

TEST_CASE("311, 5 [MQTT-3.1.0-1] [MQTT-3.1.0-2]: CONNECT is the first packet and comes once") {
  for (const unsigned version : {4u, 5u}) {
    desk d(version);
    auto first = d.sent();
    REQUIRE(first.size() == 1);
    CHECK(static_cast<unsigned char>(first[0][0]) == 0x10);
    d.feed(d.connack());
    for (const auto& one : d.sent()) CHECK(static_cast<unsigned char>(one[0]) == 0x82);
  }
}

TEST_CASE("after CONNACK the client subscribes, after SUBACK it is established") {
  for (const unsigned version : {4u, 5u}) {
    desk d(version);
    d.sent();
    CHECK(d.client->at() == session::phase::connecting);
    CHECK(d.feed(d.connack()) == d.connack().size());
    CHECK(d.client->at() == session::phase::subscribing);
    const auto expected = u16(1) + (version == 5 ? block("") : "") + text("a/#");
    const auto asked = d.sent();
    REQUIRE(asked.size() == 1);
    CHECK(asked[0].substr(2, expected.size()) == expected);
    CHECK((asked[0].back() & 3) == 2);
    d.feed(d.granted());
    CHECK(d.client->at() == session::phase::established);
    CHECK(d.client->denied().empty());
    CHECK(d.open());
  }
}

TEST_CASE("311 [MQTT-3.2.2-5], 5 [MQTT-3.2.2-7]: a refused connection ends and says why") {
  desk four(4);
  four.feed(packet(0x20, byte(0) + byte(5)));
  CHECK(four.client->closed()->refused);
  CHECK(four.client->closed()->text.find("not authorized") != std::string::npos);
  desk five(5);
  five.feed(connack5(0x8A, byte(0x1F) + text("too often")));
  CHECK(five.why() == static_cast<reason>(0x8A));
  CHECK(five.client->closed()->refused);
  CHECK(five.client->closed()->text.find("banned: too often") != std::string::npos);
  five.sent();
  CHECK(five.feed(five.message(1, 1)) == 0); // nothing is taken any more
  CHECK(five.acknowledged().empty());
  CHECK(five.handler.all.empty());
}

TEST_CASE("311 [MQTT-3.2.2-1], 5 [MQTT-3.2.2-2]: a clean start with an old session is an error") {
  for (const unsigned version : {4u, 5u}) {
    desk d(version);
    d.options.clean_start = true;
    d.again();
    d.feed(d.connack(true));
    CHECK(d.why() == reason::protocol_error);
  }
}

TEST_CASE("5 [MQTT-3.2.2-5]: a broker that forgot the session makes us forget it too") {
  desk d;
  d.established();
  d.feed(d.message(2, 7) + d.message(1, 8));
  CHECK(d.memory.holds(7));
  d.drop();
  CHECK(d.memory.carried.size() == 2);
  d.established(false);
  CHECK_FALSE(d.memory.holds(7));
  CHECK(d.memory.carried.empty());
  d.feed(d.message(2, 7));
  CHECK(d.handler.all.size() == 3); // a new message
}

TEST_CASE("311, 5 [MQTT-3.2.0-1], 5 [MQTT-3.14.0-1]: nothing comes before CONNACK") {
  for (const unsigned version : {4u, 5u})
    for (const auto& early : {packet(0xD0, ""), packet(0xE0, ""), subscribed(version, "\x01", 1),
                              pubrel(1), packet(0xF0, "")}) {
      desk d(version);
      d.feed(early);
      CHECK(d.why() == reason::protocol_error);
    }
  desk d;
  d.feed(d.message(0, 0));
  CHECK(d.why() == reason::protocol_error);
  CHECK(d.handler.all.empty());
}

TEST_CASE("5 [MQTT-3.2.0-2]: a second CONNACK is a protocol error") {
  desk d;
  d.established();
  d.feed(d.connack());
  CHECK(d.why() == reason::protocol_error);
  CHECK(d.sent() == packets{goodbye(reason::protocol_error)});
}

TEST_CASE("311 [MQTT-2.3.1-7], 5 [MQTT-2.2.1-6]: a SUBACK for another id is a protocol error") {
  for (const unsigned version : {4u, 5u}) {
    desk d(version);
    d.feed(d.connack());
    d.feed(subscribed(version, "\x01", 2));
    CHECK(d.why() == reason::protocol_error);
    desk twice(version);
    twice.established();
    twice.feed(twice.granted());
    CHECK(twice.why() == reason::protocol_error);
  }
}

TEST_CASE("311 [MQTT-3.8.4-5], 5 [MQTT-3.8.4-6]: a SUBACK has as many codes as filters") {
  for (const unsigned version : {4u, 5u})
    for (const auto& codes : {std::string("\x01\x01", 2), std::string("\0\1\2", 3)}) {
      desk d(version);
      d.feed(d.connack());
      d.feed(d.granted(codes));
      CHECK(d.why() == reason::protocol_error);
    }
}

TEST_CASE("a filter granted at a lower QoS than asked for is told") {
  desk d(5);
  d.options.subscriptions[0].qos = 1;
  d.again();
  d.feed(d.connack());
  d.feed(d.granted(std::string_view("\0", 1)));
  CHECK(d.open());
  CHECK(d.client->denied().find("a/# (only QoS 0)") != std::string::npos);
}

TEST_CASE("5 [MQTT-3.8.4-7]: what a SUBACK refuses is said by filter, and the rest goes on") {
  for (const unsigned version : {4u, 5u}) {
    desk d(version);
    d.options.subscriptions.resize(2);
    d.options.subscriptions[0].qos = 1;
    d.options.subscriptions[1].filter = "secret/#";
    d.again();
    d.feed(d.connack());
    d.feed(d.granted(version == 5 ? "\x01\x87" : "\x01\x80"));
    CHECK(d.open());
    CHECK(d.client->denied().find("secret/#") != std::string::npos);
    CHECK(d.client->denied().find("a/#") == std::string::npos);
    if (version == 5) CHECK(d.client->denied().find("not authorized") != std::string::npos);
    d.sent();
    d.feed(d.message(1, 3));
    CHECK(d.handler.all.size() == 1);
  }
}

TEST_CASE("5 [MQTT-3.2.2-15]: a SUBSCRIBE above the broker's maximum is not sent") {
  desk d;
  d.sent();
  d.feed(connack5(0, byte(0x27) + u32(8)));
  CHECK(d.why() == reason::packet_too_large);
  CHECK(d.client->closed()->refused);
  CHECK(d.sent().empty());
  desk just;
  just.sent();
  just.feed(connack5(0, byte(0x27) + u32(11)));
  CHECK(just.client->at() == session::phase::subscribing);
  CHECK(just.sent()[0].size() == 11);
}

TEST_CASE("311 [MQTT-3.1.2-23], 5 [MQTT-3.1.2-20]: a ping leaves within the keep-alive time") {
  for (const unsigned version : {4u, 5u}) {
    desk d(version);
    d.options.keep_alive_s = 40;
    d.again();
    d.established();
    const auto start = d.now_ns;
    std::int64_t pinged = 0;
    for (; d.now_ns < start + 40 * second_ns && pinged == 0; d.now_ns += second_ns / 4) {
      d.client->pass_time(d.now_ns);
      if (d.sent() == packets{packet(0xC0, "")}) pinged = d.now_ns;
    }
    CHECK(pinged >= start + 20 * second_ns);
    CHECK(pinged < start + 40 * second_ns);
    d.feed(packet(0xD0, ""));
    d.client->pass_time(pinged + 35 * second_ns);
    CHECK(d.open());
    CHECK(d.sent() == packets{packet(0xC0, "")});
  }
}

TEST_CASE("what is sent counts as a sign of life, so no ping is needed") {
  desk d;
  d.options.keep_alive_s = 40;
  d.again();
  d.established();
  d.now_ns += 25 * second_ns;
  d.durable(1);
  d.feed(d.message(1, 1));
  CHECK(d.acknowledged() == packets{puback(1)});
  d.now_ns += 25 * second_ns;
  d.client->pass_time(d.now_ns);
  CHECK(d.sent().empty());
  d.now_ns += 10 * second_ns;
  d.client->pass_time(d.now_ns);
  CHECK(d.sent() == packets{packet(0xC0, "")});
}

TEST_CASE("5 [MQTT-3.1.2-21] [MQTT-3.2.2-21]: the broker's keep-alive replaces ours") {
  desk d;
  d.options.keep_alive_s = 60;
  d.again();
  d.sent();
  d.feed(connack5(0, byte(0x13) + u16(8)));
  d.feed(d.granted());
  d.sent();
  d.now_ns += 7 * second_ns;
  d.client->pass_time(d.now_ns);
  CHECK(d.sent() == packets{packet(0xC0, "")});
  desk off;
  off.feed(connack5(0, byte(0x13) + u16(0)));
  off.feed(off.granted());
  off.sent();
  off.client->pass_time(off.now_ns + 9'000 * second_ns);
  CHECK(off.sent().empty());
}

TEST_CASE("a ping that is not answered closes, but not while we leave the socket unread") {
  for (const bool blocked : {false, true}) {
    desk d;
    d.options.keep_alive_s = 10;
    d.again();
    d.established();
    if (blocked) {
      d.inlet.credit = false;
      CHECK(d.feed(d.message(1, 1)) == 0);
      CHECK(d.client->blocked() == errc::overloaded);
    }
    for (int quarter = 0; quarter < 4 * 30 && d.open(); ++quarter) {
      d.now_ns += second_ns / 4;
      d.client->pass_time(d.now_ns);
    }
    CHECK(d.open() == blocked);
    if (blocked) continue;
    CHECK(d.why() == reason::keep_alive_timeout);
    CHECK(d.sent().back() == goodbye(reason::keep_alive_timeout));
  }
}

TEST_CASE("5: a server's DISCONNECT ends the connection with its words") {
  desk d;
  d.established();
  const auto bytes =
      packet(0xE0, byte(0x9D) + block(byte(0x1F) + text("moved") + byte(0x1C) + text("b2")));
  d.feed(bytes + d.message(0, 0));
  CHECK(d.why() == reason::server_moved);
  CHECK(d.client->closed()->text.find("moved") != std::string::npos);
  CHECK(d.client->closed()->text.find("b2") != std::string::npos);
  CHECK(d.handler.all.empty()); // what stands behind it is not read
  CHECK(d.sent().empty());
  CHECK_FALSE(d.client->closed()->refused);
}

TEST_CASE("a server of 3.1.1 that sends DISCONNECT breaks the protocol") {
  desk d(4);
  d.established();
  d.feed(packet(0xE0, ""));
  CHECK(d.why() == reason::protocol_error);
}

TEST_CASE("311 [MQTT-4.8.0-1], 5 [MQTT-4.13.1-1]: what no server sends to a subscriber closes") {
  for (const unsigned version : {4u, 5u})
    for (const auto& strange :
         {packet(0x10, ""), packet(0x82, u16(1)), packet(0xA2, u16(1)), packet(0xC0, ""), puback(1),
          pubrec(1), pubcomp(1), packet(0xB0, u16(1))}) {
      desk d(version);
      d.established();
      d.feed(strange);
      CHECK(d.why() == reason::protocol_error);
      // 3.1.1 has no reasons
      CHECK(d.sent() == packets{goodbye(version == 5 ? reason::protocol_error : reason::success)});
    }
}

TEST_CASE("5 [MQTT-4.12.0-6] [MQTT-4.12.0-7]: an AUTH not asked for closes and is not answered") {
  desk d;
  d.established();
  d.feed(packet(0xF0, ""));
  CHECK(d.why() == reason::protocol_error);
  CHECK(d.sent() == packets{goodbye(reason::protocol_error)});
}

TEST_CASE("5 [MQTT-4.13.2-1]: what is malformed closes with its reason") {
  const std::vector<std::pair<std::string, reason>> cases{
      {byte(0x00) + byte(0), reason::malformed_packet},
      {byte(0x36) + byte(0), reason::malformed_packet},
      {std::string("\x30\xFF\xFF\xFF\xFF", 5), reason::malformed_packet},
      {packet(0x30, text("a\xFF") + block("")), reason::malformed_packet},
      {packet(0x30, text("a/+") + block("")), reason::malformed_packet},
      {packet(0x32, text("a") + u16(0) + block("")), reason::malformed_packet},
      {publish5(byte(0x23) + u16(0)), reason::topic_alias_invalid},
      {publish5(byte(0x23) + u16(60'000)), reason::topic_alias_invalid},
      {publish5(byte(0x0B) + byte(0)), reason::protocol_error},
      {packet(0xD0, "x"), reason::malformed_packet}};
  for (const auto& [bytes, expected] : cases) {
    desk d;
    d.established();
    d.feed(bytes);
    CHECK(d.why() == expected);
    CHECK(d.sent() == packets{goodbye(expected)});
    CHECK(d.handler.all.empty());
  }
}

TEST_CASE("311, 5 [MQTT-3.14.4-1] [MQTT-3.14.4-2]: behind DISCONNECT nothing is sent") {
  for (const unsigned version : {4u, 5u}) {
    desk d(version);
    d.established();
    d.feed(d.message(1, 1));
    d.client->leave();
    CHECK(d.sent() == packets{goodbye(reason::success)});
    d.durable(9);
    CHECK(d.acknowledged().empty());
    d.client->pass_time(d.now_ns + 1000 * second_ns);
    d.client->leave();
    CHECK(d.feed(d.message(1, 2) + pubrel(3)) == 0);
    CHECK(d.sent().empty());
    CHECK(d.client->at() == session::phase::closed);
  }
}

TEST_CASE("a session may be fed one byte at a time, or any other way") {
  for (const unsigned version : {4u, 5u}) {
    desk whole(version), drip(version);
    const auto all = whole.connack() + whole.granted() + whole.message(1, 1, "one") +
                     whole.message(2, 2, "two") + packet(0xD0, "") + whole.message(0, 0, "three") +
                     pubrel(99);
    CHECK(whole.feed(all) == all.size());
    std::string waiting;
    for (const char c : all) {
      waiting += c;
      waiting.erase(0, drip.feed(waiting));
    }
    CHECK(waiting.empty());
    CHECK(drip.client->output() == whole.client->output());
    REQUIRE(drip.handler.all.size() == 3);
    for (std::size_t i = 0; i < 3; ++i)
      CHECK(drip.handler.all[i].payload == whole.handler.all[i].payload);
  }
}
