// SPDX-License-Identifier: Apache-2.0
// An operator's action against what the twin's document shows.
#include "actors/alert_action_state.hpp"
#include "domain/base/time.hpp"
#include <doctest/doctest.h>

using namespace pollux;
using namespace pollux::actors;
using domain::alert_verb;
using messages::alert_action;
using nlohmann::json;

namespace {

const json twin = json::parse(R"({
  "rules": [{"name": "hot"}, {"name": "cold"}],
  "alerts": [{"incident": "1", "rule": "hot", "state": "active", "transitions": 3},
             {"incident": "2", "rule": "cold", "state": "latched", "latched": true,
              "snoozed_until": "1970-01-01T00:00:09Z", "assigned_to": "bob", "transitions": 2}],
  "shelved": [{"rule": "cold", "until": "1970-01-01T00:00:09Z"}],
  "maintenance": [{"id": "7", "until": "1970-01-01T00:00:09Z", "reason": "oil"}]})");

alert_action on(const char* incident, const char* detail = "") {
  alert_action a;
  a.twin = "a:b";
  a.incident = incident;
  a.detail = detail;
  a.until_ns = 9 * ns_per_s;
  return a;
}

alert_action of_rule(const char* rule) {
  auto a = on("");
  a.rule = rule;
  return a;
}

errc code(const status& s) { return s.ok() ? errc{} : s.error().code; }

} // namespace

TEST_CASE("what cannot be done is refused with the reason, before it is journaled") {
  CHECK(parse_alert_verb("reset").ok());
  CHECK(parse_alert_verb("rest").error().what.find("snooze") != std::string::npos);
  CHECK(can_be_done(alert_verb::clear, on("1"), twin).ok());
  CHECK(code(can_be_done(alert_verb::clear, on("3"), twin)) == errc::not_found);
  CHECK(code(can_be_done(alert_verb::reset, on("1"), twin)) == errc::conflict);
  CHECK(can_be_done(alert_verb::reset, on("2"), twin).ok());
  CHECK(can_be_done(alert_verb::shelve, of_rule("hot"), twin).ok());
  CHECK(code(can_be_done(alert_verb::shelve, of_rule("warm"), twin)) == errc::not_found);
  CHECK(can_be_done(alert_verb::stop_maintenance, on(""), twin).ok());
  CHECK(code(can_be_done(alert_verb::stop_maintenance, on("8"), twin)) == errc::not_found);
}

TEST_CASE("words that make no sense are refused") {
  const auto now = 8 * ns_per_s;
  CHECK(check_words(alert_verb::snooze, on("1"), now).ok());
  CHECK_FALSE(check_words(alert_verb::snooze, on("1"), 9 * ns_per_s).ok());
  CHECK_FALSE(check_words(alert_verb::snooze, on(""), now).ok());
  CHECK_FALSE(check_words(alert_verb::comment, on("1"), now).ok());
  CHECK(check_words(alert_verb::comment, on("1", "why"), now).ok());
  CHECK_FALSE(check_words(alert_verb::shelve, on(""), now).ok());
  CHECK(check_words(alert_verb::shelve, of_rule("hot"), now).ok());
  const std::string long_text(1025, 'x');
  CHECK_FALSE(check_words(alert_verb::comment, on("1", long_text.c_str()), now).ok());
}

TEST_CASE("what the twin shows already need not be done again") {
  CHECK(is_done(alert_verb::clear, on("3"), twin, twin));
  CHECK_FALSE(is_done(alert_verb::clear, on("1"), twin, twin));
  CHECK(is_done(alert_verb::snooze, on("2"), twin, twin));
  CHECK_FALSE(is_done(alert_verb::snooze, on("1"), twin, twin));
  CHECK(is_done(alert_verb::assign, on("2", "bob"), twin, twin));
  CHECK(is_done(alert_verb::assign, on("1", ""), twin, twin));
  CHECK_FALSE(is_done(alert_verb::assign, on("1", "bob"), twin, twin));
  CHECK(is_done(alert_verb::shelve, of_rule("cold"), twin, twin));
  CHECK(is_done(alert_verb::shelve, on("2"), twin, twin)); // the rule of that incident
  CHECK_FALSE(is_done(alert_verb::shelve, of_rule("hot"), twin, twin));
  CHECK(is_done(alert_verb::unshelve, of_rule("hot"), twin, twin));
  CHECK(is_done(alert_verb::start_maintenance, on("", "oil"), twin, twin));
  CHECK_FALSE(is_done(alert_verb::start_maintenance, on("", "belt"), twin, twin));
  CHECK(is_done(alert_verb::stop_maintenance, on("8"), twin, twin));
  CHECK_FALSE(is_done(alert_verb::stop_maintenance, on(""), twin, twin));
  CHECK_FALSE(is_done(alert_verb::comment, on("1", "why"), twin, twin));
  auto later = twin;
  later["alerts"][0]["transitions"] = 4;
  CHECK(is_done(alert_verb::comment, on("1", "why"), twin, later));
}
