// SPDX-License-Identifier: Apache-2.0
#include "domain/base/twin_id.hpp"
#include <doctest/doctest.h>

using namespace pollux;

TEST_CASE("a twin id splits at its colon") {
  const auto id = parse_twin_id("plant1:press-7");
  REQUIRE(id.ok());
  CHECK(id->name_space == "plant1");
  CHECK(id->name == "press-7");
  CHECK(parse_twin_id(std::string(128, 'a') + ":" + std::string(128, 'b')).ok());
}

TEST_CASE("a malformed twin id is refused with the character and its place") {
  const auto what = [](std::string_view text) {
    const auto id = parse_twin_id(text);
    REQUIRE_FALSE(id.ok());
    CHECK(id.error().code == errc::invalid_argument);
    return id.error().what;
  };
  CHECK(what("press-7").find("no \":\"") != std::string::npos);
  CHECK(what("").find("no \":\"") != std::string::npos);
  CHECK(what(":a").find("namespace is empty") != std::string::npos);
  CHECK(what("a:").find("name is empty") != std::string::npos);
  CHECK(what("a:b/c").find("\"/\" at character 4") != std::string::npos);
  CHECK(what("a:b:c").find("\":\" at character 4") != std::string::npos);
  CHECK(what(std::string_view("a:b\0", 4)).find("0x00 at character 4") != std::string::npos);
  CHECK(what("a:\xc3\xa9").find("0xc3 at character 3") != std::string::npos);
  CHECK(what(std::string(129, 'a') + ":b").find("129 bytes") != std::string::npos);
  CHECK(what("a:" + std::string(129, 'b')).find("129 bytes") != std::string::npos);
}

TEST_CASE("an id part is 1 to 128 letters, digits, underscores, dots and dashes") {
  CHECK(is_id_part("A-z_0.9"));
  CHECK(is_id_part(std::string(128, 'x')));
  CHECK_FALSE(is_id_part(""));
  CHECK_FALSE(is_id_part(std::string(129, 'x')));
  CHECK_FALSE(is_id_part("a b"));
  CHECK_FALSE(is_id_part("a:b"));
  CHECK_FALSE(is_id_part("#"));
}
