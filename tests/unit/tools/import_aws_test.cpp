// SPDX-License-Identifier: Apache-2.0
// Detector models of the kinds that were common, from file to effects: each is imported, and the
// twin under the result is fed as its detector would have been.
#include "messages/model_codec.hpp"
#include "tests/unit/domain/machine/machine_fixture.hpp"
#include "tools/pollux/import_aws.hpp"
#include <algorithm>
#include <doctest/doctest.h>
#include <fstream>
#include <iterator>

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;
using pollux::cli::import_finding;
using finding = import_finding::kind;

namespace {

std::string file_of(const std::string& name) {
  std::ifstream in(std::string(POLLUX_SOURCE_DIR) + "/tests/data/import_aws/" + name + ".json");
  REQUIRE(in.good());
  return {std::istreambuf_iterator<char>(in), {}};
}

cli::import_result imported(const std::string& name) {
  auto result = cli::import_aws_detector(file_of(name), name + ".json", "");
  REQUIRE_MESSAGE(result.ok(), result.error().what);
  return std::move(*result);
}

bool has(const cli::import_result& r, finding what, const std::string& path,
         const std::string& text) {
  for (const auto& f : r.findings)
    if (f.what == what && f.path == path && f.text.find(text) != std::string::npos)
      return path.empty() || f.line > 0;
  for (const auto& f : r.findings)
    MESSAGE(int(f.what) << " " << f.line << ":" << f.column << " " << f.path << ": " << f.text);
  return false;
}

class any_hash final : public model_source {
public:
  explicit any_hash(const std::string& json) {
    auto parsed = messages::parse_model(json, "model.json");
    REQUIRE_MESSAGE(parsed.ok(), parsed.error().what);
    model_ = std::move(*parsed);
  }
  [[nodiscard]] std::shared_ptr<const model> find(std::string_view) const override {
    return model_;
  }

private:
  std::shared_ptr<const model> model_;
};

// A twin under an imported model; times in seconds.
class fed_twin {
public:
  explicit fed_twin(const std::string& name) : models_(imported(name).model), driver_(models_) {}
  using values = std::vector<std::pair<std::string, value_view>>;

  /// What was told, as "rule rule".
  std::string send(std::int64_t now_s, const values& v) {
    return told(driver_.reading(now_s * 1000, v));
  }
  /// The clock goes on to `now_s`.
  std::string wait(std::int64_t now_s) {
    std::string all;
    while (driver_.state.next_wakeup_ns() <= now_s * ns_per_s) {
      const auto more = told(driver_.tick(driver_.state.next_wakeup_ns() / ns_per_ms));
      all += (all.empty() || more.empty() ? "" : " ") + more;
    }
    driver_.reload();
    return all;
  }
  [[nodiscard]] std::string at() const {
    const auto why = driver_.why("machine");
    return why.substr(0, why.find(':'));
  }
  [[nodiscard]] bool shows(const std::string& text) const {
    return driver_.why("machine").find(text) != std::string::npos;
  }

private:
  static std::string told(const effects& out) {
    std::string all;
    for (const auto& e : out) {
      CHECK(e.kind == effect_kind::alert);
      all += (all.empty() ? "" : " ") + e.alert.rule;
    }
    return all;
  }
  any_hash models_;
  driver driver_;
};

value_view n(double v) { return value_view::of(v); }
value_view t(std::string_view v) { return value_view::text(v); }

} // namespace

TEST_CASE("overpressure with a countdown and a timer") {
  const auto r = imported("pressure");
  CHECK(r.model_name == "boiler_house");
  CHECK(r.count(finding::refused) == 0);
  CHECK(has(r, finding::exact, "detectorModelDefinition.states[0].onInput.transitionEvents[0]",
            "\"tooHigh\" to \"Hot\""));
  CHECK(has(r, finding::difference,
            "detectorModelDefinition.states[1].onEnter.events[0].actions[0].sns", "\"BoilerHot\""));
  CHECK(has(r, finding::difference, "", "told apart by \"boilerId\""));
  CHECK(r.configuration.find("topic = \"Steam/{name}\"\ntwin = \"boiler_house:{name}\"") !=
        std::string::npos);

  fed_twin boiler("pressure");
  CHECK(boiler.send(0, {{"drum.pressure", n(9)}}).empty());
  CHECK(boiler.at() == "Calm");
  CHECK(boiler.send(10, {{"drum.pressure", n(13)}}) == "BoilerHot");
  CHECK(boiler.send(20, {{"drum.pressure", n(12)}}).empty());
  CHECK(boiler.shows("strikes = 2"));
  CHECK(boiler.send(30, {{"drum.pressure", n(14)}}).empty()); // the timer starts anew
  for (int s = 40; s <= 60; s += 10) boiler.send(s, {{"drum.pressure", n(11)}});
  CHECK(boiler.shows("strikes = 0"));
  CHECK(boiler.wait(329).empty());
  CHECK(boiler.at() == "Hot");
  boiler.wait(330);
  CHECK(boiler.at() == "Calm");
}

TEST_CASE("a heartbeat that stops, and comes back") {
  const auto r = imported("heartbeat");
  CHECK(r.count(finding::refused) == 0);
  CHECK(r.model_name == "gateway_heartbeat");
  CHECK(r.configuration.find("rule = \"ops_gateways_lost\"\ntopic = \"ops/gateways/lost\"") !=
        std::string::npos);
  fed_twin gateway("heartbeat");
  CHECK(gateway.send(0, {{"sequence no", n(1)}}).empty());
  CHECK(gateway.send(100, {{"sequence no", n(2)}}).empty());
  CHECK(gateway.wait(219).empty());
  CHECK(gateway.wait(220) == "ops_gateways_lost");
  CHECK(gateway.at() == "gone");
  CHECK(gateway.wait(9000).empty());
  CHECK(gateway.send(9001, {{"sequence no", n(3)}}) == "ops_gateways_back");
  CHECK(gateway.wait(9121) == "ops_gateways_lost");
}

TEST_CASE("a thermostat with two inputs, a least running time and a definition alone") {
  const auto r = imported("thermostat");
  CHECK(r.count(finding::refused) == 0);
  CHECK(r.model_name == "imported");
  CHECK(has(r, finding::difference,
            "states[1].onInput.transitionEvents[0].actions[0].iotTopicPublish", "the payload"));
  CHECK(has(r, finding::difference, "", "no key"));
  fed_twin hall("thermostat");
  CHECK(hall.send(0, {{"room.temperature", n(30)}}).empty());
  CHECK(hall.at() == "Unset");
  hall.send(10, {{"target", n(20)}, {"quick", value_view::of(false)}});
  CHECK(hall.at() == "Resting");
  CHECK(hall.send(20, {{"room.temperature", n(22)}}) == "hall_cooler_on");
  CHECK(hall.send(30, {{"room.temperature", n(18)}}).empty()); // not before it ran 200 s
  CHECK(hall.at() == "Cooling");
  CHECK(hall.wait(219).empty());
  CHECK(hall.shows("ready = false"));
  CHECK(hall.wait(220).empty());
  CHECK(hall.shows("ready = true"));
  CHECK(hall.send(230, {{"room.temperature", n(18)}}) == "hall_cooler_off");
  hall.send(240, {{"target", n(15)}, {"quick", value_view::of(true)}});
  CHECK(hall.shows("target = 15"));
  CHECK(hall.send(250, {{"room.temperature", n(18)}}) == "hall_cooler_on");
  CHECK(hall.send(260, {{"room.temperature", n(13)}}).empty()); // now it has to run for 150 s
  CHECK(hall.wait(400).empty());
  CHECK(hall.send(401, {{"room.temperature", n(13)}}) == "hall_cooler_off");
}

TEST_CASE("strain counted over two inputs that come apart") {
  const auto r = imported("vibration");
  CHECK(r.count(finding::refused) == 0);
  CHECK(r.model_name == "crane_motor");
  fed_twin motor("vibration");
  CHECK(motor.send(0, {{"rms", n(5)}}).empty());
  CHECK(motor.shows("strain = 0")); // nothing known of the heat yet
  CHECK(motor.send(1, {{"celsius", n(90)}}).empty());
  CHECK(motor.send(2, {{"rms", n(6)}}).empty());
  CHECK(motor.send(3, {{"rms", n(6)}}).empty());
  CHECK(motor.shows("strain = 3"));
  CHECK(motor.send(4, {{"rms", n(3)}}) == "Maintenance"); // conditions see values as before
  CHECK(motor.send(5, {{"rms", n(7)}}).empty());
  CHECK(motor.send(6, {{"celsius", n(20)}}).empty());
  CHECK(motor.shows("strain = 0"));
  CHECK(motor.shows("told = \"no\""));
}

TEST_CASE("an alarm that is acknowledged, snoozed and reset by messages") {
  const auto r = imported("alarm");
  CHECK(r.count(finding::refused) == 0);
  CHECK(has(r, finding::difference, "detectorModelDefinition.states[0].onInput.events[0].condition",
            "unknown()"));
  fed_twin tank("alarm");
  CHECK(tank.send(0, {{"limit", n(80)}, {"value", n(50)}}).empty());
  CHECK(tank.shows("limit = 80"));
  CHECK(tank.send(10, {{"value", n(85)}}) == "LevelAlarm");
  CHECK(tank.at() == "Alarming");
  tank.send(20, {{"command", t("snooze for a while")}});
  CHECK(tank.at() == "Snoozed");
  CHECK(tank.wait(139).empty());
  CHECK(tank.wait(140) == "LevelAlarm");
  CHECK(tank.wait(740) == "LevelAlarm"); // nobody has acknowledged
  tank.send(750, {{"command", t("acknowledge")}});
  CHECK(tank.at() == "Acknowledged");
  tank.send(760, {{"value", n(85)}}); // the command was in another message: it is gone
  CHECK(tank.at() == "Acknowledged");
  tank.send(770, {{"value", n(60)}});
  CHECK(tank.at() == "Normal");
  CHECK(tank.send(780, {{"value", n(90)}}) == "LevelAlarm");
  tank.send(790, {{"command", t("mute")}});
  tank.send(800, {{"command", t("reset")}});
  CHECK(tank.at() == "Normal");
  CHECK(tank.send(810, {{"value", n(91)}}).empty());
  CHECK(tank.at() == "Alarming");
}

TEST_CASE("what cannot be said is refused with place and reason, and the rest is kept") {
  const auto r = imported("refused");
  const std::string at = "detectorModelDefinition.states[0].";
  const std::string e = at + "onInput.events[";
  CHECK(has(r, finding::refused, e + "0].actions[1].lambda", "a Lambda function"));
  CHECK(has(r, finding::refused, e + "0].actions[2].dynamoDB", "a DynamoDB table"));
  CHECK(has(r, finding::refused, e + "0].actions[3].sqs", "an SQS queue"));
  CHECK(has(r, finding::refused, e + "0].actions[4].iotEvents", "another detector"));
  CHECK(has(r, finding::refused, e + "1].condition", "bitand()"));
  CHECK(has(r, finding::refused, e + "2].condition", "convert()"));
  CHECK(has(r, finding::refused, e + "3].condition", "an element of an array"));
  CHECK(has(r, finding::refused, e + "4].condition", "at character 13: a value is due"));
  CHECK(has(r, finding::refused, e + "5].actions[0].setVariable.value", "put together with +"));
  CHECK(has(r, finding::refused, e + "5].actions[1].setVariable.value", "${...}"));
  CHECK(has(r, finding::refused, e + "5].actions[2].iotTopicPublish", "a topic put together"));
  CHECK(has(r, finding::refused, e + "6].condition", "a text stands where a number is due"));
  CHECK(has(r, finding::difference, e + "7].condition", "never true there"));
  CHECK(has(r, finding::refused, at + "onInput.transitionEvents[0]", "\"elsewhere\" is none"));
  CHECK(has(r, finding::refused, at + "onPause", "not known"));
  CHECK(r.count(finding::refused) == 14);
  const auto earlier = [](const auto& a, const auto& b) {
    return a.line != 0 && (b.line == 0 || a.line < b.line);
  };
  CHECK(std::is_sorted(r.findings.begin(), r.findings.end(), earlier));
  for (const auto& f : r.findings)
    if (f.text.find("Lambda") != std::string::npos) CHECK(f.line == 12);

  fed_twin rest("refused");
  rest.send(0, {{"x", n(2)}});
  CHECK(rest.shows("n = 1"));
}

TEST_CASE("what is no detector model at all is an error") {
  const auto error = [](const std::string& text) {
    const auto r = cli::import_aws_detector(text, "f.json", "");
    return r ? std::string("none") : r.error().what;
  };
  CHECK(error("{").starts_with("f.json:"));
  CHECK(error("{\"a\": 1}").find("no detector model") != std::string::npos);
  CHECK(error("{\"alarmModelName\": \"x\", \"alarmRule\": {}}").find("an alarm model") !=
        std::string::npos);
  CHECK(error("{\"states\": [{\"stateName\": \"s\"}], \"initialStateName\": \"t\"}")
            .find("none of its states") != std::string::npos);
}

TEST_CASE("a name can be given, and bad ones are made good") {
  const auto r = cli::import_aws_detector(file_of("heartbeat"), "f", "my gateways!");
  REQUIRE(r.ok());
  CHECK(r->model_name == "my_gateways_");
  CHECK(r->model.find("\"name\": \"my_gateways_\"") != std::string::npos);
}

TEST_CASE("an event with nothing to say, and a timer that is only asked for, compile") {
  const auto r = cli::import_aws_detector(
      R"j({"initialStateName": "s", "states": [{"stateName": "s", "onInput": {"events": [{},
        {"eventName": "e", "actions": [{"setVariable": {"variableName": "late",
          "value": "timeout(\"never set\") || $variable.late"}}]}]}}]})j",
      "f", "");
  REQUIRE(r.ok());
  CHECK(r->count(finding::refused) == 0);
  CHECK(r->model.find("timeout('never set')") != std::string::npos);
}
