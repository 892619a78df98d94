// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/wot/affordance_feed.hpp"
#include "bridge/http/wot/directory_events.hpp"
#include "bridge/http/wot/thing_description.hpp"
#include <doctest/doctest.h>
#include <fstream>
#include <iterator>

using namespace pollux;
using namespace pollux::bridge::http;

namespace {

thing_shape shipped(const std::string& name) {
  std::ifstream file(std::string(POLLUX_SOURCE_DIR) + "/config/models/" + name + ".json");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  auto shape = shape_of_model(name, "abc", text);
  REQUIRE(shape);
  return *shape;
}

json zone() {
  return parse_document(R"({"id":"site1:zone-1","properties":{"title":"Zone 1","floor":2},
    "properties_revision":3,"parent":"site1:house",
    "telemetry":{"zone_temperature":{"value":21.5,"event_time":"2023-11-14T22:13:20Z"},
                 "extra one":{"value":"on","event_time":"2023-11-14T22:13:20Z"}}})");
}

const thing_address open_door{"http://127.0.0.1:8080", false};

/// Takes what it is given, as long as it is told to.
struct basket : outlet {
  std::string text;
  bool takes = true;
  bool push(chunk bytes) override {
    if (takes) text += *bytes;
    return takes;
  }
  [[nodiscard]] std::size_t unsent() const override { return 0; }
  void close() override { takes = false; }
};

json state_at(const char* time, double value) {
  return {{"telemetry", {{"t", {{"value", value}, {"event_time", time}}}}}};
}

std::string hub_frame(const char* kind, const json& document) {
  return "id: e-1\nevent: " + std::string(kind) + "\ndata: " +
         dump({{"id", "e-1"}, {"kind", kind}, {"twin", "a:b"}, {"document", document}}) + "\n\n";
}

json alert_of(std::initializer_list<const char*> transitions) {
  json out{{"twin", "a:b"}, {"rule", "hot"}, {"incident", "i"}, {"state", "active"}};
  for (const char* id : transitions)
    out["transitions"].push_back({{"id", id}, {"transition", "raised"}, {"severity", "warning"}});
  return out;
}

} // namespace

TEST_CASE("a model's telemetry, commands and rules become properties, actions and events") {
  const auto td = thing_description(shipped("building"), zone(), open_door);
  CHECK(td["@context"][0] == "https://www.w3.org/2019/wot/td/v1");
  CHECK(td["@context"][1] == "https://www.w3.org/2022/wot/td/v1.1");
  CHECK(td["id"] == "urn:pollux:site1:zone-1");
  CHECK(td["base"] == "http://127.0.0.1:8080/things/site1:zone-1/");
  const auto& temperature = td["properties"]["zone_temperature"];
  CHECK(temperature["type"] == "number");
  CHECK(temperature["unit"] == "Cel");
  CHECK(temperature["minimum"] == -30);
  CHECK(temperature["maximum"] == 70);
  CHECK(temperature["readOnly"] == true);
  CHECK(temperature["forms"][0]["href"] == "properties/zone_temperature");
  CHECK(temperature["forms"][1]["subprotocol"] == "sse");
  const auto& input = td["actions"]["set_setpoint"]["input"];
  CHECK(input["required"] == json::array({"setpoint"}));
  CHECK(input["properties"]["setpoint"]["minimum"] == 16);
  CHECK(input["properties"]["setpoint"]["maximum"] == 28);
  CHECK(input["properties"]["setpoint"]["unit"] == "Cel");
  CHECK(td["events"].contains("hvac_idle"));
  CHECK_FALSE(td["events"].contains("zone_temperature_5m")); // a window tells nobody
}

TEST_CASE("what the twin reports beyond its model is described by its value, and escaped") {
  const auto td = thing_description(shipped("building"), zone(), open_door);
  CHECK(td["properties"]["extra one"]["type"] == "string");
  CHECK(td["properties"]["extra one"]["forms"][0]["href"] == "properties/extra%20one");
}

TEST_CASE("what people say of a twin can be written; its title is the thing's") {
  const auto td = thing_description(shipped("building"), zone(), open_door);
  CHECK(td["title"] == "Zone 1");
  const auto& floor = td["properties"]["floor"];
  CHECK(floor["type"] == "number");
  CHECK_FALSE(floor.contains("readOnly"));
  CHECK(floor["forms"][0]["op"] == json({"readproperty", "writeproperty"}));
  CHECK(td["properties"]["properties"]["type"] == "object");
}

TEST_CASE("one security scheme: none on an open loopback, else bearer with tickets for streams") {
  const auto shape = shipped("building");
  const auto free = thing_description(shape, zone(), open_door);
  CHECK(free["security"] == json::array({"nosec_sc"}));
  CHECK(free["securityDefinitions"]["nosec_sc"]["scheme"] == "nosec");
  const auto td = thing_description(shape, zone(), {"https://twins.example", true});
  CHECK(td["security"] == json::array({"bearer_sc"}));
  CHECK(td["securityDefinitions"].size() == 1);
  CHECK(td["events"]["silent"]["forms"][0]["href"] == "events/silent{?ticket}");
  CHECK(td["events"]["silent"]["uriVariables"].contains("ticket"));
}

TEST_CASE("the base is the address the client used; a Host that is none is not repeated") {
  request r;
  r.headers = {{"host", "127.0.0.1:8080"}};
  r.who = identity::loopback();
  CHECK(address_of(r).origin == "http://127.0.0.1:8080");
  CHECK_FALSE(address_of(r).bearer);
  r.secure = true;
  r.who.credential = "hash";
  CHECK(address_of(r).origin == "https://127.0.0.1:8080");
  CHECK(address_of(r).bearer);
  r.headers = {{"host", "x/\"><script>"}};
  CHECK(address_of(r).origin == "https://localhost");
}

TEST_CASE("a Thing Model has the names, types, units and ranges of the model, and no forms") {
  const auto tm = thing_model(shipped("pump"));
  CHECK(tm["@type"] == "tm:ThingModel");
  CHECK(tm["properties"].size() == 8);
  CHECK(tm["properties"]["flow_rate"]["unit"] == "l/min");
  CHECK(tm["properties"]["pressure"]["minimum"] == -5);
  CHECK_FALSE(dump(tm).find("forms") != std::string::npos);
}

TEST_CASE("a text that is no model is refused") {
  CHECK_FALSE(shape_of_model("m", "h", "[1"));
  CHECK_FALSE(shape_of_model("m", "h", "3"));
}

TEST_CASE("a thing goes by its twin's id and by its URN") {
  CHECK(twin_of_thing("plant1:press-7") == "plant1:press-7");
  CHECK(twin_of_thing(thing_urn("plant1:press-7")) == "plant1:press-7");
}

TEST_CASE(
    "an observer gets each newer value once, bare and unnamed, and nothing before it is due") {
  const auto to = std::make_shared<basket>();
  affordance_feed feed(to, observed_telemetry("t"));
  const auto push = [&](const json& d) {
    return feed.push(std::make_shared<const std::string>(hub_frame("state", d)));
  };
  CHECK_FALSE(push(state_at("2023-11-14T22:13:21Z", 2))); // the present value has yet to come
  CHECK(to->text.empty());
  CHECK(feed.tell("state", state_at("2023-11-14T22:13:20Z", 1.5)));
  feed.ready();
  CHECK(push(state_at("2023-11-14T22:13:21Z", 2)));
  CHECK(push(state_at("2023-11-14T22:13:21Z", 2)));
  CHECK(push(state_at("2023-11-14T22:13:19Z", 9)));
  CHECK(to->text == "id: 2023-11-14T22:13:20Z\ndata: 1.5\n\n"
                    "id: 2023-11-14T22:13:21Z\ndata: 2.0\n\n");
}

TEST_CASE("what a client did not take is told again") {
  const auto to = std::make_shared<basket>();
  affordance_feed feed(to, observed_telemetry("t"));
  feed.ready();
  to->takes = false;
  CHECK_FALSE(feed.tell("state", state_at("2023-11-14T22:13:20Z", 1)));
  to->takes = true;
  CHECK(feed.tell("state", state_at("2023-11-14T22:13:20Z", 1)));
  CHECK(to->text.find("data: 1") != std::string::npos);
}

TEST_CASE("who comes back has the value of that time already") {
  const auto at = std::int64_t{1'700'000'000'000'000'000}; // 2023-11-14T22:13:20Z
  auto reads = observed_telemetry("t", at);
  CHECK(reads->news("state", state_at("2023-11-14T22:13:20Z", 1)).empty());
  CHECK(reads->news("state", state_at("2023-11-14T22:13:20.5Z", 1)).size() == 1);
}

TEST_CASE("a subscriber gets each transition of the rule once, after where they began") {
  domain::effect_id after;
  REQUIRE(domain::parse_effect_id("0000000000000007-0-0", after));
  auto reads = subscribed_rule("hot", after);
  const auto first =
      reads->news("alert", alert_of({"0000000000000007-0-0", "0000000000000008-0-1"}));
  REQUIRE(first.size() == 1);
  CHECK(first[0].id == "0000000000000008-0-1");
  CHECK(first[0].data["rule"] == "hot");
  CHECK(first[0].data["transition"] == "raised");
  const auto second = reads->news(
      "alert", alert_of({"0000000000000007-0-0", "0000000000000008-0-1", "000000000000000a-0-0"}));
  REQUIRE(second.size() == 1);
  CHECK(second[0].id == "000000000000000a-0-0");
  auto other = alert_of({"000000000000000b-0-0"});
  other["rule"] = "cold";
  CHECK(reads->news("alert", other).empty());
  CHECK(reads->news("state", alert_of({"000000000000000c-0-0"})).empty());
}

TEST_CASE("a loss before the feed makes it look the twin up again") {
  const auto to = std::make_shared<basket>();
  affordance_feed feed(to, subscribed_rule("hot", {}));
  int lost = 0;
  feed.ready([&] { ++lost; });
  CHECK(feed.push(std::make_shared<const std::string>("event: missed\ndata: {\"events\":3}\n\n")));
  CHECK(lost == 1);
  CHECK(to->text.empty());
}

TEST_CASE("the directory's description tells of its events, the unnamed form first") {
  const auto td = directory_description(open_door);
  for (const char* name : {"thingCreated", "thingUpdated", "thingDeleted"}) {
    const auto& forms = td["events"][name]["forms"];
    REQUIRE(forms.size() == 2);
    CHECK(forms[0]["href"].get<std::string>().ends_with("?named=false"));
    CHECK(forms[0]["subprotocol"] == "sse");
  }
  CHECK(td["events"]["thingCreated"]["forms"][1]["href"] == "events/thing_created");
  const auto closed = directory_description({"https://desk.example", true});
  CHECK(closed["events"]["thingCreated"]["forms"][0]["href"] ==
        "events/thing_created?named=false{&ticket}");
  CHECK(closed["events"]["thingCreated"]["uriVariables"].contains("ticket"));
}

TEST_CASE("a directory's feed gives events of its type alone, with the thing's URN") {
  const auto event = [](std::string_view kind, const char* id) {
    return "id: " + std::string(id) + "\nevent: " + std::string(kind) +
           "\ndata: " + dump({{"id", id}, {"kind", kind}, {"twin", "a:b"}, {"document", nullptr}}) +
           "\n\n";
  };
  const auto all = std::make_shared<const std::string>(
      event(thing_created, "e-1") + event(thing_updated, "e-2") + event(thing_created, "e-3"));
  const auto named = std::make_shared<basket>();
  directory_feed feed(named, thing_created, true);
  CHECK(feed.push(all));
  CHECK(named->text == "id: e-1\nevent: thing_created\ndata: {\"id\":\"urn:pollux:a:b\"}\n\n"
                       "id: e-3\nevent: thing_created\ndata: {\"id\":\"urn:pollux:a:b\"}\n\n");
  const auto plain = std::make_shared<basket>();
  directory_feed unnamed(plain, thing_updated, false);
  CHECK(unnamed.push(all));
  CHECK(plain->text == "id: e-2\ndata: {\"id\":\"urn:pollux:a:b\"}\n\n");
  const auto lost = std::make_shared<const std::string>("event: missed\ndata: {\"events\":3}\n\n");
  CHECK(feed.push(lost));
  CHECK(named->text.ends_with(*lost));
  CHECK(unnamed.push(lost));
  CHECK(plain->text.find("missed") == std::string::npos); // it would read it as a thing
  plain->takes = false;
  CHECK_FALSE(unnamed.push(all)); // the hub comes again with it
}
