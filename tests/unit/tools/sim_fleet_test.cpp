// SPDX-License-Identifier: Apache-2.0
#include "domain/base/time.hpp"
#include "tools/pollux/sim_fleet.hpp"
#include "tools/pollux/sim_live.hpp"
#include <cmath>
#include <doctest/doctest.h>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

using namespace pollux;
using namespace pollux::tools;

namespace {

constexpr std::int64_t start = 1'700'000'000 * ns_per_s;

fleet_plan plan_with(std::uint64_t seed) {
  fleet_plan plan;
  plan.seed = seed;
  plan.start_ns = start;
  plan.faults_from_ns = start + 60 * ns_per_s;
  return plan;
}

/// Everything a fleet says in its first `readings`, as text.
std::string transcript(fleet& things, int readings) {
  std::ostringstream out;
  out.precision(17);
  sim_reading reading;
  for (int i = 0; i < readings; ++i) {
    things.next(reading);
    out << things.name(reading.index) << ' ' << reading.event_time_ns << ' ' << reading.sequence;
    for (const auto& field : reading.fields) out << ' ' << field.name << '=' << field.value.f64;
    out << '\n';
    for (const auto& fault : things.take_faults())
      out << truth_line(things, "site1", fault) << '\n';
  }
  return out.str();
}

} // namespace

TEST_CASE("the same seed gives the same readings and faults, another seed does not") {
  fleet first(plan_with(7)), second(plan_with(7)), other(plan_with(8));
  const auto text = transcript(first, 5000);
  CHECK(text == transcript(second, 5000));
  CHECK(text != transcript(other, 5000));
}

TEST_CASE("readings come in the order of event time, each thing once a period, numbered from 1") {
  auto plan = plan_with(1);
  plan.rate_hz = 5;
  fleet things(plan);
  std::map<std::uint32_t, std::int64_t> last;
  std::map<std::uint32_t, std::uint64_t> sequence;
  std::int64_t before = start;
  sim_reading reading;
  for (int i = 0; i < 3000; ++i) {
    things.next(reading);
    CHECK(reading.event_time_ns >= before);
    before = reading.event_time_ns;
    CHECK(reading.sequence == ++sequence[reading.index]);
    if (last.contains(reading.index))
      CHECK(std::llabs(reading.event_time_ns - last[reading.index] - ns_per_s / 5) <= ns_per_ms);
    last[reading.index] = reading.event_time_ns;
  }
  CHECK(last.size() == things.size());
}

TEST_CASE("every value lies within the range its shipped model declares, and none is missing") {
  fleet things(plan_with(3));
  std::map<std::string, nlohmann::json> models;
  for (const auto kind : sim_kinds) {
    std::ifstream in(std::string(POLLUX_SOURCE_DIR) + "/config/models/" + std::string(kind) +
                     ".json");
    REQUIRE(in);
    models[std::string(kind)] = nlohmann::json::parse(in);
  }
  sim_reading reading;
  for (int i = 0; i < 60'000; ++i) {
    things.next(reading);
    const auto& telemetry = models[std::string(things.kind(reading.index))]["telemetry"];
    REQUIRE(reading.fields.size() == telemetry.size());
    for (const auto& [name, value] : reading.fields) {
      INFO(things.name(reading.index), " ", std::string(name), " = ", value.f64);
      const auto& spec = telemetry.at(std::string(name));
      REQUIRE(value.f64 >= spec["min"].get<double>());
      REQUIRE(value.f64 <= spec["max"].get<double>());
    }
  }
}

TEST_CASE("each expected rule is one of the shipped model of its kind, and faults begin on time") {
  fleet things(plan_with(11));
  std::set<std::string> names;
  sim_reading reading;
  for (int i = 0; i < 40'000; ++i) {
    things.next(reading);
    for (const auto& fault : things.take_faults()) {
      CHECK(fault.event_time_ns >= start + 60 * ns_per_s);
      names.insert(std::string(fault.fault.name));
      if (fault.fault.rule.empty()) continue;
      std::ifstream in(std::string(POLLUX_SOURCE_DIR) + "/config/models/" +
                       std::string(things.kind(fault.index)) + ".json");
      const std::string text((std::istreambuf_iterator<char>(in)), {});
      CHECK(text.find("\"" + std::string(fault.fault.rule) + "\"") != std::string::npos);
    }
  }
  CHECK(names.size() == 9); // all there are: three of motors, two of each other kind
}

TEST_CASE("a bearing wears as the pattern wants it: vibration rises above 4, then heat") {
  auto plan = plan_with(5);
  plan.count = {1, 0, 0, 0};
  fleet things(plan);
  sim_reading reading;
  int rises = 0;
  double before = 0, normal = 0, hottest = 0;
  bool begun = false;
  for (int i = 0; i < 100; ++i) {
    things.next(reading);
    const double vibration = reading.fields[0].value.f64, heat = reading.fields[1].value.f64;
    if (!things.take_faults().empty()) begun = true;
    if (!begun) {
      CHECK(vibration < 4);
      normal = heat;
    }
    if (begun && rises < 3) {
      rises = vibration > 4 && vibration > before ? rises + 1 : 0;
      CHECK(heat < normal + 5);
    } else if (begun) {
      hottest = std::max(hottest, heat);
    }
    before = vibration;
  }
  CHECK(rises >= 3);
  CHECK(hottest > normal + 10);
}

TEST_CASE("a zone follows its setpoint once the command is carried out") {
  auto plan = plan_with(2);
  plan.count = {0, 1, 0, 0};
  plan.fault_every_ns = 0;
  fleet things(plan);
  sim_reading reading;
  for (int i = 0; i < 60; ++i) things.next(reading);
  CHECK(reading.fields[0].value.f64 == doctest::Approx(21).epsilon(0.03));
  const auto answer = things.command(0, "set_setpoint", 24.0);
  CHECK(answer.accepted);
  CHECK(answer.reported == "setpoint");
  for (int i = 0; i < 120; ++i) things.next(reading);
  CHECK(reading.fields[1].value.f64 == 24);
  CHECK(reading.fields[0].value.f64 == doctest::Approx(24).epsilon(0.03));
}

TEST_CASE("a command is refused with a reason: no number, out of range, unknown, by hand") {
  auto plan = plan_with(2);
  fleet things(plan);
  const auto building = *things.find("building-1"), motor = *things.find("motor-1");
  CHECK_FALSE(things.command(building, "set_setpoint", std::nullopt).accepted);
  CHECK_FALSE(things.command(building, "set_setpoint", 45.0).accepted);
  CHECK_FALSE(things.command(building, "set_setpoint", std::nan("")).accepted);
  CHECK_FALSE(things.command(building, "open_door", 1.0).accepted);
  CHECK_FALSE(things.command(motor, "set_setpoint", 21.0).accepted);
  CHECK_FALSE(things.command(motor, "set_setpoint", 21.0).detail.empty());
  CHECK(things.command(building, "set_setpoint", 21.5).accepted);
  plan.refuse_share = 1;
  fleet stubborn(plan);
  CHECK_FALSE(stubborn.command(building, "set_setpoint", 21.5).accepted);
}

TEST_CASE("things are found by their names and by nothing else") {
  fleet things(plan_with(1));
  for (std::uint32_t i = 0; i < things.size(); ++i) CHECK(things.find(things.name(i)) == i);
  for (const char* name : {"", "motor", "motor-", "motor-0", "motor-99", "motor-1x", "pump-1"})
    CHECK_FALSE(things.find(name).has_value());
}

TEST_CASE(
    "a command message is answered on its response topic, a repeated id with the same answer") {
  fleet things(plan_with(1));
  command_desk desk(things);
  live_counts counts;
  const std::array<std::string, 4> spaces = {"plant1", "site1", "fleet1", "lab1"};
  received_message message{"twins/site1/building-1/commands/set_setpoint/request",
                           R"({"id":"c1","command":"set_setpoint","arguments":{"setpoint":22.5}})",
                           "", "c1"};
  const auto first = desk.handle(message, spaces, counts);
  REQUIRE(first);
  CHECK(first->topic == "twins/site1/building-1/commands/set_setpoint/response");
  CHECK(first->correlation_data == "c1");
  const auto body = nlohmann::json::parse(first->payload);
  CHECK(body["id"] == "c1");
  CHECK(body["ok"] == true);
  CHECK(body["reported"]["setpoint"] == 22.5);

  message.response_topic = "answers/here";
  message.payload = R"({"id":"c1","arguments":{"setpoint":25}})";
  const auto again = desk.handle(message, spaces, counts);
  REQUIRE(again);
  CHECK(again->topic == "answers/here");
  CHECK(again->payload == first->payload);
  CHECK(counts.commands == 1);

  message.payload = R"({"id":"c2","arguments":{"setpoint":99}})";
  const auto refused = desk.handle(message, spaces, counts);
  REQUIRE(refused);
  CHECK(nlohmann::json::parse(refused->payload)["ok"] == false);
  CHECK(nlohmann::json::parse(refused->payload)["detail"].get<std::string>().size() > 5);
  CHECK(counts.refused == 1);
}

TEST_CASE("messages that are no command for this fleet are left alone") {
  fleet things(plan_with(1));
  command_desk desk(things);
  live_counts counts;
  const std::array<std::string, 4> spaces = {"plant1", "site1", "fleet1", "lab1"};
  const std::string good = R"({"id":"c1","arguments":{"setpoint":22}})";
  for (const auto& [topic, payload] : std::vector<std::pair<std::string, std::string>>{
           {"twins/site1/building-1/commands/set_setpoint/response", good},
           {"twins/site1/building-9/commands/set_setpoint/request", good},
           {"twins/plant1/building-1/commands/set_setpoint/request", good},
           {"twins/site1/building-1/set_setpoint/request", good},
           {"twins/site1/building-1/commands/set_setpoint/request", "no json"},
           {"twins/site1/building-1/commands/set_setpoint/request", "[1]"},
           {"twins/site1/building-1/commands/set_setpoint/request", R"({"id":5})"}}) {
    CAPTURE(topic);
    CAPTURE(payload);
    CHECK_FALSE(desk.handle({topic, payload, "", ""}, spaces, counts).has_value());
  }
  CHECK(counts.commands == 0);
}
