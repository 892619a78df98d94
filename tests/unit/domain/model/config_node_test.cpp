// SPDX-License-Identifier: Apache-2.0
#include "domain/base/time.hpp"
#include "domain/model/config_node.hpp"
#include <doctest/doctest.h>

using namespace pollux;
using namespace pollux::domain;
using type = config_node::type;

namespace {

config_node text(std::string value, std::uint32_t line = 0, std::uint32_t column = 0) {
  config_node n;
  n.kind = type::text;
  n.text = std::move(value);
  n.line = line;
  n.column = column;
  return n;
}

config_node number(double value, std::uint32_t line = 0, std::uint32_t column = 0) {
  config_node n = text("", line, column);
  n.kind = type::number;
  n.number = value;
  return n;
}

config_node object(std::vector<config_member> members) {
  config_node n;
  n.kind = type::object;
  n.members = std::move(members);
  n.line = 3;
  n.column = 5;
  return n;
}

} // namespace

TEST_CASE("find gives an object's member and nothing of other nodes") {
  const auto node = object({{"a", number(1)}, {"b", text("x")}});
  REQUIRE(node.find("b") != nullptr);
  CHECK(node.find("b")->text == "x");
  CHECK(node.find("c") == nullptr);
  CHECK(text("a").find("a") == nullptr);
}

TEST_CASE("an error names line and column, unless a program built the node") {
  CHECK(error_at(text("x", 3, 14), "too long").what == "3:14: too long");
  CHECK(error_at(text("x"), "too long").what == "too long");
}

TEST_CASE("the nearest key is found within three edits, fewer for short words") {
  const std::vector<std::string_view> known{"temperature", "vibration", "min", "max", "span"};
  CHECK(nearest("temprature", known) == "temperature");
  CHECK(nearest("tempreature", known) == "temperature");
  CHECK(nearest("vibraton", known) == "vibration");
  CHECK(nearest("spna", known) == "span");
  CHECK(nearest("mni", known) == "min");
  CHECK(nearest("humidity", known).empty());
  CHECK(nearest("mix", known) == "min"); // as near as max; the first wins
  CHECK(nearest("abc", known).empty());
  CHECK(nearest("", known).empty());
  CHECK(nearest(std::string(100'000, 'x'), known).empty());
}

TEST_CASE("an object reader takes what is asked for, by type") {
  const auto node = object({{"name", text("hot")}, {"limit", number(3)}, {"span", text("5m")}});
  object_reader in(node, "operator");
  CHECK(in.text("name") == "hot");
  CHECK(in.text_or("message", "none") == "none");
  CHECK(in.number("limit") == 3);
  CHECK(in.number_or("clear", 2) == 2);
  CHECK(in.boolean_or("on", true));
  CHECK(in.duration_ns("span") == 300 * ns_per_s);
  CHECK(in.duration_ns_or("within", 7) == 7);
  CHECK(in.choice_or("sides", {"upper", "lower"}, 1) == 1);
  CHECK(in.finish().ok());
}

TEST_CASE("the first error wins, with its place") {
  const auto node = object({{"name", number(4, 7, 9)}, {"span", text("5x", 8, 2)}});
  object_reader in(node, "operator");
  CHECK(in.text("name").empty());
  in.duration_ns("span");
  const auto done = in.finish();
  REQUIRE_FALSE(done.ok());
  CHECK(done.error().code == errc::invalid_argument);
  CHECK(done.error().what == "7:9: \"name\" must be a text, not a number");
}

TEST_CASE("a duration must be one, and longer than nothing") {
  const auto zero = object({{"span", text("0s", 8, 2)}});
  object_reader in(zero, "window");
  in.duration_ns("span");
  CHECK(in.finish().error().what == "8:2: \"span\" must be longer than nothing");
  const auto wrong = object({{"span", text("5x", 8, 2)}});
  object_reader again(wrong, "window");
  again.duration_ns("span");
  CHECK(again.finish().error().what.find("8:2: \"span\": duration \"5x\": unknown unit") == 0);
}

TEST_CASE("a missing key is named with the object's place") {
  const auto node = object({{"name", text("a")}});
  object_reader in(node, "operator");
  in.text("name");
  in.number("limit");
  CHECK(in.finish().error().what == "3:5: operator needs \"limit\" (a number)");
}

TEST_CASE("a key nobody asked for is refused with the nearest valid one") {
  const auto node = object({{"name", text("a")}, {"sevrity", text("x", 4, 6)}});
  object_reader in(node, "operator");
  in.text("name");
  in.text_or("severity", "");
  CHECK(in.finish().error().what ==
        "4:6: operator has no key \"sevrity\"; did you mean \"severity\"?");
}

TEST_CASE("a misspelt required key is reported as the misspelling") {
  const auto node = object({{"nmae", text("a", 4, 6)}});
  object_reader in(node, "operator");
  in.text("name");
  CHECK(in.finish().error().what == "4:6: operator has no key \"nmae\"; did you mean \"name\"?");
}

TEST_CASE("a choice outside the list is refused with the list") {
  const auto node = object({{"sides", text("uper", 4, 6)}});
  object_reader in(node, "operator");
  CHECK(in.choice_or("sides", {"upper", "lower", "both"}, 0) == 0);
  CHECK(in.finish().error().what == "4:6: \"sides\" is \"uper\", expected one of \"upper\", "
                                    "\"lower\", \"both\"; did you mean \"upper\"?");
}

TEST_CASE("a reader of something that is no object says so") {
  const auto node = number(4, 2, 1);
  object_reader in(node, "operator");
  in.text("name");
  CHECK(in.finish().error().what == "2:1: operator must be an object, not a number");
}
