// SPDX-License-Identifier: Apache-2.0
// The second opinion on patterns: written ones of every kind, and random ones.
#include "tests/unit/domain/audit/random_life.hpp"

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

using tally = std::map<std::string, int>;

constexpr std::string_view written = R"json({
  "name": "all", "kind": "motor",
  "telemetry": {"t": {}, "v": {}, "open": {"type": "boolean"}},
  "operators": [
    {"name": "t_1m", "type": "window", "of": "t", "span": "1m"},
    {"name": "z", "type": "z_score", "window": "t_1m", "limit": 1.5, "sides": "both",
     "min_samples": 5, "emit": "each"},
    {"name": "wear", "type": "pattern",
     "pattern": "worn: rising(v, 2) above 3.5 then hot: upper(z) within 1m skip to_last hot"},
    {"name": "peaks", "type": "pattern",
     "pattern": "peak: t above 50.5 {2} consecutive next door: v between 3 and 5 within 1m"},
    {"name": "opened", "type": "pattern", "emit": "both",
     "pattern": "a: open above 0.5 then not b: [open == 0] within 20s"},
    {"name": "late", "type": "pattern", "emit": "timeout", "skip": "none",
     "pattern": "a: [changed(open)] then b: [t > last(a.t) + 1 && since(a) > 2] within 15s"},
    {"name": "steps", "type": "pattern", "emit": "both", "skip": "next",
     "pattern": "a: spike(t, 1 sigma) over 2m then within 9s b: falling(v, 1)+ greedy then within 6s c: [v > avg(b.v)] within 30s"},
    {"name": "json", "type": "pattern", "within": "30s", "skip": "to_first", "skip_to": "two",
     "stages": [
      {"name": "one", "where": "t > t_1m.mean", "then": "followed_by_any"},
      {"stages": [{"name": "two", "where": "v > 4", "at_least": 1, "at_most": 2, "contiguity": "consecutive"},
                  {"name": "three", "where": "prev(t) < t", "optional": true}],
       "times": 2, "then": "next"},
      {"name": "four", "where": "open", "not": true}, {"name": "five", "where": "count(two) >= 2"}]},
    {"name": "both", "type": "pattern", "skip": "none",
     "pattern": "a: fired(wear) then b: [max(a.v) > v]{1,2} until [open] within 40s"}
  ]})json";

std::string in_time(std::string text) {
  return text.insert(
      text.find("\"telemetry\""),
      "\"event_time\": {\"disorder\": \"2s\", \"lateness\": \"40s\", \"idle\": \"5s\"}, ");
}

// Random sentences of the text form.
class pattern_talker {
public:
  explicit pattern_talker(std::uint32_t seed) : random_(seed) {}
  std::string pattern() {
    names_ = 0;
    const char* const skips[] = {"none", "next", "past_last", "to_first s1", "to_last s1"};
    auto out = sequence(1 + below(3), 1);
    if (below(4) == 0) out += std::string(below(2) ? " then" : " next") + " not " + condition();
    if (below(5) == 0) return out + " within " + std::to_string(8 + below(30)) + "s";
    return out + " within " + std::to_string(8 + below(30)) + "s skip " + skips[below(5)];
  }
  int below(int n) { return int(random_() % std::uint32_t(n)); }

private:
  std::string sequence(int length, int depth) {
    std::string out;
    const char* const ways[] = {" next ", " then ", " then ", " thenAny "};
    for (int i = 0; i < length; ++i) {
      if (i > 0) out += ways[below(4)];
      if (i > 0 && below(6) == 0) out += "not " + condition() + ways[below(4)];
      if (i > 0 && depth == 1 && below(8) == 0)
        out += "within " + std::to_string(2 + below(9)) + "s ";
      const bool group = depth < 2 && below(5) == 0;
      out += group ? "(" + sequence(1 + below(2), depth + 1) + ")" : condition();
      const char* const often[] = {"", "", "", "?", "+", "*", "{2}", "{1,3}", "{2,}"};
      const std::string some = often[below(9)];
      out += some;
      if (some.empty()) continue;
      if (some != "?" && below(3) == 0) out += below(2) ? " consecutive" : " combinations";
      if (!group && some != "{2}" && below(3) == 0) out += " greedy";
      if (some != "?" && below(4) == 0) out += " until [v > 5 || open]";
    }
    return out;
  }
  std::string condition() {
    ++names_;
    const char* const all[] = {
        "t above 50.5", "v below 4",    "[open]",           "[t > 49 && v > 3.5]",
        "rising(t, 1)", "[changed(v)]", "[v > last(s1.v)]", "[count(s1) == 1 && t < 51]",
        "falling(t)",   "upper(z)"};
    return all[below(names_ == 1 ? 6 : 10)];
  }
  std::mt19937 random_;
  int names_ = 0;
};

std::string random_model(std::uint32_t& seed) {
  std::string text =
      R"({"name": "all", "telemetry": {"t": {}, "v": {}, "open": {"type": "boolean"}},
    "operators": [{"name": "w", "type": "window", "of": "t", "span": "1m"},
    {"name": "z", "type": "z_score", "window": "w", "limit": 1, "min_samples": 5, "emit": "each"})";
  for (int taken = 0; taken < 6;) {
    pattern_talker talk(++seed);
    const std::string emits[] = {"match", "both", "timeout"};
    const auto more = text + ", {\"name\": \"p" + std::to_string(taken) +
                      "\", \"type\": \"pattern\", \"max_partial\": 256, \"emit\": \"" +
                      emits[talk.below(3)] + "\", \"pattern\": \"" + talk.pattern() + "\"}";
    if (!compile_error(more + "]}").empty()) continue;
    text = more;
    ++taken;
  }
  return text + "]}";
}

void confirm_all(const std::string& text, unsigned seed, int inputs, tally& seen) {
  const auto model = model_text::read(text);
  const auto l = random_life(seed, text).run(inputs);
  tally tried;
  for (const auto& alert : l.alerts) {
    if (alert.alert.type != "pattern") continue;
    if (alert.alert.transition == alert_transition::retracted) continue;
    if (++tried[alert.alert.rule] > 12) continue; // each walks the whole life
    const auto says = judge_again(model, l.journal, alert);
    CAPTURE(seed);
    CAPTURE(alert.alert.rule);
    CAPTURE(to_string(alert.id));
    CAPTURE(alert.alert.proof.explanation);
    REQUIRE_MESSAGE(says.says == opinion::confirmed, told(says));
    const bool timed_out = alert.alert.proof.explanation.starts_with("timed out");
    ++seen[alert.alert.rule + (timed_out ? " timed out" : "")];
    ++seen[timed_out ? "timed out" : to_string(alert.alert.transition)];
  }
}

} // namespace

TEST_CASE("alerts of patterns in either form are confirmed with their paths") {
  tally seen;
  for (unsigned seed = 1; seed <= 3; ++seed) confirm_all(std::string(written), seed, 300, seen);
  for (const char* rule :
       {"wear", "peaks", "opened", "late timed out", "steps", "steps timed out", "json", "both"})
    CHECK_MESSAGE(seen[rule] >= 3, std::string(rule));
}

TEST_CASE("alerts of patterns are confirmed where late readings are worked in") {
  tally seen;
  for (unsigned seed = 1; seed <= 2; ++seed)
    confirm_all(in_time(std::string(written)), seed, 300, seen);
  for (const char* rule : {"wear", "peaks", "opened", "late timed out", "steps", "json"})
    CHECK_MESSAGE(seen[rule] >= 2, std::string(rule));
}

TEST_CASE("alerts of random patterns are confirmed") {
  tally seen;
  std::uint32_t pattern = 1;
  for (unsigned seed = 1; seed <= 30; ++seed) {
    const auto text = random_model(pattern);
    CAPTURE(text);
    confirm_all(text, seed, 40, seen);
  }
  MESSAGE(seen["emitted"], " matches, ", seen["timed out"], " time-outs");
  CHECK(seen["emitted"] > 300);
  CHECK(seen["timed out"] > 150);
}

TEST_CASE("another path, number, time or verdict of a pattern is contradicted") {
  const auto model = model_text::read(written);
  const auto l = random_life(9, written).run(400);
  tally tried;
  for (const auto& alert : l.alerts) {
    if (alert.alert.type != "pattern" || ++tried[alert.alert.rule] > 5) continue;
    CAPTURE(alert.alert.rule);
    CAPTURE(to_string(alert.id));
    const auto refuse = [&](const char* how, auto&& change) {
      auto wrong = alert;
      change(wrong.alert);
      CHECK_MESSAGE(judge_again(model, l.journal, wrong).says == opinion::contradicted, how);
    };
    for (std::size_t i = 0; i < alert.alert.proof.numbers.size(); ++i) {
      refuse("number", [&](alert_effect& a) { a.proof.numbers[i].value += 0.001; });
      refuse("name", [&](alert_effect& a) { a.proof.numbers[i].name += "x"; });
      refuse("left out", [&](alert_effect& a) {
        a.proof.numbers.erase(a.proof.numbers.begin() + static_cast<std::ptrdiff_t>(i));
      });
    }
    for (std::size_t i = 0; i < alert.alert.proof.times.size(); ++i) {
      refuse("time", [&](alert_effect& a) { a.proof.times[i].time_ns += 1; });
      refuse("stage", [&](alert_effect& a) { a.proof.times[i].name = "other[0]"; });
      refuse("shorter", [&](alert_effect& a) {
        a.proof.times.erase(a.proof.times.begin() + static_cast<std::ptrdiff_t>(i));
      });
    }
    refuse("moved", [](alert_effect& a) { a.event_time_ns += 1; });
    refuse("event", [](alert_effect& a) { a.proof.event_times_ns.back() += 1; });
    refuse("raised", [](alert_effect& a) { a.transition = alert_transition::raised; });
    refuse("cleared", [](alert_effect& a) { a.transition = alert_transition::cleared; });
    refuse("end", [](alert_effect& a) {
      auto& end = a.proof.times.back().name;
      end = end == "matched" ? "timed out" : "matched";
    });
  }
  for (const char* rule : {"wear", "peaks", "opened", "late", "steps", "json", "both"})
    CHECK_MESSAGE(tried[rule] >= 3, rule);
}

TEST_CASE("what the second opinion does not know of a pattern it says") {
  const std::string text =
      R"json({"name": "all", "telemetry": {"t": {}, "v": {}, "open": {"type": "boolean"}},
    "operators": [
    {"name": "warm", "type": "threshold", "value": "t", "above": 50},
    {"name": "p", "type": "pattern", "pattern": "a: [active(warm)] next b: t above 50 within 1m"},
    {"name": "many", "type": "pattern", "max_partial": 2, "skip": "none",
     "pattern": "a: t above 49 thenAny b: t above 49 within 1m"}]})json";
  const auto model = model_text::read(text);
  const auto l = random_life(4, text).run(200);
  tally seen;
  for (const auto& alert : l.alerts) {
    if (alert.alert.rule == "p") {
      ++seen["p"];
      const auto says = judge_again(model, l.journal, alert);
      CHECK(says.says == opinion::unsettled);
      CHECK(told(says).find("another rule's alert is active") != std::string::npos);
    }
    if (alert.alert.rule != "many") continue;
    auto wrong = alert;
    wrong.alert.proof.times.front().time_ns += 1;
    const auto says = judge_again(model, l.journal, wrong);
    if (says.says != opinion::unsettled) continue;
    ++seen["many"];
    CHECK(told(says).find("max_partial") != std::string::npos);
  }
  CHECK(seen["p"] > 3);
  CHECK(seen["many"] > 3);
}
