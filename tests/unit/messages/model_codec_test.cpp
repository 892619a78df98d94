// SPDX-License-Identifier: Apache-2.0
#include "messages/model_codec.hpp"
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::messages;
using type = config_node::type;

namespace {

config_node tree(std::string_view json) {
  auto parsed = parse_config_tree(json, "m.json");
  REQUIRE_MESSAGE(parsed.ok(), (parsed.ok() ? "" : parsed.error().what));
  return *parsed;
}

std::string refusal(std::string_view json) {
  const auto parsed = parse_config_tree(json, "m.json");
  CAPTURE(json);
  REQUIRE_FALSE(parsed.ok());
  CHECK(parsed.error().code == errc::invalid_argument);
  return parsed.error().what;
}

std::string place(const config_node& node) {
  return std::to_string(node.line) + ":" + std::to_string(node.column);
}

std::string file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  REQUIRE(in.good());
  std::ostringstream bytes;
  bytes << in.rdbuf();
  return bytes.str();
}

} // namespace

TEST_CASE("a tree holds every kind of value with its place") {
  const auto root = tree("{\n  \"a\": [1, -2.5e3, \"x\\n\\u00e9\"],\n  \"b\": {\"c\": true, \"d\": "
                         "null},\n  \"e\": {}\n}\n");
  REQUIRE(root.kind == type::object);
  CHECK(place(root) == "1:1");
  REQUIRE(root.members.size() == 3);
  const auto& a = *root.find("a");
  REQUIRE(a.kind == type::array);
  CHECK(place(a) == "2:8");
  REQUIRE(a.members.size() == 3);
  CHECK(a.members[0].second.number == 1);
  CHECK(a.members[1].second.number == -2500);
  CHECK(place(a.members[1].second) == "2:12");
  CHECK(a.members[2].second.text == "x\n\xc3\xa9");
  const auto& b = *root.find("b");
  CHECK(b.find("c")->kind == type::boolean);
  CHECK(b.find("c")->boolean);
  CHECK(place(*b.find("c")) == "3:14");
  CHECK(b.find("d")->kind == type::null);
  CHECK(root.find("e")->members.empty());
  CHECK(place(*root.find("e")) == "4:8");
}

TEST_CASE("what is not JSON is refused with file, line and column") {
  CHECK(refusal("") == "m.json:1:1: the text is empty");
  CHECK(refusal("  \n ") == "m.json:1:1: the text is empty");
  CHECK(refusal("3") == "m.json:1:1: expected { or [");
  CHECK(refusal("{\n \"a\": 1\n \"b\": 2}").find("m.json:3:2: not JSON: ") == 0);
  CHECK(refusal("{\n \"a\": tru\n}").find("only true, false and null") > 0);
  CHECK(refusal("{\n \"a\": 01\n}").find("m.json:2:7: not JSON: malformed number") == 0);
  CHECK(refusal("{\n \"a\": 1e999\n}").find("m.json:2:7: not JSON: malformed number") == 0);
  CHECK(refusal("{\n \"a\": NaN\n}").find("m.json:2:7: not JSON: ") == 0);
  CHECK(refusal("{\n \"a\": nope\n}").find("only true, false and null") > 0);
  CHECK(refusal("{\n \"a\": \"b,\n \"c\": 1\n}") ==
        "m.json:2:7: not JSON: this text is not closed on its line");
  CHECK(refusal("{\n \"a\": \"\\q\"}").find("m.json:2:7: not JSON: malformed text") == 0);
  CHECK(refusal("{\n \"a\": [1, 2}").find("m.json:2:12: not JSON: ") == 0);
  CHECK(refusal("{\n \"a\": [1, 2]").find("m.json:2:12: not JSON: ") == 0);
  CHECK(refusal("{\"a\": 1} x").find("m.json:1:10: expected the end") == 0);
  CHECK(refusal("{\"a\": [1,]}").find("m.json:1:10: not JSON: ") == 0);
  CHECK(refusal("{\"a\": }").find("m.json:1:7: not JSON: ") == 0);
  CHECK(refusal("{a: 1}").find("m.json:1:2: not JSON: ") == 0);
  CHECK(refusal("{\"a\": \"\xff\"}") == "m.json:1:8: this is not UTF-8");
  CHECK(refusal("{\n \"\xc3\xa9\xe2\x82\xac\": \"\xc3\"}") == "m.json:2:12: this is not UTF-8");
}

TEST_CASE("a key that stands twice in one object is refused at the second") {
  CHECK(refusal("{\"a\": 1,\n \"b\": 2,\n \"a\": 3}") ==
        "m.json:3:2: the key \"a\" stands here twice");
  CHECK(refusal("{\"a\": 1, \"\\u0061\": 3}").find("stands here twice") != std::string::npos);
  CHECK(tree("{\"a\": {\"a\": 1}}").find("a")->find("a")->number == 1);
}

TEST_CASE("depth and size are bounded") {
  const auto nested = [](std::size_t levels) {
    return std::string(levels, '[') + std::string(levels, ']');
  };
  CHECK(tree(nested(64)).kind == type::array);
  CHECK(refusal(nested(65)) == "m.json:1:65: nested deeper than 64 levels");
  CHECK(refusal(nested(400'000)).find("nested deeper") != std::string::npos);
  std::string large = "[\"" + std::string(max_model_bytes, 'x') + "\"]";
  CHECK(refusal(large).find("larger than 1 MB") != std::string::npos);
}

TEST_CASE("canonical JSON sorts keys, drops space and keeps numbers exactly") {
  CHECK(canonical_json(tree("{ \"b\" : [ 1.0, 0.1, 1e3, -0.0, true, null, {} , [] ],\n"
                            "\"a\":\"q\\\"\\\\\\n\xc3\xa9\" }")) ==
        "{\"a\":\"q\\\"\\\\\\u000a\xc3\xa9\",\"b\":[1,0.1,1000,0,true,null,{},[]]}");
}

TEST_CASE("property: the canonical text of a canonical text is itself") {
  std::mt19937 random{1};
  const auto roll = [&](unsigned below) { return static_cast<unsigned>(random() % below); };
  const auto grow = [&](auto&& self, unsigned depth) -> std::string {
    switch (roll(depth == 0 ? 4 : 6)) {
    case 0: return std::to_string(static_cast<double>(random()) / 7 - 1e8);
    case 1: return roll(2) == 0 ? "true" : "null";
    case 2: return "\"t\\u00" + std::to_string(10 + roll(60)) + "\"";
    case 3: return std::to_string(roll(100)) + "e-" + std::to_string(roll(200));
    case 4: {
      std::string out = "[";
      for (unsigned n = roll(4); n > 0; --n) out += self(self, depth - 1) + (n > 1 ? ", " : "");
      return out + " ]";
    }
    default: {
      std::string out = "{";
      for (unsigned n = roll(4); n > 0; --n)
        out += "\"k" + std::to_string(n * 7 % 5) + "\": " + self(self, depth - 1) +
               (n > 1 ? ",\n" : "");
      return out + "}";
    }
    }
  };
  for (int i = 0; i < 2'000; ++i) {
    const std::string json = "[" + grow(grow, 4) + "]";
    CAPTURE(json);
    const std::string once = canonical_json(tree(json));
    REQUIRE(canonical_json(tree(once)) == once);
  }
}

TEST_CASE("property: damaged model files are refused with a place or read, never more") {
  const std::string good =
      "{\"name\":\"motor\",\n\"telemetry\":{\"v\":{\"unit\":\"mm/s\",\"min\":0.5}},\n"
      "\"operators\":[{\"name\":\"w\",\"type\":\"window\",\"of\":\"v\",\"span\":\"5m\"}]}";
  std::mt19937 random{2};
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string json = good;
    for (int n = 0; n <= i % 3; ++n)
      json[random() % json.size()] =
          i % 2 == 0 ? static_cast<char>(random() % 256) : "{}[],:\"\\ 0e-"[random() % 12];
    if (i % 5 == 0) json.resize(random() % json.size());
    const auto parsed = parse_model(json, "m.json");
    if (parsed.ok()) {
      REQUIRE((*parsed)->hash.size() == 32);
      continue;
    }
    ++refused;
    CAPTURE(json);
    REQUIRE(parsed.error().what.find("m.json:") == 0);
    REQUIRE(parsed.error().what[7] >= '1');
    REQUIRE(parsed.error().what[7] <= '9');
  }
  CHECK(refused > 15'000);
}

TEST_CASE("a model's hash names its meaning, not its layout") {
  const auto hash = [](std::string_view json) {
    const auto parsed = parse_model(json, "m.json");
    REQUIRE_MESSAGE(parsed.ok(), (parsed.ok() ? "" : parsed.error().what));
    return (*parsed)->hash;
  };
  const auto first = hash(R"({"name":"m","telemetry":{"t":{"min":0}}})");
  CHECK(first.size() == 32);
  CHECK(first == hash("{\"telemetry\" : {\"t\": {\"min\" : 0.0}},\n \"name\": \"m\"}"));
  CHECK(first != hash(R"({"name":"m","telemetry":{"t":{"min":1}}})"));
}

TEST_CASE("a mistake in a model names file, line, column and the nearest valid key") {
  const auto parsed = parse_model("{\"name\": \"m\",\n \"telemetri\": {}}", "config/m.json");
  REQUIRE_FALSE(parsed.ok());
  CHECK(parsed.error().what.find("config/m.json:2:") == 0);
  CHECK(parsed.error().what.find("did you mean \"telemetry\"?") != std::string::npos);
}

TEST_CASE("every shipped model compiles") {
  int models = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(POLLUX_SOURCE_DIR "/config/models")) {
    const auto name = entry.path().filename().string();
    if (entry.path().extension() != ".json") continue;
    CAPTURE(name);
    const std::string json = file(entry.path());
    if (name == "model.schema.json") {
      CHECK(tree(json).find("$schema") != nullptr);
      continue;
    }
    ++models;
    const auto parsed = parse_model(json, name);
    REQUIRE_MESSAGE(parsed.ok(), (parsed.ok() ? "" : parsed.error().what));
    CHECK((*parsed)->name + ".json" == name);
    CHECK_FALSE((*parsed)->telemetry.empty());
    CHECK_FALSE((*parsed)->operators.empty());
  }
  CHECK(models >= 6);
}
