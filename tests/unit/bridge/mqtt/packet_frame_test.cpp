// SPDX-License-Identifier: Apache-2.0
// Fixed headers, remaining lengths and texts, as the MQTT 3.1.1 ("311") and MQTT 5 texts number
// their statements.
#include "bridge/mqtt/receiver/wire.hpp"
#include "packet_fixtures.hpp"
#include <random>

using namespace pollux::bridge::mqtt;
using namespace pollux::bridge::mqtt::made;

namespace {

framing frame_of(std::string_view bytes, std::size_t limit = 268'435'460, reason* why = nullptr) {
  frame found;
  defect wrong;
  const auto out = next_frame(bytes, limit, found, wrong);
  if (why != nullptr) *why = wrong.code;
  return out;
}

/// UTF-8 by its definition: decode each character, then look whether it may stand so.
bool slow_text(std::string_view in) {
  for (std::size_t i = 0; i < in.size();) {
    const unsigned first = static_cast<unsigned char>(in[i]);
    unsigned more = 0, value = first, least = 0;
    if (first >= 0xF8 || (first >= 0x80 && first < 0xC0)) return false;
    if (first >= 0xF0) {
      more = 3, value = first & 7, least = 0x10000;
    } else if (first >= 0xE0) {
      more = 2, value = first & 15, least = 0x800;
    } else if (first >= 0xC0) {
      more = 1, value = first & 31, least = 0x80;
    }
    if (in.size() - i - 1 < more) return false;
    for (unsigned k = 1; k <= more; ++k) {
      const unsigned next = static_cast<unsigned char>(in[i + k]);
      if (next < 0x80 || next > 0xBF) return false;
      value = value * 64 + (next & 63);
    }
    if (value < least || value == 0 || value > 0x10FFFF) return false;
    if (value >= 0xD800 && value <= 0xDFFF) return false;
    i += 1 + more;
  }
  return true;
}

bool slow_topic(std::string_view in) {
  return slow_text(in) && in.find_first_of("+#") == std::string_view::npos;
}

} // namespace

TEST_CASE("311 [MQTT-2.2.2-1] [MQTT-2.2.2-2], 5 [MQTT-2.1.3-1]: reserved flags close") {
  for (unsigned first = 0; first < 256; ++first) {
    const auto type = first >> 4, flags = first & 15;
    bool fine = flags == 0;
    if (type == 0) fine = false;
    if (type == 3) fine = (flags & 6) != 6 && (flags & 14) != 8;
    if (type == 6 || type == 8 || type == 10) fine = flags == 2;
    const auto bytes = byte(first) + byte(0);
    CAPTURE(first);
    reason why{};
    CHECK(frame_of(bytes, 100, &why) == (fine ? framing::whole : framing::broken));
    if (!fine) CHECK(why == reason::malformed_packet);
    if (!fine) CHECK(frame_of(byte(first)) == framing::broken); // the first byte is enough
  }
}

TEST_CASE("5 [MQTT-3.15.1-1]: an AUTH with flags set is malformed") {
  CHECK(frame_of(byte(0xF0) + byte(0)) == framing::whole);
  CHECK(frame_of(byte(0xF1) + byte(0)) == framing::broken);
}

TEST_CASE("the remaining length has one to four bytes, least significant first") {
  for (const std::size_t length :
       {0u, 1u, 127u, 128u, 16'383u, 16'384u, 2'097'151u, 2'097'152u, 3'000'000u}) {
    const auto one = packet(0x30, std::string(length, 'x'));
    const auto bytes = one + "behind";
    frame found;
    defect wrong;
    CAPTURE(length);
    REQUIRE(next_frame(bytes, 268'435'460, found, wrong) == framing::whole);
    CHECK(found.size == one.size());
    CHECK(found.body == std::string(length, 'x'));
  }
  CHECK(frame_of("\x30\xFF\xFF\xFF\x7F") == framing::partial); // 268,435,455 bytes to come
  CHECK(frame_of("\x30\xFF\xFF\xFF") == framing::partial);
  reason why{};
  CHECK(frame_of("\x30\xFF\xFF\xFF\xFF", 268'435'460, &why) == framing::broken);
  CHECK(why == reason::malformed_packet);
  CHECK(frame_of("\x30\x80\x80\x80\x80\x01") == framing::broken);
}

TEST_CASE("5 [MQTT-3.1.2-24]: a packet above our maximum is refused when its header has come") {
  const auto bytes = packet(0x30, std::string(200, 'x')); // 203 bytes
  reason why{};
  CHECK(frame_of(bytes, 203) == framing::whole);
  CHECK(frame_of(bytes, 202, &why) == framing::broken);
  CHECK(why == reason::packet_too_large);
  CHECK(frame_of(bytes.substr(0, 3), 202) == framing::broken);
  CHECK(frame_of(bytes.substr(0, 2), 202) == framing::partial);
}

TEST_CASE("a PINGRESP has no body") {
  CHECK(frame_of(packet(0xD0, "")) == framing::whole);
  reason why{};
  CHECK(frame_of(packet(0xD0, "x"), 100, &why) == framing::broken);
  CHECK(why == reason::malformed_packet);
}

TEST_CASE("packets are taken one at a time from the front of what has come") {
  std::string all;
  std::vector<std::string> each = valid_packets(5);
  for (const auto& one : each) all += one;
  std::string_view rest = all;
  for (const auto& one : each) {
    frame found;
    defect wrong;
    REQUIRE(next_frame(rest, 1000, found, wrong) == framing::whole);
    CHECK(rest.substr(0, found.size) == one);
    rest.remove_prefix(found.size);
  }
  CHECK(rest.empty());
  CHECK(frame_of("") == framing::partial);
}

TEST_CASE("311 [MQTT-1.5.3-1], 5 [MQTT-1.5.4-1]: text is well-formed UTF-8 without surrogates") {
  for (const auto* fine : {"", "a", "\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF",
                           "\xEE\x80\x80", "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"})
    CHECK(is_text(fine));
  for (const auto* bad :
       {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2\x41", "\xE0\x9F\xBF", "\xE1\x80",
        "\xED\xA0\x80", "\xED\xBF\xBF", "\xF0\x8F\xBF\xBF", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80",
        "\xFE", "\xFF", "\xF1\x80\x80", "\xE1\x80\xC0", "\xF1\x80\x80\x41"}) {
    CHECK_FALSE(is_text(bad));
    CHECK_FALSE(is_text("behind eight bytes" + std::string(bad)));
    CHECK_FALSE(is_text(std::string(bad) + "before eight bytes"));
    CHECK_FALSE(is_topic_name(bad));
  }
}

TEST_CASE("311 [MQTT-1.5.3-2] [MQTT-4.7.3-2], 5 [MQTT-1.5.4-2]: text has no U+0000") {
  for (const std::size_t size : {1u, 7u, 8u, 9u, 24u, 31u})
    for (std::size_t at = 0; at < size; ++at) {
      std::string one(size, 'a');
      CHECK(is_text(one));
      one[at] = '\0';
      CHECK_FALSE(is_text(one));
      CHECK_FALSE(is_topic_name(one));
    }
}

TEST_CASE("311 [MQTT-1.5.3-3], 5 [MQTT-1.5.4-3]: EF BB BF is kept as a character") {
  CHECK(is_text("\xEF\xBB\xBF"));
  const auto bytes = packet(0x30, text("\xEF\xBB\xBFt") + "x");
  CHECK(good<publish>(bytes, 4).topic == "\xEF\xBB\xBFt");
}

TEST_CASE("texts and topic names are judged as by their definition") {
  std::mt19937 random(311);
  // bytes at the borders of the rules, so that both answers come often
  const std::string alphabet("\x00\x01 aB/+#*,\x22\x24\x7F\x80\x8F\x90\x9F\xA0\xBF\xC0\xC1\xC2\xDF"
                             "\xE0\xE1\xEC\xED\xEE\xEF\xF0\xF1\xF3\xF4\xF5\xFF",
                             35);
  std::size_t fine = 0, topics = 0;
  for (int round = 0; round < 200'000; ++round) {
    std::string one(random() % 12, 'a');
    for (auto left = random() % 5; left > 0 && !one.empty(); --left)
      one[random() % one.size()] = alphabet[random() % alphabet.size()];
    if (random() % 3 == 0) one.insert(random() % (one.size() + 1), "\xE2\x82\xAC");
    REQUIRE(is_text(one) == slow_text(one));
    REQUIRE(is_topic_name(one) == slow_topic(one));
    fine += is_text(one);
    topics += is_topic_name(one);
  }
  CHECK(topics > 20'000);
  CHECK(topics < fine);
  CHECK(fine < 150'000);
  for (unsigned value = 1; value < 256; ++value) { // every byte at every place of two words
    std::string one(16, 'a');
    for (auto& c : one) {
      c = static_cast<char>(value);
      REQUIRE(is_topic_name(one) == slow_topic(one));
      c = 'a';
    }
  }
}

TEST_CASE("5 [MQTT-1.5.5-1]: a variable byte integer has no bytes it does not need") {
  const auto take = [](std::string_view bytes) -> std::optional<std::uint32_t> {
    wire_reader in(bytes);
    std::uint32_t out = 0;
    if (!in.take_variable(out)) return std::nullopt;
    return out;
  };
  for (const std::uint32_t value : {0u, 127u, 128u, 16'383u, 16'384u, 2'097'152u, 268'435'455u})
    CHECK(take(variable(value)) == value);
  CHECK(!take(std::string("\x80\x00", 2)));
  CHECK(!take(std::string("\xFF\x80\x00", 3)));
  CHECK(!take("\xFF\xFF\xFF\xFF"));
  CHECK(!take("\x80\x80\x80\x80\x01"));
  CHECK(!take("\x80"));
  CHECK(!take(""));
}
