// SPDX-License-Identifier: Apache-2.0
#include "messages/observability/trace_context.hpp"
#include <doctest/doctest.h>
#include <random>
#include <regex>
#include <string>

using namespace pollux::messages;

namespace {
const std::string good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// The rules once more, as a pattern.
bool by_pattern(const std::string& text) {
  static const std::regex shape(
      "(?!ff)([0-9a-f]{2})-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-[!-~]*)?");
  if (text.size() > 512 || !std::regex_match(text, shape)) return false;
  return text.size() == 55 || !text.starts_with("00");
}
} // namespace

TEST_CASE("a traceparent tells its trace, its parent and whether it is sampled") {
  const auto read = parse_traceparent(good);
  REQUIRE(read);
  CHECK(read->trace_id == "4bf92f3577b34da6a3ce929d0e0e4736");
  CHECK(read->parent_id == "00f067aa0ba902b7");
  CHECK(read->sampled);
  CHECK_FALSE(parse_traceparent(good.substr(0, 53) + "02")->sampled);
  CHECK(trace_id_of(good) == "4bf92f3577b34da6a3ce929d0e0e4736");
  CHECK(valid_traceparent(good) == good);
}

TEST_CASE("what is no traceparent is ignored") {
  for (const std::string& text :
       {std::string{}, std::string("00-1"), good + "-00", good + "x", "ff" + good.substr(2),
        "00-" + std::string(32, '0') + good.substr(35), good.substr(0, 36) + "0000000000000000-01",
        std::string("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"), good.substr(0, 54),
        "0g" + good.substr(2), good.substr(0, 35) + "_" + good.substr(36),
        "cc" + good.substr(2) + "x", "cc" + good.substr(2) + "-\n",
        "cc" + good.substr(2) + "-" + std::string(500, 'x')}) {
    CAPTURE(text);
    CHECK_FALSE(parse_traceparent(text));
    CHECK(trace_id_of(text).empty());
    CHECK(valid_traceparent(text).empty());
  }
}

TEST_CASE("of a later version what this one knows is read") {
  CHECK(trace_id_of("cc" + good.substr(2)) == "4bf92f3577b34da6a3ce929d0e0e4736");
  CHECK(trace_id_of("cc" + good.substr(2) + "-what-else") == "4bf92f3577b34da6a3ce929d0e0e4736");
}

TEST_CASE("property: damaged traceparents are judged as a pattern of the rules judges them") {
  std::mt19937 random{17};
  const std::string alphabet = "0123456789abcdefABCDEFgx-- \n\xff";
  int taken = 0;
  for (int i = 0; i < 5'000; ++i) {
    auto text = i % 2 == 0 ? good : "cc" + good.substr(2) + "-later";
    for (auto changes = random() % 3; changes > 0; --changes) {
      const auto at = random() % text.size();
      const char c = alphabet[random() % alphabet.size()];
      if (random() % 4 == 0)
        text.erase(at, 1);
      else if (random() % 3 == 0)
        text.insert(at, 1, c);
      else
        text[at] = c;
    }
    CAPTURE(text);
    REQUIRE(parse_traceparent(text).has_value() == by_pattern(text));
    taken += by_pattern(text) ? 1 : 0;
  }
  CHECK(taken > 1'000);
  CHECK(taken < 4'500);
}
