// SPDX-License-Identifier: Apache-2.0
// Golden documents: people and programs parse these, so a change of shape must be seen here first.
#include "domain/base/time.hpp"
#include "messages/documents.hpp"
#include <doctest/doctest.h>
#include <limits>
#include <nlohmann/json.hpp>

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::messages;
using json = nlohmann::ordered_json;

namespace {

constexpr std::int64_t noon = 1'700'000'000 * ns_per_s; // 2023-11-14T22:13:20Z

effect raised() {
  effect e;
  e.id = {{{0x10000000005}, 2}, 0};
  e.kind = effect_kind::alert;
  e.ingest_time_ns = noon + 250 * ns_per_ms;
  e.model_hash = "0123456789abcdef0123456789abcdef";
  e.alert.incident = e.id;
  e.alert.rule = "overheating";
  e.alert.level = severity::critical;
  e.alert.event_time_ns = noon;
  e.alert.message = "temperature 91.5 is above 90";
  e.alert.proof.field = "temperature";
  e.alert.proof.numbers = {{"value", 91.5}, {"limit", 90}};
  e.alert.proof.times = {{"window_from", noon - 60 * ns_per_s}};
  e.alert.proof.event_times_ns = {noon - ns_per_s, noon};
  e.alert.proof.explanation = "91.5 > 90";
  return e;
}

effect follow_up(alert_transition transition, std::uint32_t index) {
  auto e = raised();
  e.id = {{{0x10000000006}, index}, 0};
  e.alert.transition = transition;
  e.alert.event_time_ns = noon + index * ns_per_s;
  if (transition == alert_transition::acknowledged) e.alert.by = "anna";
  return e;
}

command_effect setpoint() {
  command_effect c;
  c.command_id = "c-1";
  c.name = "set_setpoint";
  c.numbers = {{"setpoint", 21.5}};
  c.texts = {{"zone", "north"}};
  c.expires_at_ns = noon + 30 * ns_per_s;
  return c;
}

} // namespace

TEST_CASE("an alert leaves as a CloudEvent 1.0 whose id is the effect's, with its evidence") {
  CHECK(cloud_event("plant1:press-7", raised()) ==
        R"({"specversion":"1.0","id":"plant1:press-7/0000010000000005-2-0",)"
        R"("source":"/twins/plant1:press-7","type":"io.pollux.alert.raised.v1",)"
        R"("subject":"overheating","time":"2023-11-14T22:13:20Z",)"
        R"("datacontenttype":"application/json","data":{"twin":"plant1:press-7",)"
        R"("incident":"0000010000000005-2-0","rule":"overheating","severity":"critical",)"
        R"("transition":"raised","message":"temperature 91.5 is above 90",)"
        R"("event_time":"2023-11-14T22:13:20Z","ingest_time":"2023-11-14T22:13:20.250Z",)"
        R"("model_hash":"0123456789abcdef0123456789abcdef",)"
        R"("evidence":{"field":"temperature","numbers":{"value":91.5,"limit":90.0},)"
        R"("times":{"window_from":"2023-11-14T22:12:20Z"},)"
        R"("event_times":["2023-11-14T22:13:19Z","2023-11-14T22:13:20Z"],)"
        R"("explanation":"91.5 > 90"}}})");
}

TEST_CASE("a command's step leaves as a CloudEvent named after its phase") {
  effect e;
  e.id = {{{7}, 0}, 1};
  e.kind = effect_kind::command;
  e.ingest_time_ns = noon;
  e.model_hash = "m";
  e.command = setpoint();
  e.command.phase = command_phase::timed_out;
  e.command.detail = "no reply";
  CHECK(cloud_event("site:hvac", e) ==
        R"({"specversion":"1.0","id":"site:hvac/0000000000000007-0-1",)"
        R"("source":"/twins/site:hvac","type":"io.pollux.command.timed_out.v1",)"
        R"("subject":"set_setpoint","time":"2023-11-14T22:13:20Z",)"
        R"("datacontenttype":"application/json","data":{"twin":"site:hvac",)"
        R"("command_id":"c-1","command":"set_setpoint","phase":"timed_out",)"
        R"("arguments":{"setpoint":21.5,"zone":"north"},"expires_at":"2023-11-14T22:13:50Z",)"
        R"("detail":"no reply","ingest_time":"2023-11-14T22:13:20Z","model_hash":"m"}})");
}

TEST_CASE("what goes to a device carries the id, the arguments and when it is too late") {
  CHECK(command_payload("site:hvac", setpoint()) ==
        R"({"id":"c-1","twin":"site:hvac","command":"set_setpoint",)"
        R"("arguments":{"setpoint":21.5,"zone":"north"},"expires_at":"2023-11-14T22:13:50Z"})");
}

TEST_CASE("an incident shows its transitions oldest first and the state they lead to") {
  std::vector<effect> all{raised()};
  CHECK(json::parse(alert_document("a:b", all))["state"] == "active");
  all.push_back(follow_up(alert_transition::acknowledged, 1));
  CHECK(json::parse(alert_document("a:b", all))["state"] == "acknowledged");
  all.push_back(follow_up(alert_transition::cleared, 2));
  const auto document = json::parse(alert_document("a:b", all));
  CHECK(document["state"] == "cleared");
  CHECK(document["incident"] == "0000010000000005-2-0");
  CHECK(document["acknowledged_by"] == "anna");
  CHECK(document["raised_at"] == "2023-11-14T22:13:20Z");
  CHECK(document["cleared_at"] == "2023-11-14T22:13:22Z");
  REQUIRE(document["transitions"].size() == 3);
  CHECK(document["transitions"][0]["transition"] == "raised");
  CHECK(document["transitions"][0]["evidence"]["numbers"]["limit"] == 90);
  CHECK(document["transitions"][1]["by"] == "anna");
  CHECK(document["transitions"][2]["id"] == "0000010000000006-2-0");

  all = {follow_up(alert_transition::emitted, 1)};
  CHECK(json::parse(alert_document("a:b", all))["state"] == "emitted");
  CHECK(json::parse(alert_document("a:b", {}))["transitions"].empty());
}

TEST_CASE("a twin's document says how old values are and why a rule is silent") {
  twin_description twin;
  twin.id = "plant1:press-7";
  twin.kind = "device";
  twin.model_name = "press";
  twin.model_hash = "h";
  twin.incarnation = 1;
  twin.revision = {{0x10000000005}, 2};
  twin.readings = 12;
  twin.late = 1;
  twin.last_event_time_ns = noon;
  twin.last_ingest_time_ns = noon + ns_per_ms;
  twin.telemetry = {{"temperature", "C", true, 91.5, noon, 12},
                    {"mode", "", false, {}, no_time, 0}};
  window_statistics window{.count = 2, .mean = 3, .m2 = 2, .min = 2, .max = 4};
  window.from_ns = noon - ns_per_s;
  window.to_ns = noon;
  twin.windows = {{"w", "temperature", 300 * ns_per_s, window}, {"empty", "mode", ns_per_s, {}}};
  twin.rules = {{"drift", "z_score", "warming up", "12 of 30 samples"}};
  auto& alert = twin.alerts.emplace_back();
  alert.incident = "i-1";
  alert.rule = "overheating";
  alert.message = "hot";
  alert.raised_at_ns = noon;
  alert.acknowledged = true;
  alert.acknowledged_by = "anna";
  twin.commands = {{"c-1", "stop", command_phase::dispatched, noon, noon + ns_per_s, ""}};

  const auto document = json::parse(twin_document(twin, noon + 1500 * ns_per_ms));
  CHECK(document["revision"] == "0000010000000005-2");
  CHECK(document["model"]["name"] == "press");
  CHECK(document["next_wakeup"].is_null());
  CHECK(document["readings"]["late"] == 1);
  const auto& temperature = document["telemetry"]["temperature"];
  CHECK(temperature["value"] == 91.5);
  CHECK(temperature["age_s"] == 1.5);
  CHECK(document["telemetry"]["mode"]["value"].is_null());
  CHECK(document["telemetry"]["mode"]["age_s"].is_null());
  CHECK(document["windows"][0]["span"] == "5m");
  CHECK(document["windows"][0]["sample_stddev"].get<double>() == doctest::Approx(1.41421356));
  CHECK(document["windows"][0]["population_stddev"] == 1);
  CHECK_FALSE(document["windows"][1].contains("mean"));
  CHECK(document["rules"][0]["explanation"] == "12 of 30 samples");
  CHECK(document["alerts"][0]["acknowledged_by"] == "anna");
  CHECK(document["commands"][0]["phase"] == "dispatched");
  std::vector<std::string> keys;
  for (const auto& [key, value] : document.items()) keys.push_back(key);
  CHECK(keys == std::vector<std::string>{"id", "kind", "model", "incarnation", "revision",
                                         "connected", "last_event_time", "last_ingest_time",
                                         "next_wakeup", "readings", "memory", "telemetry",
                                         "windows", "outputs", "rules", "alerts", "commands"});
}

TEST_CASE("a twin's document tells the watermark and the lanes where its model has event time") {
  twin_description twin;
  CHECK_FALSE(json::parse(twin_document(twin, noon)).contains("event_time"));
  twin.event_time.configured = true;
  twin.event_time.late = "amend";
  CHECK(json::parse(twin_document(twin, noon))["event_time"]["clock_skew_s"].is_null());
  twin.event_time.watermark_ns = noon;
  twin.event_time.by_idle = true;
  twin.event_time.clock_skew_ns = -1500 * ns_per_ms;
  twin.event_time.reordered = 3;
  twin.event_time.late_amended = 2;
  twin.event_time.too_late = 1;
  const auto event_time = json::parse(twin_document(twin, noon))["event_time"];
  CHECK(event_time["watermark"].get<std::string>().starts_with("20"));
  CHECK(event_time["by_idle"] == true);
  CHECK(event_time["clock_skew_s"] == -1.5);
  CHECK(event_time["late"] == "amend");
  CHECK(event_time["readings"]["reordered"] == 3);
  CHECK(event_time["readings"]["late_amended"] == 2);
  CHECK(event_time["readings"]["too_late"] == 1);
}

TEST_CASE("values keep their type; what JSON cannot say does not break a document") {
  CHECK(value_json({}) == "null");
  CHECK(value_json(std::int64_t{9'007'199'254'740'993}) == "9007199254740993");
  CHECK(value_json(0.1) == "0.1");
  CHECK(value_json(true) == "true");
  CHECK(value_json(std::string("a\"b\n")) == R"("a\"b\n")");
  CHECK(value_json(std::numeric_limits<double>::quiet_NaN()) == "null");
  CHECK(value_json(std::string("\xff")) == "\"\xEF\xBF\xBD\"");
}
