// SPDX-License-Identifier: Apache-2.0
// What we send, byte by byte and read back by a little reader of this file's own, which knows
// nothing of the codec.
#include "packet_fixtures.hpp"
#include <map>
#include <random>

using namespace pollux::bridge::mqtt;
using namespace pollux::bridge::mqtt::made;

namespace {

/// Takes fields from the front of a packet and complains when they are not there.
struct little_reader {
  std::string_view rest;

  std::string take(std::size_t count) {
    REQUIRE(rest.size() >= count);
    std::string out(rest.substr(0, count));
    rest.remove_prefix(count);
    return out;
  }
  std::uint64_t number(std::size_t bytes) {
    std::uint64_t out = 0;
    for (const char c : take(bytes)) out = out * 256 + static_cast<unsigned char>(c);
    return out;
  }
  std::size_t variable() {
    std::size_t out = 0, unit = 1;
    for (;; unit *= 128) {
      const auto next = number(1);
      out += (next % 128) * unit;
      if (next < 128) return out;
    }
  }
  std::string field() { return take(number(2)); }
};

/// Type and flags in one byte, and the body; nothing may follow.
std::pair<unsigned, std::string> split(const std::string& bytes) {
  little_reader in{bytes};
  const auto first = static_cast<unsigned>(in.number(1));
  const auto length = in.variable();
  CHECK(in.rest.size() == length);
  return {first, std::string(in.rest)};
}

struct read_connect {
  std::string protocol, client_id, username, password;
  unsigned version = 0, flags = 0, keep_alive = 0;
  std::map<unsigned, std::uint64_t> properties;
};

read_connect read_back(const std::string& bytes) {
  const auto [first, body] = split(bytes);
  CHECK(first == 0x10);
  read_connect out;
  little_reader in{body};
  out.protocol = in.field();
  out.version = static_cast<unsigned>(in.number(1));
  out.flags = static_cast<unsigned>(in.number(1));
  out.keep_alive = static_cast<unsigned>(in.number(2));
  if (out.version == 5) {
    const auto length = in.variable();
    const auto block = in.take(length);
    little_reader properties{block};
    while (!properties.rest.empty()) {
      const auto id = static_cast<unsigned>(properties.number(1));
      CHECK(!out.properties.contains(id));
      out.properties[id] = properties.number(id == 0x21 || id == 0x22 ? 2 : 4);
    }
  }
  out.client_id = in.field();
  if (out.flags & 0x80) out.username = in.field();
  if (out.flags & 0x40) out.password = in.field();
  CHECK(in.rest.empty());
  return out;
}

std::string connect_bytes(const connect_request& request) {
  std::string out;
  write_connect(out, request);
  return out;
}

std::string random_text(std::mt19937& random, std::size_t most) {
  std::string out(random() % (most + 1), ' ');
  for (auto& c : out) c = static_cast<char>('a' + random() % 26);
  return out;
}

} // namespace

TEST_CASE("311, 5 [MQTT-3.1.2-1]: CONNECT names MQTT, its version and its keep-alive") {
  connect_request request;
  request.version = 4;
  request.client_id = "id";
  request.keep_alive_s = 0x0102;
  CHECK(connect_bytes(request) ==
        packet(0x10, text("MQTT") + byte(4) + byte(0) + u16(0x0102) + text("id")));
  request.version = 5;
  request.clean_start = true;
  CHECK(connect_bytes(request) ==
        packet(0x10, text("MQTT") + byte(5) + byte(2) + u16(0x0102) + block("") + text("id")));
}

TEST_CASE("311 [MQTT-3.1.2-11] [MQTT-3.1.2-3], 5 [MQTT-3.1.2-11]: no will, no reserved flag") {
  for (const unsigned version : {4u, 5u})
    for (const bool clean : {false, true}) {
      connect_request request;
      request.version = version;
      request.clean_start = clean;
      request.client_id = "c";
      request.username = "u";
      request.password = "p";
      CHECK((read_back(connect_bytes(request)).flags & 0x3D) == 0);
    }
}

TEST_CASE("311 [MQTT-3.1.2-18..21], 5 [MQTT-3.1.2-16..19]: name and password as their flags say") {
  for (const unsigned version : {4u, 5u})
    for (const auto* name : {"", "user"})
      for (const auto* password : {"", "secret"}) {
        connect_request request;
        request.version = version;
        request.username = name;
        request.password = password;
        const auto back = read_back(connect_bytes(request));
        CHECK(back.username == name);
        CHECK(back.password == password);
        CHECK(((back.flags & 0x40) != 0) == (*password != '\0'));
      }
}

TEST_CASE("311 [MQTT-3.1.2-22]: a password never goes without a name") {
  connect_request request;
  request.password = "p";
  request.version = 4;
  CHECK((read_back(connect_bytes(request)).flags & 0xC0) == 0xC0);
  request.version = 5; // where it may
  CHECK((read_back(connect_bytes(request)).flags & 0xC0) == 0x40);
}

TEST_CASE("311, 5 [MQTT-3.1.3-1] [MQTT-3.1.3-3]: client id, name, password, in this order") {
  connect_request request;
  request.client_id = "one";
  request.username = "two";
  request.password = std::string_view("\0three", 6);
  const auto bytes = connect_bytes(request);
  CHECK(bytes.substr(bytes.size() - 18) ==
        text("one") + text("two") + text(std::string_view("\0three", 6)));
}

TEST_CASE("any CONNECT is read back as it was asked") {
  std::mt19937 random(4);
  for (int round = 0; round < 2000; ++round) {
    connect_request request;
    const auto id = random_text(random, 40), name = random_text(random, 10),
               password = random_text(random, 300);
    request.version = random() % 2 == 0 ? 4 : 5;
    request.client_id = id;
    request.username = name;
    request.password = password;
    request.clean_start = random() % 2 == 0;
    request.keep_alive_s = static_cast<std::uint16_t>(random());
    request.receive_maximum = static_cast<std::uint16_t>(random() % 3 * 1000);
    request.topic_alias_maximum = static_cast<std::uint16_t>(random() % 3);
    request.session_expiry_s = static_cast<std::uint32_t>(random() % 3 * 0x01020304);
    request.maximum_packet_size = random() % 2 == 0 ? 0 : 2'000'000;
    const auto back = read_back(connect_bytes(request));
    CHECK(back.protocol == "MQTT");
    CHECK(back.version == request.version);
    CHECK(back.client_id == id);
    CHECK(back.username == name);
    CHECK(back.password == password);
    CHECK(((back.flags & 2) != 0) == request.clean_start);
    CHECK(back.keep_alive == request.keep_alive_s);
    std::map<unsigned, std::uint64_t> expected;
    if (request.version == 5) {
      if (request.session_expiry_s != 0) expected[0x11] = request.session_expiry_s;
      if (request.receive_maximum != 0) expected[0x21] = request.receive_maximum;
      if (request.topic_alias_maximum != 0) expected[0x22] = request.topic_alias_maximum;
      if (request.maximum_packet_size != 0) expected[0x27] = request.maximum_packet_size;
    }
    CHECK(back.properties == expected);
  }
}

TEST_CASE("a text too long for its length is cut at a whole character") {
  std::string long_id(65'534, 'a');
  long_id += "\xE2\x82\xAC\xE2\x82\xAC";
  const std::string long_password(70'000, '\x82');
  connect_request request;
  request.client_id = long_id;
  request.password = long_password;
  const auto back = read_back(connect_bytes(request));
  CHECK(back.client_id == std::string(65'534, 'a'));
  CHECK(back.password.size() == 65'535);
}

TEST_CASE("311, 5 [MQTT-3.8.1-1]: SUBSCRIBE has the flags 0010, an id and its filters") {
  std::string out;
  write_subscribe(out, 4, 0x0102, {{"a/+", 1}, {"b/#", 2}});
  CHECK(out == packet(0x82, u16(0x0102) + text("a/+") + byte(1) + text("b/#") + byte(2)));
  out.clear();
  subscribe_filter all{"c", 2, 2, true, true};
  write_subscribe(out, 5, 9, {{"a/+", 1}, all});
  CHECK(out == packet(0x82, u16(9) + block("") + text("a/+") + byte(1) + text("c") + byte(0x2E)));
}

TEST_CASE("311 [MQTT-3.8.3-4], 5 [MQTT-3.8.3-5]: the options' reserved bits are 0") {
  std::mt19937 random(5);
  for (int round = 0; round < 300; ++round) {
    subscribe_filter one{"f", static_cast<std::uint8_t>(random() % 3),
                         static_cast<std::uint8_t>(random() % 3), random() % 2 == 0,
                         random() % 2 == 0};
    for (const unsigned version : {4u, 5u}) {
      std::string out;
      write_subscribe(out, version, 1, {one});
      const auto options = static_cast<unsigned char>(out.back());
      CHECK((options & 3) == one.qos);
      CHECK((options & 0xC0) == 0);
      if (version == 4) CHECK((options & 0xFC) == 0);
      if (version == 5) {
        CHECK((options >> 4) == one.retain_handling);
        CHECK(((options & 8) != 0) == one.retain_as_published);
        CHECK(((options & 4) != 0) == one.no_local);
      }
    }
  }
}

TEST_CASE("311 [MQTT-3.8.3-3], 5 [MQTT-3.8.3-2]: no SUBSCRIBE without a filter") {
  std::string out = "before";
  write_subscribe(out, 5, 1, {});
  CHECK(out == "before");
}

TEST_CASE("5 [MQTT-3.8.3-4]: no-local is never asked of a shared subscription") {
  subscribe_filter shared{"$share/g/a", 1, 0, false, true};
  std::string out;
  write_subscribe(out, 5, 1, {shared});
  CHECK(static_cast<unsigned char>(out.back()) == 1);
}

TEST_CASE("311 [MQTT-2.3.1-6], 5 [MQTT-2.2.1-5]: acknowledgements carry the id they are given") {
  const std::map<packet_type, unsigned> kinds{{packet_type::puback, 0x40},
                                              {packet_type::pubrec, 0x50},
                                              {packet_type::pubrel, 0x62},
                                              {packet_type::pubcomp, 0x70}};
  for (const auto& [type, first] : kinds)
    for (const unsigned version : {4u, 5u}) {
      std::string out;
      write_acknowledgement(out, version, type, 0xFFFE);
      CHECK(out == packet(first, u16(0xFFFE)));
      out.clear();
      write_acknowledgement(out, version, type, 1, reason::packet_id_not_found);
      CHECK(out == packet(first, version == 5 ? u16(1) + byte(0x92) : u16(1)));
      CHECK(verdict<acknowledgement>(out, version) ==
            (version == 5 && first < 0x60 ? reason::protocol_error : reason::success));
    }
}

TEST_CASE("pings and disconnects are as short as they can be") {
  std::string out;
  write_ping(out);
  CHECK(out == std::string("\xC0\x00", 2));
  out.clear();
  write_disconnect(out, 4, reason::protocol_error);
  CHECK(out == std::string("\xE0\x00", 2));
  out.clear();
  write_disconnect(out, 5);
  CHECK(out == std::string("\xE0\x00", 2));
  out.clear();
  write_disconnect(out, 5, reason::receive_maximum_exceeded);
  CHECK(out == std::string("\xE0\x01\x93", 3));
}

TEST_CASE("every code of the two texts has words, and no other") {
  std::size_t named = 0;
  for (unsigned code = 0; code < 256; ++code)
    named += to_string(static_cast<reason>(code)) != std::string_view("unknown reason");
  CHECK(named == 43);
  CHECK(connect_refusal(4, 5) == std::string_view("not authorized"));
  CHECK(connect_refusal(4, 6) == std::string_view("unknown return code"));
  CHECK(connect_refusal(5, 0x8A) == std::string_view("banned"));
}
