// SPDX-License-Identifier: Apache-2.0
// Valid packets cut, altered and made of nothing: the codec says what is wrong and nothing worse.
// Each damaged packet lies in a heap block of exactly its size, so that a sanitizer sees one byte
// read too many.
#include "packet_fixtures.hpp"
#include <algorithm>
#include <memory>
#include <random>

using namespace pollux::bridge::mqtt;
using namespace pollux::bridge::mqtt::made;

namespace {

bool inside(std::string_view all, std::string_view part) {
  return part.empty() ||
         (part.data() >= all.data() && part.data() + part.size() <= all.data() + all.size());
}

/// Frames and reads a copy; gives what the framing said. Views of what was accepted must lie in it.
framing digest(std::string_view bytes, unsigned version, bool* accepted = nullptr) {
  const std::unique_ptr<char[]> copy(new char[bytes.size()]);
  std::copy(bytes.begin(), bytes.end(), copy.get());
  const std::string_view all(copy.get(), bytes.size());
  frame found;
  defect wrong;
  wrong.what = "";
  const auto framed = next_frame(all, 1 << 20, found, wrong);
  if (accepted != nullptr) *accepted = false;
  if (framed == framing::broken) {
    REQUIRE(*wrong.what != '\0');
    REQUIRE(static_cast<unsigned>(wrong.code) >= 0x80);
  }
  if (framed != framing::whole) return framed;
  REQUIRE(found.size <= all.size());
  REQUIRE(inside(all, found.body));
  const auto defective = read_any(found, version);
  if (defective) {
    REQUIRE(*defective->what != '\0');
    REQUIRE(static_cast<unsigned>(defective->code) >= 0x80);
  } else if (found.type == packet_type::publish) {
    publish out;
    REQUIRE(!read(found, version, out));
    for (const auto part :
         {out.topic, out.payload, out.content_type, out.correlation_data, out.response_topic,
          out.user_properties, user_property(out.user_properties, "traceparent")})
      REQUIRE(inside(all, part));
    REQUIRE((out.qos == 0) == (out.packet_id == 0));
  }
  if (accepted != nullptr) *accepted = !defective;
  return framed;
}

} // namespace

TEST_CASE("every valid packet is accepted in its version") {
  for (const unsigned version : {4u, 5u})
    for (const auto& one : valid_packets(version)) {
      bool accepted = false;
      CHECK(digest(one, version, &accepted) == framing::whole);
      CHECK(accepted);
    }
}

TEST_CASE("every beginning of a valid packet is partial") {
  for (const unsigned version : {4u, 5u})
    for (const auto& one : valid_packets(version))
      for (std::size_t size = 0; size < one.size(); ++size)
        CHECK(digest(std::string_view(one).substr(0, size), version) == framing::partial);
}

TEST_CASE("a valid body cut anywhere, its length set right, is a defect or means less") {
  std::size_t cuts = 0, refused = 0;
  for (const unsigned version : {4u, 5u})
    for (const auto& one : valid_packets(version)) {
      frame found;
      defect wrong;
      REQUIRE(next_frame(one, 1000, found, wrong) == framing::whole);
      for (std::size_t size = 0; size < found.body.size(); ++size) {
        bool accepted = false;
        const auto cut =
            packet(static_cast<unsigned char>(one[0]), std::string(found.body.substr(0, size)));
        digest(cut, version, &accepted);
        ++cuts;
        refused += !accepted;
        // shorter is whole only where the end is a payload, a list of codes, or optional
        if (accepted && found.type == packet_type::connack) FAIL("half a CONNACK was accepted");
      }
    }
  CHECK(refused > cuts / 2);
  CHECK(refused < cuts);
}

TEST_CASE("a packet behind which bytes stand within its length is malformed") {
  for (const unsigned version : {4u, 5u})
    for (const auto& one : valid_packets(version)) {
      const auto type = static_cast<unsigned char>(one[0]) >> 4;
      // these end in a payload or a list; PINGRESP stops at its header
      if (type == 3 || type == 9 || type == 13 || (type == 11 && version == 5)) continue;
      frame found;
      defect wrong;
      REQUIRE(next_frame(one, 1000, found, wrong) == framing::whole);
      if (version == 5 && type != 2) { // without the optional rest one byte more is a code
        if (found.body.size() < 4) continue;
      }
      const auto longer =
          packet(static_cast<unsigned char>(one[0]), std::string(found.body) + '\0');
      bool accepted = true;
      digest(longer, version, &accepted);
      CAPTURE(type);
      CHECK_FALSE(accepted);
    }
}

TEST_CASE("every single-byte alteration of every valid packet is digested") {
  std::size_t changed = 0, refused = 0;
  for (const unsigned version : {4u, 5u})
    for (auto one : valid_packets(version))
      for (auto& place : one) {
        const char was = place;
        for (unsigned value = 0; value < 256; ++value) {
          place = static_cast<char>(value);
          bool accepted = false;
          digest(one, version, &accepted);
          ++changed;
          refused += !accepted;
        }
        place = was;
      }
  CHECK(changed > 100'000);
  CHECK(refused > changed / 3);
  CHECK(refused < changed);
}

TEST_CASE("random bytes, and valid packets with several bytes altered, are digested") {
  std::mt19937 random(5);
  std::size_t whole = 0;
  for (int round = 0; round < 200'000; ++round) {
    const unsigned version = random() % 2 == 0 ? 4 : 5;
    std::string bytes(random() % 40, '\0');
    if (random() % 2 == 0) {
      const auto all = valid_packets(version);
      bytes = all[random() % all.size()];
      for (auto left = random() % 4; left > 0; --left) {
        const auto at = random() % bytes.size();
        if (random() % 3 == 0)
          bytes.insert(at, 1, static_cast<char>(random()));
        else
          bytes[at] = static_cast<char>(random());
      }
    } else {
      for (auto& c : bytes) c = static_cast<char>(random());
      if (bytes.size() > 1 && random() % 2 == 0) bytes[1] = static_cast<char>(bytes.size() - 2);
    }
    whole += digest(bytes, version) == framing::whole;
  }
  CHECK(whole > 30'000);
}
