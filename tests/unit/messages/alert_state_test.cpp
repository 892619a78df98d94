// SPDX-License-Identifier: Apache-2.0
// What an incident has come to, told from its transitions.
#include "messages/documents.hpp"
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::messages;

namespace {

struct step_of {
  alert_transition transition;
  silence quiet = silence::none;
};

std::string state(std::initializer_list<step_of> steps) {
  std::vector<effect> all;
  for (const auto& s : steps) {
    effect e;
    e.kind = effect_kind::alert;
    e.alert.transition = s.transition;
    e.alert.quiet = s.quiet;
    all.push_back(e);
  }
  return alert_state(all);
}

} // namespace

TEST_CASE("the state of an incident is what its transitions lead to") {
  using enum alert_transition;
  CHECK(state({{raised}}) == "active");
  CHECK(state({{raised}, {acknowledged}}) == "acknowledged");
  CHECK(state({{raised}, {acknowledged}, {cleared}}) == "cleared");
  CHECK(state({{raised}, {cleared}, {reopened}}) == "active");
  CHECK(state({{raised}, {acknowledged}, {latched}}) == "latched");
  CHECK(state({{raised}, {latched}, {reopened}, {acknowledged}}) == "acknowledged");
  CHECK(state({{raised}, {flapping}}) == "flapping");
  CHECK(state({{raised}, {flapping}, {settled}, {cleared}}) == "cleared");
  CHECK(state({{raised}, {snoozed}}) == "snoozed");
  CHECK(state({{raised}, {snoozed}, {cleared, silence::snoozed}}) == "cleared");
  CHECK(state({{raised}, {snoozed}, {raised}}) == "active");
  CHECK(state({{raised, silence::maintenance}}) == "maintenance");
  CHECK(state({{raised, silence::shelved}, {raised}}) == "active");
  CHECK(state({{raised}, {suppressed}}) == "suppressed");
  CHECK(state({{raised}, {shelved}}) == "shelved");
  CHECK(state({{raised}, {shelved}, {unshelved}}) == "active");
  CHECK(state({{emitted}}) == "emitted");
  CHECK(state({{emitted}, {corrected}}) == "emitted");
  CHECK(state({{emitted}, {corrected}, {retracted}}) == "retracted");
  CHECK(state({{raised}, {cleared}, {corrected}}) == "active");
  CHECK(state({{raised}, {retracted}}) == "retracted");
  CHECK(state({{raised}, {severity_changed}, {escalated}, {assigned}, {commented}}) == "active");
  // records of their own
  CHECK(state({{shelved}}) == "shelved");
  CHECK(state({{shelved}, {unshelved}}) == "ended");
  CHECK(state({{maintenance_started}}) == "maintenance");
  CHECK(state({{maintenance_started}, {maintenance_ended}}) == "ended");
  for (const char* over : {"cleared", "emitted", "retracted", "ended"}) CHECK(is_over(over));
  for (const char* open : {"active", "acknowledged", "latched", "shelved"})
    CHECK_FALSE(is_over(open));
}

TEST_CASE("evidence shows windows and the path, a transition who, until when and why in silence") {
  effect e;
  e.kind = effect_kind::alert;
  e.alert.transition = alert_transition::escalated;
  e.alert.rule = "hot";
  e.alert.type = "z_score";
  e.alert.revision = 2;
  e.alert.to = "shift-lead";
  e.alert.late = true;
  e.alert.until_ns = 5 * ns_per_s;
  e.alert.quiet = silence::shelved;
  e.alert.members = {"a:b 1"};
  e.alert.proof.windows = {{"t_5m", 3, 2.5, 0.5, 2, 3, ns_per_s, 2 * ns_per_s}};
  e.alert.proof.path = {{"rise", ns_per_s, {{"value", 4.5}}}, {"spike", 2 * ns_per_s, {}}};
  const auto data = nlohmann::json::parse(cloud_event("a:b", e))["data"];
  CHECK(data["to"] == "shift-lead");
  CHECK(data["late"] == true);
  CHECK(data["until"] == "1970-01-01T00:00:05Z");
  CHECK(data["silent"] == "shelved");
  CHECK(data["members"][0] == "a:b 1");
  CHECK(data["rule_type"] == "z_score");
  CHECK(data["rule_revision"] == 2);
  const auto window = data["evidence"]["windows"][0];
  CHECK(window["name"] == "t_5m");
  CHECK(window["count"] == 3);
  CHECK(window["m2"] == 0.5);
  CHECK(window["to"] == "1970-01-01T00:00:02Z");
  REQUIRE(data["evidence"]["path"].size() == 2);
  CHECK(data["evidence"]["path"][0]["numbers"]["value"] == 4.5);
  CHECK(data["evidence"]["path"][1]["stage"] == "spike");
  const auto shown = nlohmann::json::parse(alert_document("a:b", {e}))["transitions"][0];
  CHECK(shown["silent"] == "shelved");
  CHECK(shown["rule_revision"] == 2);
}
