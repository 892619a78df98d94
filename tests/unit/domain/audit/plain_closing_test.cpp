// SPDX-License-Identifier: Apache-2.0
// The second opinion on rules over windows that close: with patience, and where late readings are
// worked in.
#include "tests/unit/domain/audit/random_life.hpp"

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

constexpr std::string_view closing = R"json({
  "name": "all", "kind": "motor",
  "telemetry": {"t": {}, "v": {}, "open": {"type": "boolean"}},
  "operators": [
    {"name": "t_10s", "type": "window", "kind": "tumbling", "of": "t", "size": "10s", "offset": "3s"},
    {"name": "v_hop", "type": "window", "kind": "hopping", "of": "v", "size": "20s", "hop": "5s"},
    {"name": "t_gap", "type": "window", "kind": "session", "of": "t", "gap": "5s"},
    {"name": "beside", "type": "as_of", "of": "t", "with": ["v"], "tolerance": "20s"},
    {"name": "mean_10s", "type": "threshold", "value": "t_10s.mean", "above": 50.5, "clear": 50.2},
    {"name": "hop_max", "type": "threshold", "value": "v_hop.max - v_hop.mean", "above": 1.2},
    {"name": "gap_count", "type": "threshold", "value": "t_gap.count", "above": 4},
    {"name": "mean_for", "type": "threshold", "value": "t_10s.mean", "above": 50.2, "for": "15s",
     "clear_for": "7s"},
    {"name": "gap_for", "type": "threshold", "value": "t_gap.mean + 0 * v", "above": 50, "for": "4s"},
    {"name": "mean_times", "type": "threshold", "value": "t_10s.mean", "above": 49.8, "times": 3},
    {"name": "hop_within", "type": "threshold", "value": "v_hop.mean", "above": 4.2, "times": 3,
     "within": "12s"},
    {"name": "both_within", "type": "threshold", "value": "t + v", "above": 55, "times": 3,
     "within": "8s"},
    {"name": "join_times", "type": "threshold", "value": "beside.v", "above": 3.5, "times": 4}
  ]})json";

std::map<std::string, int> confirm_all(const std::string& text) {
  const auto model = model_text::read(text);
  std::map<std::string, int> seen;
  for (unsigned seed = 11; seed <= 13; ++seed) {
    const auto l = random_life(seed, text).run(400);
    for (const auto& alert : l.alerts) {
      if (alert.alert.transition == alert_transition::retracted) continue;
      CAPTURE(seed);
      CAPTURE(alert.alert.rule);
      CAPTURE(to_string(alert.id));
      const auto says = judge_again(model, l.journal, alert);
      REQUIRE_MESSAGE(says.says == opinion::confirmed, told(says));
      ++seen[alert.alert.rule];
      ++seen[to_string(alert.alert.transition)];
    }
  }
  for (const char* rule : {"mean_10s", "hop_max", "gap_count", "mean_for", "gap_for", "mean_times",
                           "hop_within", "both_within", "join_times"})
    CHECK_MESSAGE(seen[rule] >= 20, std::string(rule));
  return seen;
}

std::string in_time() {
  std::string text{closing};
  return text.insert(text.find("\"telemetry\""),
                     "\"event_time\": {\"disorder\": \"2s\", \"lateness\": \"40s\"}, ");
}

} // namespace

TEST_CASE("patience over windows that close is confirmed") { confirm_all(std::string(closing)); }

TEST_CASE("windows that close are confirmed where late readings are worked in") {
  auto seen = confirm_all(in_time());
  CHECK(seen["corrected"] >= 5);
}

TEST_CASE("a tampered alert over a window that closes is contradicted") {
  for (const auto& text : {std::string(closing), in_time()}) {
    const auto model = model_text::read(text);
    const auto l = random_life(12, text).run(120);
    const bool late = text != closing;
    std::map<std::string, int> tried, tampered;
    for (const auto& alert : l.alerts) {
      const auto& rule = alert.alert.rule;
      if (rule == "mean_times" || ++tried[rule] > 4) continue;
      if (alert.alert.transition == alert_transition::retracted) continue;
      CAPTURE(rule);
      CAPTURE(to_string(alert.id));
      const auto before = judge_again(model, l.journal, alert);
      auto wrong = alert;
      wrong.alert.event_time_ns += 1;
      CHECK(judge_again(model, l.journal, wrong).says == opinion::contradicted);
      for (std::size_t i = 0; i < alert.alert.proof.numbers.size(); ++i) {
        const auto& name = alert.alert.proof.numbers[i].name;
        // Of what falls due between readings the value alone is compared, where it is the same
        // before and after a correction (docs/second_opinion.md).
        const bool falls_due = rule.ends_with("_for");
        const bool compared = told(before).find("+ " + name + " is ") != std::string::npos;
        if (falls_due ? late || !compared : name.find('.') == std::string::npos) continue;
        ++tampered[rule];
        wrong = alert;
        wrong.alert.proof.numbers[i].value += 0.001;
        CHECK(judge_again(model, l.journal, wrong).says == opinion::contradicted);
      }
    }
    for (const char* rule : {"mean_10s", "hop_max", "gap_count", "mean_for", "gap_for"})
      CHECK_MESSAGE((tampered[rule] >= 3 || late), std::string(rule));
    CHECK(tampered["mean_10s"] >= 3);
    CHECK(tampered["hop_max"] >= 3);
  }
}
