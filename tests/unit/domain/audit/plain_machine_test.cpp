// SPDX-License-Identifier: Apache-2.0
// The second opinion on what state machines do: random ones on random inputs, and one with texts.
#include "tests/unit/domain/audit/random_life.hpp"
#include "tests/unit/domain/machine/machine_fixture.hpp"
#include "tests/unit/domain/machine/plain_machine.hpp"

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

// A twin under a machine, with ticks when timers fall due, starts of the node, late readings.
life machine_life(const model_source& models, std::mt19937& dice, int inputs) {
  life out;
  twin_state twin("test:all");
  std::int64_t now = 1'700'000'000 * ns_per_s;
  const char* const words[] = {"eco", "boost", "off"};
  for (int i = 0; i < inputs; ++i) {
    input in;
    in.id = {{static_cast<std::uint64_t>(i) + 1}, 0};
    in.kind = i == 0 ? input_kind::twin_created : input_kind::readings;
    in.model_hash = "m";
    const auto due = twin.next_wakeup_ns();
    if (i > 0 && due != never && dice() % 2 == 0) {
      in.kind = input_kind::tick;
      in.timer = twin.next_timer();
      in.generation = twin.timer_generation();
      now = std::max(now, due) + (dice() % 4 == 0 ? 700 * ns_per_ms : 0);
    } else {
      now += ns_per_ms * (1 + dice() % 3000);
      if (i > 0 && dice() % 30 == 0) in.kind = input_kind::node_started;
    }
    in.ingest_time_ns = now;
    for (int k = in.kind == input_kind::readings ? 1 + int(dice() % 2) : 0; k > 0; --k) {
      reading r;
      r.event_time_ns = now - (dice() % 8 == 0 ? ns_per_s * (dice() % 6) : 0);
      r.first = static_cast<std::uint32_t>(in.fields.size());
      if (dice() % 3 != 0) in.fields.push_back({"x", value_view::of(double(dice() % 10))});
      if (dice() % 3 == 0) in.fields.push_back({"y", value_view::of(double(dice() % 10))});
      if (dice() % 4 == 0) in.fields.push_back({"on", value_view::of(dice() % 2 == 0)});
      if (dice() % 4 == 0) in.fields.push_back({"word", value_view::text(words[dice() % 3])});
      r.count = static_cast<std::uint32_t>(in.fields.size()) - r.first;
      in.readings.push_back(r);
    }
    out.journal.add(in);
    effects born;
    step(models, twin, in, born);
    for (auto& e : born)
      if (e.kind == effect_kind::alert) out.alerts.push_back(std::move(e));
  }
  return out;
}

config_node tree_of(const std::string& text) {
  auto tree = model_text::read(text);
  put_quotes(tree);
  return tree;
}

constexpr std::string_view spoken =
    R"json("initial": "calm", "evaluation": "batch", "restart_grace": "2s",
  "variables": [{"name": "n", "initial": 0}, {"name": "mode", "type": "text", "initial": "none"},
                {"name": "ever", "type": "boolean"}],
  "timers": [{"name": "wait", "for": "3s"}], "inputs": [{"name": "both", "telemetry": ["x", "y"]}],
  "states": [
   {"name": "calm", "on_input": [
      {"when": "arrived(word) && word != var.mode", "do": [{"set": "mode", "to": "word"}, {"set": "n", "to": "var.n + 1"}]},
      {"name": "shout", "when": "starts_with(word, ~bo~) && arrived(both)", "do": [{"emit": "b"}]}],
    "transitions": [{"when": "!(x < 7) || (unknown(y) && var.n > 30)", "to": "hot", "do": [{"start": "wait", "seconds": "x / 2"}]}]},
   {"name": "hot", "alert": "a",
    "on_enter": [{"do": [{"set": "ever", "to": "x"}, {"start": "wait"}]}],
    "on_input": [{"when": "timeout(wait) && by_timer()", "do": [{"restart": "wait"}, {"emit": "b"}]}],
    "on_exit": [{"when": "var.ever && y > 3", "do": [{"stop": "wait"}, {"raise": "b"}]}],
    "transitions": [{"name": "quiet", "when": "x < 3 && word == ~eco~", "to": "calm", "do": [{"clear": "b"}]}]}])json";

} // namespace

TEST_CASE("what random machines do to alerts is confirmed") {
  std::mt19937 dice(4242);
  std::map<std::string, int> seen;
  for (int round = 0; round < 120; ++round) {
    const auto text = machine_model(machine_maker::json(machine_maker(dice).make()));
    CAPTURE(text);
    const one_model models(text);
    const auto l = machine_life(models, dice, 60);
    const auto tree = tree_of(text);
    for (const auto& alert : l.alerts) {
      const auto says = judge_again(tree, l.journal, alert);
      CAPTURE(to_string(alert.id));
      CAPTURE(alert.alert.proof.explanation);
      REQUIRE_MESSAGE(says.says == opinion::confirmed, told(says));
      ++seen[to_string(alert.alert.transition)];
    }
  }
  for (const char* what : {"raised", "cleared", "emitted"})
    CHECK_MESSAGE(seen[what] > 100, std::string(what));
}

TEST_CASE("texts, inputs and starts of the node are replayed, and what is tampered with is seen") {
  const auto text = machine_model(std::string(spoken));
  const one_model models(text);
  const auto tree = tree_of(text);
  std::mt19937 dice(7);
  std::map<std::string, int> seen;
  const auto l = machine_life(models, dice, 500);
  for (const auto& alert : l.alerts) {
    const auto kind = alert.alert.rule + ' ' + to_string(alert.alert.transition);
    CAPTURE(kind);
    CAPTURE(to_string(alert.id));
    const auto says = judge_again(tree, l.journal, alert);
    REQUIRE_MESSAGE(says.says == opinion::confirmed, told(says));
    if (++seen[kind] > 6) continue;
    const auto refuse = [&](const char* how, auto&& change) {
      auto wrong = alert;
      change(wrong.alert);
      CHECK_MESSAGE(judge_again(tree, l.journal, wrong).says == opinion::contradicted, how);
    };
    for (std::size_t i = 0; i < alert.alert.proof.numbers.size(); ++i)
      refuse("number", [&](alert_effect& a) { a.proof.numbers[i].value += 0.001; });
    for (std::size_t i = 0; i < alert.alert.proof.times.size(); ++i)
      refuse("time", [&](alert_effect& a) { a.proof.times[i].time_ns += 1; });
    refuse("moved", [](alert_effect& a) { a.event_time_ns += 1; });
    refuse("other", [](alert_effect& a) {
      const bool raised = a.transition == alert_transition::raised;
      a.transition = raised ? alert_transition::cleared : alert_transition::raised;
    });
  }
  for (const char* what : {"a raised", "a cleared", "b raised", "b cleared", "b emitted"})
    CHECK_MESSAGE(seen[what] >= 3, std::string(what));
}

TEST_CASE("a machine that looks at what has no plain form is left unsettled, and why is said") {
  const std::string text =
      R"json({"name": "m", "telemetry": {"x": {}, "y": {}, "on": {"type": "boolean"},
    "word": {"type": "text"}}, "operators": [
    {"name": "w", "type": "window", "of": "x", "span": "1m"},
    {"name": "z", "type": "z_score", "window": "w"},
    {"name": "a", "type": "machine_alert"},
    {"name": "m", "type": "state_machine", "initial": "s", "states": [
      {"name": "s", "on_input": [{"when": "x > z.mean || x > 8", "do": [{"emit": "a"}]}]}]}]})json";
  const one_model models(text);
  std::mt19937 dice(3);
  const auto l = machine_life(models, dice, 60);
  REQUIRE(!l.alerts.empty());
  const auto says = judge_again(model_text::read(text), l.journal, l.alerts.front());
  CHECK(says.says == opinion::unsettled);
  CHECK(told(says).find("does not know z.mean") != std::string::npos);
}
