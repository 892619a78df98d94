// SPDX-License-Identifier: Apache-2.0
// The second opinion on thresholds with patience, on windows that close, on learnt limits.
#include "tests/unit/domain/audit/random_life.hpp"
#include <set>

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

constexpr std::string_view patient = R"json({
  "name": "all", "kind": "motor",
  "telemetry": {"t": {}, "v": {}, "open": {"type": "boolean"}},
  "operators": [
    {"name": "t_1m", "type": "window", "of": "t", "span": "1m", "aggregates": ["range", "delta"]},
    {"name": "t_10s", "type": "window", "kind": "tumbling", "of": "t", "size": "10s", "offset": "3s"},
    {"name": "v_hop", "type": "window", "kind": "hopping", "of": "v", "size": "20s", "hop": "5s"},
    {"name": "t_gap", "type": "window", "kind": "session", "of": "t", "gap": "5s"},
    {"name": "t_5", "type": "window", "kind": "count", "of": "t", "last": 5},
    {"name": "outside", "type": "threshold", "value": "t", "outside": [48.8, 51], "clear": [49.2, 50.8]},
    {"name": "inside", "type": "threshold", "value": "v", "inside": [3.5, 4.5], "clear": [3, 5],
     "latch": true, "dedup": "20s"},
    {"name": "lasting", "type": "threshold", "value": "v + open", "above": 3.8, "clear": 3.6,
     "for": "6s", "clear_for": "4s"},
    {"name": "often", "type": "threshold", "value": "t", "above": 50.2, "times": 3},
    {"name": "both", "type": "threshold", "value": "t", "above": 49.8, "times": 3, "for": "5s"},
    {"name": "lately", "type": "threshold", "value": "v", "above": 4.5, "times": 3, "within": "20s",
     "clear": 4},
    {"name": "is_open", "type": "threshold", "value": "open", "for": "10s"},
    {"name": "mean_10s", "type": "threshold", "value": "t_10s.mean", "above": 50.5, "clear": 50.2},
    {"name": "hop_max", "type": "threshold", "value": "v_hop.max - v_hop.mean", "above": 1.2},
    {"name": "gap_count", "type": "threshold", "value": "t_gap.count", "above": 4},
    {"name": "last_5", "type": "threshold", "value": "t_5.mean", "above": 50.5},
    {"name": "range", "type": "threshold", "value": "t_1m.range + 0 * t_1m.delta", "above": 9}
  ]})json";

constexpr std::string_view learnt = R"json({
  "name": "all", "kind": "motor",
  "telemetry": {"t": {}, "v": {}, "open": {"type": "boolean"}},
  "operators": [
    {"name": "v_1m", "type": "window", "of": "v", "span": "1m"},
    {"name": "fade", "type": "ewma", "of": "t", "half_life": "40s", "limit": 2.5, "min_samples": 10},
    {"name": "fade_n", "type": "ewma", "of": "v", "half_life_readings": 20, "limit": 2,
     "poison": "include", "sides": "upper", "emit": "each", "min_samples": 5},
    {"name": "fade_w", "type": "ewma", "of": "t", "half_life_readings": 30, "poison": "winsorise",
     "warm_up": "1m", "limit": 2, "min_samples": 5},
    {"name": "chart", "type": "ewma", "of": "v", "half_life_readings": 3, "test": "mean",
     "limit": 1.5, "min_samples": 20, "relearn_after": "7d"},
    {"name": "median", "type": "robust", "of": "t", "span": "2m", "limit": 2.5, "min_samples": 10},
    {"name": "median_w", "type": "robust", "of": "v", "span": "1m", "limit": 2, "min_samples": 5,
     "poison": "winsorise", "sides": "lower", "emit": "each", "flat": "floor", "min_stddev": 0.9},
    {"name": "shift", "type": "cusum", "of": "v", "h": 3, "min_samples": 20, "relearn_after": "7d"},
    {"name": "shift_run", "type": "cusum", "of": "v", "h": 2, "baseline": "running", "emit": "each",
     "reset": "half", "min_samples": 10},
    {"name": "shift_win", "type": "cusum", "window": "v_1m", "h": 2, "k": 0.4, "min_samples": 5,
     "relearn_after": "7d"},
    {"name": "shift_set", "type": "cusum", "of": "t", "target": 50, "sd": 1, "h": 4,
     "sides": "upper", "reset": "zero", "emit": "each"}
  ]})json";

std::string in_time(std::string_view model) {
  std::string text{model};
  const auto at = text.find("\"telemetry\"");
  return text.insert(at, "\"event_time\": {\"disorder\": \"2s\", \"lateness\": \"40s\"}, ");
}

bool has_a_verdict(const effect& e) {
  const auto t = e.alert.transition;
  // What late readings took back has no evidence.
  const bool taken_back = e.alert.proof.numbers.empty() && e.alert.proof.times.empty();
  return e.alert.type != "window" && t != alert_transition::retracted && !taken_back;
}

// Windows that close are not followed where late readings are worked in.
const std::set<std::string> closes{"mean_10s", "hop_max", "gap_count"};

using tally = std::map<std::string, int>;

// Confirms all alerts of random lives; counts them by rule and transition.
void confirm_all(std::string_view text, unsigned first_seed, int lives, tally& seen) {
  const auto model = model_text::read(text);
  for (unsigned seed = first_seed; seed < first_seed + static_cast<unsigned>(lives); ++seed) {
    const auto l = random_life(seed, text).run(600);
    for (const auto& alert : l.alerts) {
      if (!has_a_verdict(alert)) continue;
      if (text.find("event_time") != text.npos && closes.contains(alert.alert.rule)) continue;
      const auto says = judge_again(model, l.journal, alert);
      CAPTURE(seed);
      CAPTURE(alert.alert.rule);
      CAPTURE(to_string(alert.id));
      CAPTURE(std::string(to_string(alert.alert.transition)));
      CAPTURE(alert.alert.proof.explanation);
      REQUIRE_MESSAGE(says.says == opinion::confirmed, told(says));
      ++seen[alert.alert.rule + ' ' + to_string(alert.alert.transition)];
    }
  }
}

// Each rule came and went often enough for the confirmations to mean something.
void check_counts(const tally& seen, std::initializer_list<const char*> rules, const char* ends) {
  for (const std::string rule : rules)
    for (const std::string end : {"raised", ends}) {
      const auto found = seen.find(rule + ' ' + end);
      CHECK_MESSAGE((found != seen.end() && found->second >= 3), (rule + ' ' + end));
    }
}

// The same alert with another number, another time and another verdict.
void contradict_all(std::string_view text, unsigned seed, std::size_t most, tally& seen) {
  const auto model = model_text::read(text);
  const auto l = random_life(seed, text).run(300);
  tally tried;
  for (const auto& alert : l.alerts) {
    const auto kind = alert.alert.rule + ' ' + to_string(alert.alert.transition);
    if (!has_a_verdict(alert) || static_cast<std::size_t>(++tried[kind]) > most) continue;
    CAPTURE(kind);
    CAPTURE(to_string(alert.id));
    REQUIRE(judge_again(model, l.journal, alert).says == opinion::confirmed);
    const auto refuse = [&](const effect& wrong, const char* how) {
      const auto says = judge_again(model, l.journal, wrong);
      CHECK_MESSAGE(says.says == opinion::contradicted, how, told(says));
    };
    for (const auto& n : alert.alert.proof.numbers) {
      const std::set<std::string> named{"value", "mean", "sd", "lower", "upper", "score", "for_s"};
      if (!named.contains(n.name)) continue;
      // After a correction the value of what fell due is not compared (docs/second_opinion.md).
      const bool due =
          std::set<std::string>{"lasting", "both", "is_open"}.contains(alert.alert.rule);
      const auto before = judge_again(model, l.journal, alert);
      if (due && n.name == "value" && told(before).find("+ value is ") == std::string::npos)
        continue;
      ++seen[alert.alert.rule + ' ' + n.name];
      auto wrong = alert;
      for (auto& w : wrong.alert.proof.numbers)
        if (w.name == n.name) w.value += 0.001;
      refuse(wrong, n.name.c_str());
    }
    auto wrong = alert;
    wrong.alert.event_time_ns += 1;
    refuse(wrong, "moved");
    // What is both (as a value within the range between limit and clear) is neither.
    wrong = alert;
    const bool rises = alert.alert.transition != alert_transition::cleared &&
                       alert.alert.transition != alert_transition::latched;
    wrong.alert.transition = rises ? alert_transition::cleared : alert_transition::raised;
    refuse(wrong, "flipped");
    ++seen[alert.alert.rule];
  }
}

} // namespace

TEST_CASE("thresholds with patience and windows that close are confirmed") {
  tally seen;
  confirm_all(patient, 1, 2, seen);
  check_counts(seen,
               {"outside", "lasting", "often", "both", "lately", "is_open", "mean_10s", "hop_max",
                "gap_count", "last_5", "range"},
               "cleared");
  CHECK(seen["inside latched"] >= 3);
  CHECK(seen["inside reopened"] >= 3);
}

TEST_CASE("learnt limits are confirmed with their numbers") {
  tally seen;
  confirm_all(learnt, 1, 2, seen);
  check_counts(seen, {"fade", "fade_w", "chart", "median", "shift", "shift_win"}, "cleared");
  for (const char* each :
       {"fade_n emitted", "median_w emitted", "shift_run emitted", "shift_set emitted"})
    CHECK_MESSAGE(seen[each] >= 3, each);
}

TEST_CASE("patience and learnt limits are confirmed where late readings are worked in") {
  tally seen;
  confirm_all(in_time(patient), 11, 1, seen);
  confirm_all(in_time(learnt), 11, 1, seen);
  for (const char* what : {"lasting raised", "both corrected", "often raised", "fade corrected",
                           "median corrected", "shift raised"})
    CHECK_MESSAGE(seen[what] >= 2, what);
}

TEST_CASE("another number, time or verdict of these rules is contradicted") {
  tally seen;
  contradict_all(patient, 5, 3, seen);
  contradict_all(learnt, 5, 3, seen);
  for (const char* rule : {"outside", "inside",    "lasting",   "often",     "both",   "lately",
                           "is_open", "mean_10s",  "hop_max",   "gap_count", "last_5", "range",
                           "fade",    "fade_n",    "fade_w",    "chart",     "median", "median_w",
                           "shift",   "shift_run", "shift_win", "shift_set"})
    CHECK_MESSAGE(seen[rule] >= 3, rule);
  CHECK(seen["lasting value"] >= 2);
  CHECK(seen["both value"] >= 2);
}
