// SPDX-License-Identifier: Apache-2.0
// Models of Thing Models: our own come back as they were, others say what became of each part.
#include "bridge/http/wot/thing_description.hpp"
#include "messages/model_codec.hpp"
#include "tools/pollux/import_wot.hpp"
#include <doctest/doctest.h>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

using namespace pollux;
using nlohmann::json;
using finding = cli::import_finding::kind;

namespace {

json imported(const std::string& text, cli::import_result* whole = nullptr) {
  auto result = cli::import_thing_model(text, "");
  REQUIRE_MESSAGE(result.ok(), result.error().what);
  if (whole != nullptr) *whole = *result;
  REQUIRE(messages::parse_model(result->model, "m"));
  return json::parse(result->model);
}

json without(json from, std::initializer_list<const char*> members) {
  for (const char* m : members) from.erase(m);
  return from;
}

} // namespace

TEST_CASE("a shipped model comes back from its Thing Model with names, types, units and ranges") {
  for (const char* name :
       {"ambient_temperature", "building", "device", "motor", "pump", "vehicle"}) {
    CAPTURE(name);
    std::ifstream in(std::string(POLLUX_SOURCE_DIR) + "/config/models/" + name + ".json");
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    const auto before = json::parse(text);
    const auto shape = bridge::http::shape_of_model(name, "h", text);
    REQUIRE(shape);
    cli::import_result whole;
    const auto after = imported(bridge::http::thing_model(*shape).dump(), &whole);
    CHECK(whole.count(finding::refused) == 0);
    CHECK(after["name"] == name);
    json telemetry = json::object();
    const auto reported = before.value("telemetry", json::object());
    for (const auto& [key, spec] : reported.items()) {
      if (spec.value("type", "") == "samples") continue; // no property says those
      telemetry[key] = spec;
      if (spec.value("type", "") == "number") telemetry[key].erase("type"); // the default
    }
    CHECK(after.value("telemetry", json::object()) == telemetry);
    const auto commands = before.value("commands", json::object());
    for (const auto& [key, spec] : commands.items())
      CHECK(after["commands"][key] == without(spec, {"max_step", "min_interval", "ttl"}));
  }
}

TEST_CASE("what has no counterpart is named, and refused parts leave the rest") {
  cli::import_result whole;
  const auto model = imported(R"td({"@context":"https://www.w3.org/2022/wot/td/v1.1",
    "@type":["tm:ThingModel"],"title":"Press 7 (old)","description":"a press",
    "properties":{"force":{"type":"number","unit":"kN","minimum":0,"readOnly":true},
                  "mode":{"type":"string"},"shape":{"type":"object"},"odd":{}},
    "actions":{"go":{"input":{"type":"object","properties":{
                   "speed":{"type":"integer","maximum":9},"why":{"type":"string"}}}},
               "stop":{},"bare":{"input":{"type":"number"}},"a b":{}},
    "events":{"hot":{"data":{"type":"string"}}},
    "links":[{"rel":"tm:extends","href":"x"}]
})td",
                              &whole);
  CHECK(model["name"] == "press_7_old");
  CHECK(model["telemetry"] ==
        json::parse(R"({"force":{"unit":"kN","min":0},"mode":{"type":"text"}})"));
  CHECK(model["commands"] ==
        json::parse(R"({"go":{"argument":"speed","max":9},"stop":{},"bare":{}})"));
  std::map<std::string, finding> found;
  for (const auto& f : whole.findings) found[f.path] = f.what;
  CHECK(found["properties.force"] == finding::exact);
  CHECK(found["properties.mode"] == finding::difference);
  CHECK(found["properties.shape"] == finding::refused);
  CHECK(found["properties.odd"] == finding::refused);
  CHECK(found["actions.go"] == finding::difference);
  CHECK(found["actions.stop"] == finding::exact);
  CHECK(found["actions.bare"] == finding::difference);
  CHECK(found["actions.a b"] == finding::refused);
  CHECK(found["events.hot"] == finding::difference);
  CHECK(found[""] == finding::refused); // tm:extends
}

TEST_CASE("what is no Thing Model is refused, whatever its bytes") {
  for (const char* text : {"", "[]", "{}", "\xff\xfe", R"({"title":"x"})", "null"})
    CHECK_FALSE(cli::import_thing_model(text, ""));
  const std::string deep = R"({"@context":)" + std::string(500'000, '[');
  CHECK_FALSE(cli::import_thing_model(deep + std::string(500'000, ']') + "}", ""));
  // members of the wrong type are passed over
  CHECK(imported(R"({"@context":[],"title":5,"properties":[1],"actions":{"x":3},"events":null})")
            ["name"] == "thing");
}
