// SPDX-License-Identifier: Apache-2.0
// Base64 as RFC 4648 has it, and nothing else.
#include "messages/base64.hpp"
#include <doctest/doctest.h>
#include <random>

using namespace pollux::messages;

TEST_CASE("base64: the examples of RFC 4648, there and back") {
  const std::pair<const char*, const char*> examples[] = {{"", ""},
                                                          {"f", "Zg=="},
                                                          {"fo", "Zm8="},
                                                          {"foo", "Zm9v"},
                                                          {"foob", "Zm9vYg=="},
                                                          {"fooba", "Zm9vYmE="},
                                                          {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : examples) {
    CHECK(to_base64(bytes) == text);
    CHECK(from_base64(text) == std::string(bytes));
  }
  CHECK(to_base64(std::string("\xfb\xff\xbf", 3)) == "+/+/");
}

TEST_CASE("base64: property: bytes come back the same") {
  std::mt19937 random(4648);
  for (int n = 0; n < 500; ++n) {
    std::string bytes(random() % 100, '\0');
    for (auto& b : bytes) b = static_cast<char>(random() & 0xff);
    CHECK(from_base64(to_base64(bytes)) == bytes);
  }
}

TEST_CASE("base64: what it would not write is refused") {
  for (const auto* text : {"Z", "Zg", "Zg=", "Zg==Zg==", "Zh==", "Zm9=", "====", "Z===", "=g==",
                           "Zm9v\n", "Zm-v", "Zm_v", " Zg=", "Zm9v=", "Z=g="})
    CHECK_FALSE(from_base64(text).has_value());
}
