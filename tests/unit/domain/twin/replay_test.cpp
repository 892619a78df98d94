// SPDX-License-Identifier: Apache-2.0
// The one idea, tried: a twin that lives on and one that is saved and loaded at random moments make
// the same effects with the same ids and end in the same bytes.
#include "tests/unit/domain/twin/twin_fixture.hpp"
#include <random>

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

// One input with bytes of its own, so that a stream can be kept and fed again.
struct kept_input {
  input in;
  std::deque<std::string> texts;
  std::string_view keep(std::string text) { return texts.emplace_back(std::move(text)); }
};

class stream {
public:
  explicit stream(unsigned seed) : random_(seed) {}
  std::vector<std::unique_ptr<kept_input>> make(const library& models, std::size_t count) {
    std::vector<std::unique_ptr<kept_input>> all;
    // Ticks and acknowledgements depend on the state, as they do in a running node.
    twin_state live("test:all");
    effects out;
    for (std::size_t i = 0; i < count; ++i) {
      auto k = std::make_unique<kept_input>();
      fill(*k, i, live);
      step(models, live, k->in, out);
      all.push_back(std::move(k));
      for (const auto& e : out)
        if (e.kind == effect_kind::alert) incident_ = to_string(e.alert.incident);
      out.clear();
    }
    return all;
  }

private:
  int chance(int n) { return std::uniform_int_distribution<int>{0, n - 1}(random_); }
  double noise() { return std::normal_distribution<double>{0, 1}(random_); }

  void fill(kept_input& k, std::size_t i, const twin_state& live) {
    auto& in = k.in;
    now_ns_ +=
        (chance(20) == 0 ? 8 : 1) * ns_per_s * chance(3) / 2 - (chance(30) == 0 ? ns_per_s : 0);
    in.id = {{i / 4 + 1}, static_cast<std::uint32_t>(i % 4)};
    in.ingest_time_ns = now_ns_;
    if (i == 0 || chance(400) == 0) return create(k);
    switch (chance(33)) {
    case 30: return action(k);
    case 31: return action(k);
    case 32: return child(k);
    case 0: in.kind = input_kind::node_started; return;
    case 1:
      in.kind = input_kind::connection_changed;
      in.connected = chance(2) == 0;
      return;
    case 2: in.kind = input_kind::input_skipped; return;
    case 3: return command(k);
    case 4: return command(k);
    case 5: return reply(k);
    case 6:
      in.kind = input_kind::alert_acknowledged;
      in.incident = k.keep(chance(5) == 0 ? "nonsense" : incident_);
      in.by = "ada";
      return;
    case 7:
      in.kind = input_kind::model_changed;
      in.model_name = chance(5) == 0 ? "another" : "all";
      in.model_hash = chance(2) == 0 ? "one" : "two";
      if (chance(4) != 0) in.kind = input_kind::ingress_changed;
      return;
    case 8:
      if (chance(10) != 0) return readings(k);
      in.kind = input_kind::twin_deleted;
      in.incarnation = incarnation_;
      return;
    case 9:
    case 10:
    case 11:
    case 12:
      in.kind = input_kind::tick;
      in.timer = live.next_timer();
      in.generation = live.timer_generation() + (chance(6) == 0 ? 1 : 0);
      return;
    default: return readings(k);
    }
  }
  void action(kept_input& k) {
    auto& in = k.in;
    in.kind = input_kind::alert_action;
    in.verb = static_cast<alert_verb>(1 + chance(9));
    in.incident = k.keep(chance(6) == 0 ? "" : incident_);
    if (in.verb == alert_verb::shelve || in.verb == alert_verb::unshelve)
      if (chance(3) != 0) in.rule = chance(2) == 0 ? "hot" : "odd";
    in.by = "ada";
    in.detail = chance(2) == 0 ? "why" : "because";
    in.expires_at_ns = now_ns_ + (chance(40) - 2) * ns_per_s;
  }
  void child(kept_input& k) {
    auto& in = k.in;
    if (chance(6) == 0) {
      in.kind = input_kind::parent_changed;
      in.rule = chance(3) == 0 ? "" : "site:above";
      return;
    }
    in.kind = input_kind::child_alert;
    in.by = chance(2) == 0 ? "test:one" : "test:two";
    children_ += static_cast<unsigned>(chance(3));
    in.command_id = k.keep(to_string(effect_id{{{children_}, 0}, 0}));
    in.incident = chance(2) == 0 ? "i1" : "i2";
    in.rule = chance(3) == 0 ? "power" : "cooling";
    in.accepted = chance(2) == 0;
    in.timer = 1 + static_cast<std::uint32_t>(chance(3));
    in.generation = 1;
    in.expires_at_ns = now_ns_;
    in.detail = "as the child said";
  }
  void create(kept_input& k) {
    k.in.kind = input_kind::twin_created;
    k.in.model_hash = chance(20) == 0 ? "missing" : chance(2) == 0 ? "one" : "two";
    k.in.incarnation = ++incarnation_;
  }
  void command(kept_input& k) {
    auto& in = k.in;
    in.kind = input_kind::command_requested;
    in.command_id = k.keep("c" + std::to_string(chance(10) == 0 ? commands_ : ++commands_));
    in.command_name = chance(8) == 0 ? "set_setpont" : chance(4) == 0 ? "reboot" : "set_setpoint";
    in.fields.push_back({"setpoint", value_view::of(14.0 + chance(16))});
    if (chance(6) == 0) in.fields.push_back({"why", value_view::text("draught")});
    if (chance(5) == 0) in.expires_at_ns = now_ns_ + (chance(5) - 1) * ns_per_s;
  }
  void reply(kept_input& k) {
    k.in.kind = input_kind::command_replied;
    k.in.command_id = k.keep("c" + std::to_string(commands_ - chance(2)));
    k.in.accepted = chance(3) != 0;
    k.in.detail = "as the valve said";
  }
  void readings(kept_input& k) {
    auto& in = k.in;
    in.kind = input_kind::readings;
    const int count = 1 + chance(3);
    for (int i = 0; i < count; ++i) {
      event_ns_ += ns_per_s * (1 + chance(2));
      reading r;
      r.event_time_ns = event_ns_ - (chance(10) == 0 ? ns_per_s * chance(90) : 0);
      r.sequence = chance(3) == 0 ? 0 : sequence_ += static_cast<unsigned>(chance(3));
      if (chance(100) == 0) sequence_ = 1;
      r.first = static_cast<std::uint32_t>(in.fields.size());
      fields(k);
      r.count = static_cast<std::uint32_t>(in.fields.size()) - r.first;
      in.readings.push_back(r);
    }
  }
  void fields(kept_input& k) {
    auto& f = k.in.fields;
    if (chance(4) != 0)
      f.push_back({"t", value_view::of(50 + noise() + (chance(12) == 0 ? 9 : 0))});
    if (chance(3) != 0) f.push_back({"v", value_view::of(4 + noise())});
    if (chance(4) == 0) f.push_back({"n", value_view::of(std::int64_t{chance(10)})});
    if (chance(4) == 0) f.push_back({"open", value_view::of(chance(2) == 0)});
    if (chance(9) == 0)
      f.push_back({"label", value_view::text(k.keep(std::string(std::size_t(chance(40)), 'x')))});
    if (chance(9) == 0) f.push_back({"setpoint", value_view::of(20.0 + chance(4))});
    if (chance(9) == 0)
      f.push_back({k.keep("extra" + std::to_string(chance(5))), value_view::of(noise())});
    if (chance(20) == 0) f.push_back({"t", value_view::text("warm")}); // not what was declared
    if (chance(30) == 0) f.push_back({"open", value_view::of(1.0)});
  }

  std::mt19937 random_;
  std::int64_t now_ns_ = 1'700'000'000 * ns_per_s, event_ns_ = now_ns_;
  std::uint64_t sequence_ = 0;
  std::uint32_t incarnation_ = 0;
  int commands_ = 0;
  std::uint64_t children_ = 1;
  std::string incident_ = "0000000000000001-0-0";
};

std::string told(const effects& all) {
  std::string text;
  for (const auto& e : all) {
    text += to_string(e.id) + ' ' + e.model_hash + ' ';
    if (e.kind == effect_kind::fault) text += e.fault.what;
    if (e.kind == effect_kind::command)
      text += std::string(to_string(e.command.phase)) + ' ' + e.command.command_id + ' ' +
              e.command.detail;
    if (e.kind == effect_kind::alert) {
      text += std::string(to_string(e.alert.transition)) + ' ' + e.alert.rule + ' ' +
              to_string(e.alert.incident) + ' ' + e.alert.message + ' ' + e.alert.proof.explanation;
      for (const auto& n : e.alert.proof.numbers)
        text += ' ' + n.name + '=' + std::to_string(n.value);
      for (const auto& t : e.alert.proof.event_times_ns) text += ' ' + std::to_string(t);
    }
    text += '\n';
  }
  return text;
}

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
    const auto inputs = stream(seed).make(models, 1500);
    std::mt19937 random{seed + 1000};
    twin_state live("test:all"), resumed("test:all");
    for (const auto& k : inputs) {
      effects out, again, redelivered;
      step(models, live, k->in, out);
      step(models, resumed, k->in, again);
      const auto text = told(out);
      REQUIRE(told(again) == text);
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
  const auto inputs = stream(7).make(models, 600);
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
