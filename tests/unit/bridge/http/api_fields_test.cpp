// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/api/fields.hpp"
#include <doctest/doctest.h>

using namespace pollux;
using namespace pollux::bridge::http;

namespace {
std::string chosen(const char* document, const char* fields) {
  const auto paths = parse_fields(fields);
  REQUIRE(paths.ok());
  return select_fields(json::parse(document), *paths).dump();
}
} // namespace

TEST_CASE("only the named members stay, in the document's order") {
  const auto* twin = R"({"id":"a:b","kind":"motor","model":{"name":"m","hash":"0"},"alerts":[]})";
  CHECK(chosen(twin, "kind,id") == R"({"id":"a:b","kind":"motor"})");
  CHECK(chosen(twin, "model/hash,model/name") == R"({"model":{"name":"m","hash":"0"}})");
  CHECK(chosen(twin, "model,model/hash") == R"({"model":{"name":"m","hash":"0"}})");
  CHECK(chosen(twin, "nothing") == "{}");
  CHECK(chosen(twin, "id/deeper") == R"({"id":{}})");
}

TEST_CASE("a path goes into each element of an array") {
  CHECK(chosen(R"({"rules":[{"name":"a","state":"ok"},{"name":"b","type":"t"}]})", "rules/name") ==
        R"({"rules":[{"name":"a"},{"name":"b"}]})");
  CHECK(chosen(R"([{"id":1,"x":2},{"x":3}])", "id") == R"([{"id":1},{}])");
}

TEST_CASE("~1 is a slash in a name and ~0 a tilde") {
  CHECK(chosen(R"({"a/b":1,"a":{"b":2},"c~d":3})", "a~1b,c~0d") == R"({"a/b":1,"c~d":3})");
}

TEST_CASE("empty names, too many fields and too deep ones are refused") {
  for (const char* wrong : {"", ",", "a,", "a//b", "/a", "a/"})
    CHECK_FALSE(parse_fields(wrong).ok());
  std::string many = "a";
  for (std::size_t i = 1; i < most_fields; ++i) many += ",a";
  CHECK(parse_fields(many).ok());
  CHECK_FALSE(parse_fields(many + ",a").ok());
  std::string deep = "a";
  for (std::size_t i = 1; i < deepest_field; ++i) deep += "/a";
  CHECK(parse_fields(deep).ok());
  CHECK_FALSE(parse_fields(deep + "/a").ok());
}
