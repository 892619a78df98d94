// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/api/cursor.hpp"
#include <doctest/doctest.h>
#include <random>

using namespace pollux;
using namespace pollux::bridge::http;

TEST_CASE("a cursor gives its place back, whatever bytes that is") {
  std::mt19937 dice(7);
  for (int round = 0; round < 500; ++round) {
    std::string place;
    for (auto left = dice() % 60; left > 0; --left) place += static_cast<char>(dice() & 255);
    const auto cursor = seal_cursor("twins *", place);
    CHECK(cursor.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                   "0123456789-_") == std::string::npos);
    const auto back = open_cursor("twins *", cursor);
    REQUIRE(back.ok());
    CHECK(*back == place);
  }
}

TEST_CASE("a cursor that was altered in one letter, cut or lengthened is refused") {
  const auto cursor = seal_cursor("twins *", "plant1:press-7");
  for (std::size_t i = 0; i < cursor.size(); ++i) {
    for (const char other : {'A', 'b', '-', '_', '9', '=', ' ', '\0', '\xff'}) {
      if (cursor[i] == other) continue;
      auto altered = cursor;
      altered[i] = other;
      CHECK_FALSE(open_cursor("twins *", altered).ok());
    }
    CHECK_FALSE(open_cursor("twins *", cursor.substr(0, i)).ok());
  }
  for (const char more : {'A', '=', '.'}) CHECK_FALSE(open_cursor("twins *", cursor + more).ok());
  CHECK_FALSE(open_cursor("twins *", std::string(100'000, 'A')).ok());
}

TEST_CASE("a cursor belongs to its question alone") {
  const auto cursor = seal_cursor("twins plant1:*", "plant1:press-7");
  CHECK(open_cursor("twins plant1:*", cursor).ok());
  CHECK_FALSE(open_cursor("twins plant2:*", cursor).ok());
  CHECK(open_cursor("twins plant2:*", cursor).error().code == errc::invalid_argument);
}
