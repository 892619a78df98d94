// SPDX-License-Identifier: Apache-2.0
// The one idea, tried: a twin that lives on and one that is saved and loaded at random moments make
// the same effects with the same ids and end in the same bytes.
#include "tests/unit/domain/twin/random_inputs.hpp"

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

constexpr std::string_view everything = R"json({
  "name": "all", "kind": "building",
  "telemetry": {"t": {}, "v": {"type": "number"}, "n": {"type": "integer"}, "open": {"type": "boolean"},
                "label": {"type": "text"}, "setpoint": {}},
  "commands": {"set_setpoint": {"argument": "setpoint", "min": 16, "max": 28, "max_step": 3,
               "min_interval": "2s", "ttl": "5s"}, "reboot": {}},
  "maintenance": [{"from": "1970-01-01T00:00:30Z", "for": "20s", "every": "2m"}],
  "operators": [
    {"name": "t_1m", "type": "window", "of": "t", "span": "1m"},
    {"name": "t_20s", "type": "window", "of": "t", "span": "20s", "max_entries": 12},
    {"name": "v_1m", "type": "window", "of": "v", "span": "1m"},
    {"name": "hot", "type": "threshold", "value": "t_20s.mean + 2 * open", "above": 50.5, "clear": 50,
     "latch": true, "levels": [{"above": 51, "severity": "critical"}], "suppress_while": "n > 7"},
    {"name": "odd", "type": "threshold", "value": "n > 5 && !open", "dedup": "9s", "severity": "info",
     "flapping": {"changes": 4, "within": "10s"}, "escalate": [{"after": "3s", "severity": "critical"}],
     "escalation": [{"after": "2s", "to": "shift-lead"}, {"after": "5s", "to": "plant-manager"}]},
    {"name": "t_out", "type": "z_score", "window": "t_1m", "limit": 2, "sides": "both",
     "min_samples": 5, "relearn_after": "30s"},
    {"name": "v_out", "type": "z_score", "window": "v_1m", "limit": 2, "min_samples": 5,
     "poison": "winsorise", "emit": "each"},
    {"name": "wear", "type": "sequence", "rises": {"of": "v", "above": 4.0, "count": 2},
     "then": "t_out", "then_side": "both", "within": "30s"},
    {"name": "new", "type": "nearest", "of": "t", "lengths": [3, 5], "neighbours": 2, "history": 40,
     "min_samples": 8, "limit": 0.5, "quiet": 2},
    {"name": "together", "type": "multivariate", "of": ["t", "v"], "learn": 10, "smoothing": 1,
     "limit": 2, "recovery": 0.2, "relearn_after": "40s"},
    {"name": "minute", "type": "window", "kind": "tumbling", "of": "t", "size": "10s",
     "aggregates": ["mean", "p95", "slope"], "emit": "each"},
    {"name": "hop", "type": "window", "kind": "hopping", "of": "v", "size": "20s", "hop": "5s"},
    {"name": "visit", "type": "window", "kind": "session", "of": "v", "gap": "4s",
     "aggregates": ["count", "sum", "distinct"], "emit": "each"},
    {"name": "seven", "type": "window", "kind": "count", "of": "t", "last": 7},
    {"name": "airing", "type": "window", "kind": "state", "of": "t", "while": "open",
     "aggregates": ["max", "delta"], "emit": "each"},
    {"name": "tags", "type": "window", "of": "v", "span": "30s", "by": "label",
     "aggregates": ["count", "sum"]},
    {"name": "join", "type": "as_of", "of": "t", "with": ["v", "n"], "tolerance": "5s"},
    {"name": "joined", "type": "threshold", "value": "join.v + seven.mean", "above": 54.5},
    {"name": "held", "type": "threshold", "value": "t_20s.mean", "above": 50.2, "for": "3s",
     "times": 2, "clear_for": "2s"},
    {"name": "own_ewma", "type": "ewma", "of": "t", "half_life": "30s", "min_samples": 4, "limit": 2},
    {"name": "own_cusum", "type": "cusum", "of": "v", "min_samples": 8, "h": 3, "relearn_after": "40s"},
    {"name": "own_season", "type": "seasonal", "of": "v", "min_samples": 4, "slots_per_day": 96,
     "poison": "winsorise", "relearn_after": "20s", "limit": 2},
    {"name": "own_robust", "type": "robust", "of": "t", "span": "1m", "min_samples": 4},
    {"name": "story", "type": "pattern", "emit": "both",
     "pattern": "worn: rising(v, 2) above 4 then hot: upper(t_out) within 30s"},
    {"name": "told", "type": "machine_alert", "severity": "info"},
    {"name": "machine", "type": "state_machine", "initial": "idle",
     "variables": [{"name": "seen", "initial": 0}],
     "timers": [{"name": "patience", "for": "5s"}],
     "states": [
       {"name": "idle", "transitions": [{"when": "t > 51", "to": "busy"}]},
       {"name": "busy", "alert": "told",
        "on_enter": [{"do": [{"start": "patience"}, {"set": "seen", "to": "var.seen + 1"}]}],
        "transitions": [{"when": "timeout(patience)", "to": "idle"}]}]},
    {"name": "silent", "type": "absence", "of": "*", "for": "6s"},
    {"name": "no_v", "type": "absence", "of": "v", "for": "9s"}
  ]})json";

// The same, one rule changed, one gone, one telemetry gone, one new, a wider window.
constexpr std::string_view everything_else = R"({
  "name": "all", "kind": "building",
  "telemetry": {"v": {"type": "number"}, "t": {}, "open": {"type": "boolean"},
                "label": {"type": "text"}, "setpoint": {}, "new": {}},
  "commands": {"set_setpoint": {"argument": "setpoint", "min": 10, "max": 28}},
  "operators": [
    {"name": "v_1m", "type": "window", "of": "v", "span": "1m"},
    {"name": "t_1m", "type": "window", "of": "t", "span": "2m"},
    {"name": "t_out", "type": "z_score", "window": "t_1m", "limit": 2, "sides": "both", "min_samples": 5},
    {"name": "v_out", "type": "z_score", "window": "v_1m", "limit": 2, "min_samples": 5,
     "poison": "winsorise", "emit": "each"},
    {"name": "wear", "type": "sequence", "rises": {"of": "v", "above": 4.0, "count": 2},
     "then": "t_out", "then_side": "both", "within": "30s"},
    {"name": "no_v", "type": "absence", "of": "v", "for": "9s"}
  ]})";

// The same models; `block` is an event_time block or nothing.
std::string with(std::string_view model, const std::string& block) {
  std::string text(model);
  if (!block.empty()) text.insert(text.find("\"telemetry\""), "\"event_time\": " + block + ", ");
  return text;
}

void try_replay(const std::string& one, const std::string& two) {
  library models;
  models.add("one", with(everything, one));
  models.add("two", with(everything_else, two));
  std::map<std::string, int> met; // the stream must really try things
  for (unsigned seed = 0; seed < 30; ++seed) {
    CAPTURE(seed);
    const auto inputs = input_stream(seed).make(models, 1500);
    std::mt19937 random{seed + 1000};
    twin_state live("test:all"), resumed("test:all");
    for (const auto& k : inputs) {
      effects out, again, redelivered;
      step(models, live, k->in, out);
      step(models, resumed, k->in, again);
      const auto text = as_text(out);
      REQUIRE(as_text(again) == text);
      step(models, live, k->in, redelivered);
      REQUIRE(redelivered.empty());
      for (const auto& e : out) {
        if (e.kind == effect_kind::alert) ++met[e.alert.rule + " " + to_string(e.alert.transition)];
        if (e.kind == effect_kind::command) ++met[to_string(e.command.phase)];
        if (e.kind == effect_kind::fault) ++met["fault"];
      }
      if (random() % 20 != 0) continue;
      const auto bytes = saved(resumed);
      REQUIRE(bytes == saved(live));
      auto loaded = load(models, "test:all", bytes);
      REQUIRE(loaded.ok());
      REQUIRE(saved(*loaded) == bytes);
      resumed = std::move(*loaded);
      (void)describe(models, resumed, 0);
    }
    CHECK(saved(live) == saved(resumed));
    CHECK(live.next_wakeup_ns() == resumed.next_wakeup_ns());
  }
  for (const auto* must :
       {"hot raised", "hot cleared", "odd raised", "t_out raised", "t_out cleared",
        "t_out acknowledged", "v_out emitted", "wear emitted", "silent raised", "silent cleared",
        "no_v raised", "dispatched", "refused", "confirmed", "rejected", "timed_out",
        "confirmed_late", "fault"}) {
    CAPTURE(must);
    CHECK(met[must] > 5);
  }
  if (one.empty()) return;
  for (const auto* must : {"hot corrected", "t_out retracted", "v_out retracted"}) {
    CAPTURE(must);
    CHECK(met[must] > 5);
  }
}

} // namespace

TEST_CASE("property: live, replayed, and resumed from any snapshot are one and the same") {
  try_replay("", "");
}

TEST_CASE("property: the same with event time, across changes of the model and of its block") {
  try_replay(R"({"disorder": "2s", "lateness": "1m", "idle": "20s"})",
             R"({"late": "drop", "disorder": "10s", "future": "1h"})");
  try_replay(R"({"lateness": "2m", "max_rows": 64})", "");
}

TEST_CASE("property: damaged snapshots are refused or load, and never crash") {
  library models;
  models.add("one", everything);
  models.add("two", everything_else);
  const auto inputs = input_stream(7).make(models, 600);
  twin_state live("test:all");
  effects out;
  for (const auto& k : inputs) step(models, live, k->in, out);
  const auto whole = saved(live);
  REQUIRE(load(models, "test:all", whole).ok());
  std::mt19937 random{7};
  std::size_t refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    auto bytes = whole;
    if (i % 4 == 0) bytes.resize(random() % bytes.size());
    if (i % 7 == 0) bytes += char(random());
    for (int k = i % 3; k >= 0 && !bytes.empty(); --k)
      bytes[random() % bytes.size()] = char(random());
    auto loaded = load(models, "test:all", bytes);
    if (!loaded) {
      ++refused;
      continue;
    }
    (void)describe(models, *loaded, 0);
    const auto form = saved(*loaded); // what was taken has one form
    auto again = load(models, "test:all", form);
    REQUIRE(again.ok());
    REQUIRE(saved(*again) == form);
    effects more;
    for (std::size_t n = 0; n < 30; ++n) {
      auto in = inputs[random() % inputs.size()]->in;
      in.id = {{~std::uint64_t{0}}, static_cast<std::uint32_t>(n)};
      step(models, *loaded, in, more);
    }
    (void)saved(*loaded);
  }
  CHECK(refused > 5000);
  CHECK(load(models, "test:all", "").error().code == errc::corrupt);
  CHECK(load(models, "test:all", "\x7f").error().code == errc::version_mismatch);
}
