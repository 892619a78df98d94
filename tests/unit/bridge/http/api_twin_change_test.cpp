// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/api/twin_change.hpp"
#include <doctest/doctest.h>

using namespace pollux::bridge::http;

namespace {
twin_change merge(const char* patch) { return read_merge_patch(json::parse(patch)); }
twin_change operations(const char* patch) { return read_json_patch(json::parse(patch)); }
std::string wrong(const twin_change& c) { return c.errors.empty() ? "" : c.errors[0].pointer; }
} // namespace

TEST_CASE("a merge patch is taken apart into properties and parent") {
  const auto both = merge(R"({"properties":{"a":1,"b":null},"parent":"p:q"})");
  CHECK(both.errors.empty());
  CHECK(both.how == "merge");
  CHECK(both.patch == R"({"a":1,"b":null})");
  CHECK(both.parent == std::optional<std::string>("p:q"));
  CHECK(merge(R"({"parent":null})").parent == std::optional<std::string>(""));
  CHECK(merge(R"({"parent":null})").how.empty());
  CHECK_FALSE(merge(R"({"properties":{}})").parent.has_value());
  CHECK(merge(R"({"properties":null})").how == "replace");
  CHECK(merge(R"({"properties":null})").patch == "{}");
}

TEST_CASE("a merge patch of anything else is refused where it is wrong") {
  CHECK(wrong(merge("[]")) == "#");
  CHECK(wrong(merge("null")) == "#");
  CHECK(wrong(merge(R"({"id":"x:y"})")) == "#/id");
  CHECK(wrong(merge(R"({"parent":7})")) == "#/parent");
  CHECK(wrong(merge(R"({"properties":[1]})")) == "#/properties");
}

TEST_CASE("paths of a JSON patch are those of the properties") {
  const auto c = operations(R"([{"op":"test","path":"/properties/a","value":1},
    {"op":"move","from":"/properties/a","path":"/properties/b"},
    {"op":"remove","path":"/properties/x~1y"},{"op":"add","path":"/properties","value":{}}])");
  REQUIRE(c.errors.empty());
  CHECK(c.how == "json");
  CHECK(json::parse(c.patch) ==
        json::parse(R"([{"op":"test","path":"/a","value":1},{"op":"move","from":"/a","path":"/b"},
                        {"op":"remove","path":"/x~1y"},{"op":"add","path":"","value":{}}])"));
  const auto all = operations(R"([{"op":"remove","path":"/properties"}])");
  CHECK(json::parse(all.patch) == json::parse(R"([{"op":"replace","path":"","value":{}}])"));
}

TEST_CASE("a JSON patch sets, removes and tests the parent") {
  const auto c = operations(R"([{"op":"test","path":"/parent","value":null},
                                {"op":"replace","path":"/parent","value":"p:q"}])");
  REQUIRE(c.errors.empty());
  CHECK(c.how.empty());
  CHECK(c.parent_is == std::vector<std::string>{""});
  CHECK(c.parent == std::optional<std::string>("p:q"));
  CHECK(operations(R"([{"op":"remove","path":"/parent"}])").parent ==
        std::optional<std::string>(""));
  CHECK(wrong(operations(R"([{"op":"add","path":"/parent","value":"a:b"},
                             {"op":"test","path":"/parent","value":"a:b"}])")) == "#/1");
}

TEST_CASE("a JSON patch of anything else is refused where it is wrong") {
  CHECK(wrong(operations("{}")) == "#");
  CHECK(wrong(operations("[7]")) == "#/0");
  CHECK(wrong(operations(R"([{"op":"add"}])")) == "#/0");
  CHECK(wrong(operations(R"([{"op":"add","path":"/properties/a"}])")) == "#/0/value");
  CHECK(wrong(operations(R"([{"op":"grow","path":"/properties/a"}])")) == "#/0/op");
  CHECK(wrong(operations(R"([{"op":"remove","path":"/telemetry"}])")) == "#/0/path");
  CHECK(wrong(operations(R"([{"op":"remove","path":"/propertiesx"}])")) == "#/0/path");
  CHECK(wrong(operations(R"([{"op":"remove","path":""}])")) == "#/0/path");
  CHECK(wrong(operations(R"([{"op":"copy","from":"/parent","path":"/properties/a"}])")) ==
        "#/0/from");
  CHECK(wrong(operations(R"([{"op":"move","from":"/properties/a","path":"/parent"}])")) ==
        "#/0/op");
  CHECK(wrong(operations(R"([{"op":"add","path":"/parent","value":[]}])")) == "#/0/value");
  json many = json::array();
  for (std::size_t i = 0; i <= most_operations; ++i)
    many.push_back({{"op", "remove"}, {"path", "/properties/a"}});
  CHECK(wrong(read_json_patch(many)) == "#");
}
