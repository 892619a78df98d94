// SPDX-License-Identifier: Apache-2.0
// Outgoing topics and payloads: what a placeholder is, and that no value breaks out of its place.
#include "messages/text_template.hpp"
#include <doctest/doctest.h>
#include <limits>

using namespace pollux;
using namespace pollux::messages;

namespace {

template_value look_up(std::string_view name) {
  if (name == "field") return std::string_view("temperature");
  if (name == "quoted") return std::string_view("say \"hi\"\\\n");
  if (name == "event_time_ms") return std::int64_t{1'700'000'000'000};
  if (name == "value") return 45.123;
  if (name == "third") return 1.0 / 3.0;
  if (name == "whole") return 5.0;
  if (name == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (name == "path") return std::string_view("a/b+c#d");
  return std::monostate{};
}

std::string rendered(std::string_view text, template_form form) {
  auto parsed = text_template::parse(text, form);
  REQUIRE(parsed);
  std::string out;
  parsed->render(out, look_up);
  return out;
}

} // namespace

TEST_CASE("braces of JSON are themselves, {identifier} is a placeholder") {
  CHECK(rendered(R"({"rule":"anomaly","field":"{field}","ts":{event_time_ms},"value":{value}})",
                 template_form::json) ==
        R"({"rule":"anomaly","field":"temperature","ts":1700000000000,"value":45.123})");
  CHECK(rendered("{}{ field}{Field}{1}{field", template_form::plain) ==
        "{}{ field}{Field}{1}{field");
  CHECK(rendered("{{field}}", template_form::plain) == "{temperature}");
  CHECK(rendered("", template_form::plain).empty());
}

TEST_CASE("numbers are as short as they read back exactly") {
  CHECK(rendered("{third} {whole}", template_form::plain) == "0.3333333333333333 5");
}

TEST_CASE("in JSON no value breaks out: text is escaped, what is unknown is null") {
  CHECK(rendered(R"({"a":"{quoted}","b":{quoted},"c":{nothing},"d":"{nothing}","e":{nan}})",
                 template_form::json) ==
        R"({"a":"say \"hi\"\\\u000a","b":"say \"hi\"\\\u000a","c":null,"d":"","e":null})");
}

TEST_CASE("in a topic a value stays one level") {
  CHECK(rendered("alerts/{path}/{nothing}x", template_form::topic) == "alerts/a_b_c_d/x");
}

TEST_CASE("an unknown placeholder is refused, the nearest known one is named") {
  const auto wrong = text_template::parse("{feld}", template_form::json, {"field", "value"});
  REQUIRE_FALSE(wrong.ok());
  CHECK(wrong.error().code == errc::invalid_argument);
  CHECK(wrong.error().what == "unknown placeholder {feld}; did you mean {field}?");
  const auto far =
      text_template::parse("{something_else}", template_form::json, {"field", "value"});
  CHECK(far.error().what == "unknown placeholder {something_else}; there are {field} {value}");
  const auto good =
      text_template::parse("{value}/{field}", template_form::topic, {"field", "value"});
  REQUIRE(good);
  CHECK(good->placeholders() == std::vector<std::string_view>{"value", "field"});
}
