// SPDX-License-Identifier: Apache-2.0
// Messages and their acknowledgements: never before they are durable, in order, once, by the
// numbers of the MQTT 3.1.1 ("311") and MQTT 5 texts.
#include "session_fixtures.hpp"

using namespace pollux::bridge;
using namespace pollux::bridge::mqtt;
using namespace pollux::bridge::mqtt::made;
using pollux::errc;
using pollux::messages::durability;

TEST_CASE("311, 5 [MQTT-3.3.4-1]: QoS 0 is not answered, 1 with PUBACK, 2 with PUBREC") {
  for (const unsigned version : {4u, 5u}) {
    desk d(version);
    d.established();
    d.durable(9);
    d.feed(d.message(0, 0) + d.message(1, 11) + d.message(2, 12));
    CHECK(d.handler.all.size() == 3);
    CHECK(d.acknowledged() == packets{puback(11), pubrec(12)});
    CHECK(d.acknowledged().empty());
  }
}

TEST_CASE("a message is handed on as it came") {
  desk d;
  d.established();
  const auto properties =
      byte(0x03) + text("text/csv") + byte(0x09) + text("c-9") + pair("traceparent", "00-1-2-01");
  d.feed(packet(0x3B, text("a/long/topic") + u16(5) + block(properties) + "payload"));
  REQUIRE(d.handler.all.size() == 1);
  const auto& heard = d.handler.all[0];
  CHECK(heard.topic == "a/long/topic");
  CHECK(heard.payload == "payload");
  CHECK(heard.payload_bytes == 7);
  CHECK(heard.content_type == "text/csv");
  CHECK(heard.correlation_data == "c-9");
  CHECK(heard.traceparent == "00-1-2-01");
  CHECK(heard.qos == 1);
  CHECK(heard.retained);
  CHECK(heard.duplicate);
  d.feed(d.message(0, 0) + d.message(0, 0));
  CHECK(d.handler.all[1].received_ns < d.handler.all[2].received_ns); // one read, two instants
}

TEST_CASE("311 [MQTT-4.3.2-2], 5 [MQTT-4.3.2-4]: no PUBACK before the message is durable") {
  for (const auto at : {durability::d0, durability::d1, durability::d2}) {
    desk d;
    d.established();
    d.handler.durability = at;
    d.feed(d.message(1, 1));
    for (const auto other : {durability::d0, durability::d1, durability::d2})
      if (other != at) d.inlet.durable[static_cast<std::size_t>(other)] = 9;
    CHECK(d.acknowledged().empty());
    CHECK(d.client->unacknowledged() == 1);
    d.inlet.durable[static_cast<std::size_t>(at)] = 1;
    CHECK(d.acknowledged() == packets{puback(1)});
  }
}

TEST_CASE("311 [MQTT-4.3.3-2], 5 [MQTT-4.3.3-8]: no PUBREC before the message is durable") {
  desk d;
  d.established();
  d.feed(d.message(2, 1));
  CHECK(d.acknowledged().empty());
  d.durable(1);
  CHECK(d.acknowledged() == packets{pubrec(1)});
}

TEST_CASE(
    "311, 5 [MQTT-4.6.0-2] [MQTT-4.6.0-3]: acknowledgements leave in the order messages came") {
  desk d;
  d.established();
  d.handler.durability = durability::d2;
  d.feed(d.message(1, 5));
  d.handler.durability = durability::d0;
  d.feed(d.message(2, 3) + d.message(1, 9) + d.message(2, 1));
  d.inlet.durable[0] = 9; // the later three are safe, the first is not
  CHECK(d.acknowledged().empty());
  d.inlet.durable[2] = 1;
  CHECK(d.acknowledged() == packets{puback(5), pubrec(3), puback(9), pubrec(1)});
}

TEST_CASE("311, 5 [MQTT-4.5.0-2]: what is ignored or kept aside is acknowledged as well") {
  desk d;
  d.established();
  d.handler.say = disposition::ignored;
  d.feed(d.message(1, 1));
  d.handler.say = disposition::quarantined;
  d.feed(d.message(2, 2));
  CHECK(d.acknowledged() == packets{puback(1), pubrec(2)});
}

TEST_CASE("311 [MQTT-4.3.3-2], 5 [MQTT-4.3.3-10]: a QoS 2 message sent again is not taken twice") {
  for (const unsigned version : {4u, 5u})
    for (const bool marked : {false, true}) {
      desk d(version);
      d.established();
      d.feed(d.message(2, 7));
      d.feed(d.message(2, 7, "x", marked)); // while its PUBREC waits
      CHECK(d.acknowledged().empty());
      d.durable(1);
      CHECK(d.acknowledged() == packets{pubrec(7)});
      d.feed(d.message(2, 7, "x", marked)); // and after it left
      CHECK(d.acknowledged() == packets{pubrec(7)});
      CHECK(d.handler.all.size() == 1);
    }
}

TEST_CASE("5 [MQTT-4.3.3-11] [MQTT-4.3.3-12]: PUBREL is answered with PUBCOMP and frees the id") {
  for (const unsigned version : {4u, 5u}) {
    desk d(version);
    d.established();
    d.durable(9);
    d.feed(d.message(2, 7));
    CHECK(d.acknowledged() == packets{pubrec(7)});
    d.feed(pubrel(7));
    CHECK(d.sent() == packets{pubcomp(7)});
    d.feed(d.message(2, 7, "new"));
    CHECK(d.handler.all.size() == 2);
    CHECK(d.acknowledged() == packets{pubrec(7)});
  }
}

TEST_CASE("a PUBREL for an id we do not know is answered, in 5 with the reason") {
  desk four(4), five(5);
  four.established().feed(pubrel(3));
  CHECK(four.sent() == packets{pubcomp(3)});
  five.established().feed(pubrel(3));
  CHECK(five.sent() == packets{packet(0x70, u16(3) + byte(0x92))});
  CHECK(five.open());
}

TEST_CASE("a PUBREL before our PUBREC closes: its message may not be durable") {
  desk d;
  d.established();
  d.feed(d.message(2, 7));
  d.feed(pubrel(7));
  CHECK(d.why() == reason::protocol_error);
  for (const auto& one : d.sent()) CHECK(one != pubcomp(7));
}

TEST_CASE("311 [MQTT-4.3.2-2], 5 [MQTT-4.3.2-5]: after PUBACK an id stands for a new message") {
  desk d;
  d.established();
  d.durable(9);
  for (const bool marked : {false, true, true}) {
    d.feed(d.message(1, 4, "x", marked));
    CHECK(d.acknowledged() == packets{puback(4)});
  }
  CHECK(d.handler.all.size() == 3);
}

TEST_CASE(
    "5 [MQTT-4.4.0-1]: what was taken and not acknowledged is not taken again after a break") {
  for (const unsigned qos : {1u, 2u}) {
    desk d;
    d.established();
    d.feed(d.message(qos, 7, "x"));
    CHECK(d.acknowledged().empty());
    d.drop();
    d.established(true);
    d.feed(d.message(qos, 7, "x", true));
    CHECK(d.handler.all.size() == 1);
    CHECK(d.acknowledged().empty()); // still not durable
    d.durable(1);
    CHECK(d.acknowledged() == packets{qos == 2 ? pubrec(7) : puback(7)});
  }
}

TEST_CASE("a new message under the id of one that the broker gave up is taken") {
  desk d;
  d.established();
  d.feed(d.message(1, 7, "old"));
  d.drop();
  d.established(true);
  d.feed(d.message(1, 7, "new")); // not marked as sent again
  CHECK(d.handler.all.back().payload == "new");
  d.durable(2);
  CHECK(d.acknowledged() == packets{puback(7)});
  d.drop();
  d.established(true);
  d.feed(d.message(1, 7, "newer", true)); // sent on the last connection, lost, and sent again
  CHECK(d.handler.all.back().payload == "newer");
}

TEST_CASE("an id carried over one whole connection does not swallow a later message") {
  desk d;
  d.established();
  d.feed(d.message(1, 7, "old"));
  d.drop();
  d.established(
      true); // the broker does not send it again, and something else gets lost under its id
  d.drop();
  d.established(true);
  d.feed(d.message(1, 7, "other", true));
  CHECK(d.handler.all.back().payload == "other");
}

TEST_CASE("a connection that is never accepted leaves what was carried as it is") {
  desk d;
  d.established();
  d.feed(d.message(1, 7));
  d.drop();
  d.drop();
  d.established(true);
  d.feed(d.message(1, 7, "x", true));
  CHECK(d.handler.all.size() == 1);
}

TEST_CASE("a QoS 2 message is carried over any number of connections") {
  desk d;
  d.established();
  d.feed(d.message(2, 7));
  for (int i = 0; i < 3; ++i) {
    d.drop();
    d.established(true);
  }
  d.feed(d.message(2, 7, "x", true));
  CHECK(d.handler.all.size() == 1);
  CHECK(d.acknowledged().empty()); // not durable, so no PUBREC
  d.durable(1);
  CHECK(d.acknowledged() == packets{pubrec(7)});
  d.feed(pubrel(7));
  CHECK(d.sent() == packets{pubcomp(7)});
}

TEST_CASE("a batch the journal lost closes without acknowledgements, and comes again") {
  for (const unsigned qos : {1u, 2u}) {
    desk d;
    d.established();
    d.feed(d.message(qos, 1) + d.message(qos, 2));
    d.durable(2);
    d.inlet.failed = 1;
    CHECK(d.acknowledged() == packets{goodbye(reason::unspecified)});
    CHECK(d.client->closed()->batch_lost);
    d.drop();
    d.established(true);
    d.feed(d.message(qos, 1, "x", true) + d.message(qos, 2, "x", true));
    CHECK(d.handler.all.size() == 4);
  }
}

TEST_CASE(
    "5 [MQTT-3.3.2-7] [MQTT-3.3.2-10]: a topic alias stands for its topic on one connection") {
  desk d;
  d.established();
  const auto by_alias = [](std::string_view topic, unsigned number) {
    return publish5(byte(0x23) + u16(number), topic, "x");
  };
  d.feed(by_alias("a/one", 1) + by_alias("a/two", 256) + by_alias("", 1) + by_alias("", 256) +
         by_alias("a/other", 1) + by_alias("", 1));
  REQUIRE(d.handler.all.size() == 6);
  CHECK(d.handler.all[2].topic == "a/one");
  CHECK(d.handler.all[3].topic == "a/two");
  CHECK(d.handler.all[5].topic == "a/other");
  d.drop();
  d.established(true);
  d.feed(by_alias("", 1));
  CHECK(d.why() == reason::protocol_error);
}

TEST_CASE("5 [MQTT-3.1.2-26] [MQTT-3.3.2-11]: an alias above the maximum we sent closes") {
  desk d;
  d.established();
  d.feed(publish5(byte(0x23) + u16(257), "a"));
  CHECK(d.why() == reason::topic_alias_invalid);
}

TEST_CASE("5 [MQTT-3.3.4-9]: a broker that exceeds receive maximum is served all the same") {
  for (const unsigned qos : {1u, 2u}) {
    desk d;
    d.options.receive_maximum = 3;
    d.again();
    d.established();
    for (unsigned id = 1; id <= 9; ++id) d.feed(d.message(qos, id));
    CHECK(d.open());
    CHECK(d.handler.all.size() == 9);
    d.durable(99);
    CHECK(d.acknowledged().size() == 9);
  }
}

TEST_CASE("no more messages than ids") {
  for (const unsigned version : {4u, 5u}) {
    desk d(version);
    d.options.receive_maximum = 3;
    d.again();
    d.established();
    for (unsigned i = 0; i < 65'535; ++i) d.feed(d.message(1, 1 + i % 1000));
    CHECK(d.open());
    d.feed(d.message(1, 1));
    CHECK_FALSE(d.open());
    CHECK(d.client->unacknowledged() == 65'535);
  }
}

TEST_CASE("without credit nothing is taken, and the same bytes go on later") {
  desk d;
  d.established();
  d.durable(99);
  d.inlet.credit = false;
  const auto bytes = d.message(1, 1) + d.message(1, 2);
  CHECK(d.feed(bytes) == 0);
  CHECK(d.client->blocked() == errc::overloaded);
  CHECK(d.acknowledged().empty());
  d.inlet.credit = true;
  d.handler.say = disposition::retry;
  CHECK(d.feed(bytes) == 0);
  CHECK(d.client->blocked() == errc::no_space);
  d.handler.say = disposition::submitted;
  CHECK(d.feed(bytes) == bytes.size());
  CHECK(!d.client->blocked());
  CHECK(d.handler.all.size() == 2);
  CHECK(d.acknowledged() == packets{puback(1), puback(2)});
}

TEST_CASE("5 [MQTT-4.9.0-3]: pings and releases are answered while messages wait") {
  desk d;
  d.options.receive_maximum = 1;
  d.again();
  d.established();
  d.feed(d.message(1, 1) + pubrel(9) + packet(0xD0, ""));
  CHECK(d.open());
  CHECK(d.sent() == packets{packet(0x70, u16(9) + byte(0x92))});
}

TEST_CASE("of a message that is too large the beginning is handed on and the rest passed over") {
  desk d;
  d.options.max_message_bytes = 300'000;
  d.again();
  d.established();
  d.durable(99);
  const std::string large(2'000'000, 'L');
  const auto bytes = d.message(1, 5, large) + d.message(1, 6, "next");
  std::string waiting;
  std::size_t most = 0;
  for (std::size_t at = 0; at < bytes.size(); at += 10'000) {
    waiting += bytes.substr(at, 10'000);
    most = std::max(most, waiting.size());
    waiting.erase(0, d.feed(waiting));
  }
  CHECK(waiting.empty());
  CHECK(most < 300'000);
  REQUIRE(d.handler.all.size() == 2);
  CHECK(d.handler.all[0].payload_bytes == large.size());
  CHECK(d.handler.all[0].payload.size() < 300'000);
  CHECK(d.handler.all[1].payload == "next");
  CHECK(d.acknowledged() == packets{puback(5), puback(6)});
}
