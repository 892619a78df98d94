// SPDX-License-Identifier: Apache-2.0
// The second opinion agrees with every alert the twin raised from a random journal, and with none
// that was tampered with.
#include "domain/audit/plain_expression.hpp"
#include "tests/unit/domain/audit/random_life.hpp"

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;
using namespace pollux::domain::audit;

namespace {

constexpr std::string_view watched = R"json({
  "name": "all", "kind": "motor",
  "telemetry": {"t": {}, "v": {}, "open": {"type": "boolean"}},
  "operators": [
    {"name": "t_1m", "type": "window", "of": "t", "span": "1m"},
    {"name": "v_40s", "type": "window", "of": "v", "span": "40s"},
    {"name": "hot", "type": "threshold", "value": "t_1m.mean + 2 * open", "above": 50.5, "clear": 50},
    {"name": "odd", "type": "threshold", "value": "max(v, 4) > 5 && !(t < 50 || open)"},
    {"name": "cold", "type": "threshold", "value": "t", "below": 48, "clear": 49.5},
    {"name": "t_out", "type": "z_score", "window": "t_1m", "limit": 2, "sides": "both",
     "min_samples": 5, "relearn_after": "30s"},
    {"name": "v_win", "type": "z_score", "window": "v_40s", "limit": 2, "min_samples": 5,
     "poison": "winsorise", "emit": "each"},
    {"name": "v_all", "type": "z_score", "window": "v_40s", "limit": 2, "min_samples": 5,
     "poison": "include", "sd": "population", "sides": "both"},
    {"name": "wear", "type": "sequence", "rises": {"of": "v", "above": 4.0, "count": 2},
     "then": "t_out", "then_side": "both", "within": "30s"},
    {"name": "silent", "type": "absence", "of": "*", "for": "6s"},
    {"name": "no_v", "type": "absence", "of": "v", "for": "9s"}
  ]})json";

// The same rules, and readings out of order worked in at their place.
std::string watched_in_time() {
  std::string text{watched};
  const auto at = text.find("\"telemetry\"");
  return text.insert(at, "\"event_time\": {\"disorder\": \"2s\", \"lateness\": \"40s\"}, ");
}

} // namespace

TEST_CASE("the second opinion confirms every alert of random journals") {
  const auto model = model_text::read(watched);
  std::map<std::string, int> seen;
  for (unsigned seed = 1; seed <= 12; ++seed) {
    const auto l = random_life(seed, watched).run(900);
    for (const auto& alert : l.alerts) {
      const auto says = judge_again(model, l.journal, alert);
      CAPTURE(seed);
      CAPTURE(alert.alert.rule);
      CAPTURE(to_string(alert.id));
      CAPTURE(std::string(to_string(alert.alert.transition)));
      REQUIRE_MESSAGE(says.says == opinion::confirmed, told(says));
      ++seen[alert.alert.rule + ' ' + to_string(alert.alert.transition)];
    }
  }
  for (const char* what : {"hot raised", "hot cleared", "odd raised", "cold raised", "cold cleared",
                           "t_out raised", "t_out cleared", "v_win emitted", "v_all raised",
                           "wear emitted", "silent raised", "silent cleared", "no_v raised"})
    CHECK_MESSAGE(seen[what] >= 3, what);
}

TEST_CASE("the second opinion confirms what late readings changed") {
  const auto text = watched_in_time();
  const auto model = model_text::read(text);
  std::map<alert_transition, int> seen;
  int late = 0;
  for (unsigned seed = 21; seed <= 32; ++seed) {
    const auto l = random_life(seed, text).run(600);
    for (const auto& alert : l.alerts) {
      if (alert.alert.transition == alert_transition::retracted) continue; // no verdict is left
      const auto says = judge_again(model, l.journal, alert);
      CAPTURE(seed);
      CAPTURE(alert.alert.rule);
      CAPTURE(to_string(alert.id));
      CAPTURE(std::string(to_string(alert.alert.transition)));
      REQUIRE_MESSAGE(says.says == opinion::confirmed, told(says));
      ++seen[alert.alert.transition];
      late += alert.alert.late ? 1 : 0;
    }
  }
  CHECK(seen[alert_transition::raised] > 50);
  CHECK(seen[alert_transition::corrected] > 5);
  CHECK(late > 20);
}

TEST_CASE("an alert that was tampered with is contradicted") {
  const auto model = model_text::read(watched);
  const auto l = random_life(77, watched).run(900);
  int numbers = 0, flipped = 0, moved = 0;
  for (const auto& alert : l.alerts) {
    auto wrong = alert;
    for (auto& n : wrong.alert.proof.numbers)
      if (n.name == "value" || n.name == "mean") n.value += 0.001;
    if (alert.alert.rule != "silent" && alert.alert.rule != "no_v") {
      CHECK(judge_again(model, l.journal, wrong).says == opinion::contradicted);
      ++numbers;
      wrong = alert;
      wrong.alert.event_time_ns += 1;
      CHECK(judge_again(model, l.journal, wrong).says == opinion::contradicted);
      ++moved;
    }
    if (alert.alert.transition == alert_transition::raised && alert.alert.rule != "hot") {
      wrong = alert;
      wrong.alert.transition = alert_transition::cleared;
      CHECK(judge_again(model, l.journal, wrong).says == opinion::contradicted);
      ++flipped;
    }
  }
  CHECK(numbers > 50);
  CHECK(flipped > 20);
  CHECK(moved > 50);
}

TEST_CASE("a reading that was taken out of the journal is missed") {
  const auto model = model_text::read(watched);
  library models;
  models.add("one", watched);
  record whole, without;
  twin_state twin("test:all");
  effects out;
  const auto feed = [&](input& in, bool keep) {
    whole.add(in);
    if (keep) without.add(in);
    step(models, twin, in, out);
  };
  input in;
  in.id = {{1}, 0};
  in.kind = input_kind::twin_created;
  in.model_hash = "one";
  feed(in, true);
  for (std::uint32_t i = 1; i <= 7; ++i) {
    in.clear();
    in.id = {{1}, i};
    in.kind = input_kind::readings;
    in.fields.push_back({"t", value_view::of(i < 7 ? 50.0 + 0.1 * i : 90.0)});
    in.readings.push_back({i * ns_per_s, 0, 0, 1});
    feed(in, i != 3);
  }
  int outliers = 0;
  for (const auto& e : out) {
    if (e.alert.rule != "t_out") continue;
    ++outliers;
    CHECK(judge_again(model, whole, e).says == opinion::confirmed);
    CHECK(judge_again(model, without, e).says == opinion::contradicted);
  }
  CHECK(outliers == 1);
}

TEST_CASE("without the twin's first day a difference is unsettled, not a contradiction") {
  const auto model = model_text::read(watched);
  record late;
  effect e;
  e.id = {{{5}, 0}, 0};
  e.kind = effect_kind::alert;
  e.alert.rule = "hot";
  e.alert.event_time_ns = 5 * ns_per_s;
  CHECK(judge_again(model, late, e).says == opinion::unsettled);
  e.alert.rule = "no such rule";
  CHECK(judge_again(model, late, e).says == opinion::contradicted);
}

TEST_CASE("the plain expression calculates as the grammar says") {
  const value_of names = [](std::string_view n) -> std::optional<double> {
    if (n == "a") return 3;
    if (n == "flow rate") return 7;
    return std::nullopt;
  };
  CHECK(evaluate("1 + 2 * 3 - -4 / 2", names).value == 9.0);
  CHECK(evaluate("(a + 1) * 'flow rate' >= 28 && !false", names).value == 1.0);
  CHECK(evaluate("min(a, 2, 5) == 2 || a != a", names).value == 1.0);
  CHECK(evaluate("sqrt(abs(0 - 16))", names).value == 4.0);
  CHECK(evaluate("unknown > 1 || true", names).value == std::nullopt);
  CHECK(evaluate("1 / 0", names).value == std::nullopt);
  CHECK(evaluate("1 / 0", names).understood);
  for (const char* bad : {"", "1 +", "(1", "foo(1)", "1 2", "'a", "a ** 2"})
    CHECK_FALSE(evaluate(bad, names).understood);
}
