// SPDX-License-Identifier: Apache-2.0
// What a model may say of a state machine, and the corners that scenarios leave out.
#include "domain/machine/state_machine.hpp"
#include "domain/model/model_check.hpp"
#include "tests/unit/domain/machine/machine_fixture.hpp"

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

bool says(const std::string& error, const std::string& part) {
  const bool found = error.find(part) != std::string::npos;
  if (!found) MESSAGE("it says: " << error);
  return found;
}

// A machine that emits `a` whenever `when` holds.
std::string watcher(const std::string& when, const std::string& more = "") {
  return R"("initial": "s", "variables": [{"name": "n"}, {"name": "w", "type": "text"},
    {"name": "k", "initial": 2}], )" +
         more + R"("states": [{"name": "s", "on_input": [{"when": ")" + when +
         R"(", "do": [{"emit": "a"}]}]}])";
}

std::size_t emitted(const effects& out) {
  std::size_t n = 0;
  for (const auto& e : out) n += e.kind == effect_kind::alert ? 1 : 0;
  return n;
}

bool fires(const std::string& when, const std::vector<std::pair<std::string, value_view>>& values) {
  const one_model models(machine_model(watcher(when)));
  driver d(models);
  return emitted(d.reading(1000, values)) == 1;
}

} // namespace

TEST_CASE("a model with a mistake in a machine is refused with place and name") {
  CHECK(says(machine_error(R"("initial": "t", "states": [{"name": "s"}])"), "no state \"t\""));
  CHECK(says(machine_error(R"("initial": "s", "states": [])"), "needs a state"));
  CHECK(says(machine_error(R"("initial": "s", "states": [{"name": "s"}, {"name": "s"}])"),
             "is there twice"));
  CHECK(says(
      machine_error(
          R"("initial": "full", "states": [{"name": "full", "transitions": [{"to": "ful"}]}])"),
      "no state \"ful\"; did you mean \"full\"?"));
  CHECK(says(machine_error(R"("initial": "s", "timers": [{"name": "cool", "for": "5s"}],
    "states": [{"name": "s", "on_enter": [{"when": "timeout(col) "}]}])"),
             "no timer \"col\"; did you mean \"cool\"?"));
  CHECK(says(machine_error(R"("initial": "s", "timers": [{"name": "cool"}],
    "states": [{"name": "s", "on_enter": [{"do": [{"start": "cool"}]}]}])"),
             "how long?"));
  CHECK(says(machine_error(R"("initial": "s", "states": [{"name": "s", "alert": "c"}])"),
             "no machine_alert \"c\""));
  CHECK(says(machine_error(R"("initial": "s", "states": [{"name": "s", "on_enter":
    [{"do": [{"set": "q", "to": "1"}]}]}])"),
             "no variable \"q\""));
  CHECK(says(machine_error(R"("initial": "s", "states": [{"name": "s", "on_enter":
    [{"do": [{"emit": "a", "raise": "a"}]}]}])"),
             "one action does one thing"));
  CHECK(says(machine_error(R"("initial": "s", "states": [{"name": "s", "on_entre": []}])"),
             "did you mean \"on_enter\"?"));
  CHECK(says(machine_error(R"("initial": "s", "states": [{"name": "s", "on_enter":
    [{"do": [{"command": "go"}]}]}])"),
             "needs the number \"to\""));
  CHECK(says(machine_error(R"("initial": "s", "variables": [{"name": "state"}],
    "states": [{"name": "s"}])"),
             "the machine itself"));
  CHECK(says(machine_error(watcher("word > 3")), "\"word\" is a text"));
  CHECK(says(machine_error(watcher("x == ~a~")), "\"x\" is no text"));
  CHECK(says(machine_error(watcher("word == ~a")), "does not end"));
  CHECK(says(machine_error(watcher("x > ")), "in \"x >\""));
  CHECK(says(machine_error(watcher("x > 1 || ")), "expected"));
  CHECK(says(machine_error(watcher("starts_with(word)")), "two texts"));
  CHECK(machine_error(watcher("x > 1 || (word == ~a~ && !(on))")).empty());
}

TEST_CASE("lists of a machine are bounded") {
  std::string states;
  for (int i = 0; i <= 64; ++i)
    states += std::string(i != 0 ? "," : "") + "{\"name\": \"s" + std::to_string(i) + "\"}";
  CHECK(says(machine_error("\"initial\": \"s0\", \"states\": [" + states + "]"),
             "more than 64 states"));
  std::string deep = "x > 1";
  for (int i = 0; i < 40; ++i) deep = "(" + deep + ")";
  CHECK(says(machine_error(watcher(deep)), "nested deeper than 32"));
}

TEST_CASE("what is unknown does not hold, and does not stop what is known") {
  const auto x5 = std::vector<std::pair<std::string, value_view>>{{"x", value_view::of(5.0)}};
  CHECK(fires("x > 3", x5));
  CHECK_FALSE(fires("y > 3 && x > 3", x5));
  CHECK(fires("y > 3 || x > 3", x5));
  CHECK(fires("(y > 3 && x < 3) || x > 3", x5));
  CHECK(fires("!(y > 3 && x < 3) && x > 3", x5));
  CHECK_FALSE(fires("!(y > 3) && x > 3", x5));
  CHECK(fires("unknown(y) && !unknown(x) && unknown(var.n) && x > 3", x5));
  CHECK(fires("var.k == 2 && x > 3", x5));
  CHECK_FALSE(fires("var.n == 0 && x > 3", x5));
  CHECK(fires("arrived(x) && !arrived(y) && !by_timer()", x5));
}

TEST_CASE("texts are compared as wholes, by start, end and part") {
  const auto reset = std::vector<std::pair<std::string, value_view>>{
      {"word", value_view::text("reset")}, {"x", value_view::of(1.0)}};
  CHECK(fires("word == ~reset~", reset));
  CHECK_FALSE(fires("word == ~rese~", reset));
  CHECK(fires("word != ~stop~ && x == 1", reset));
  CHECK(fires("starts_with(word, ~re~) && ends_with(word, ~et~) && contains(word, ~ese~)", reset));
  CHECK_FALSE(fires("word != var.w", reset)); // the variable is unknown
  CHECK(fires("unknown(word) || word == ~reset~", reset));
  CHECK_FALSE(fires("contains(word, ~q~) || unknown(word)", reset));
}

TEST_CASE("of an input, what its newest message lacked is unknown") {
  const one_model models(machine_model(watcher(
      "word == ~go~ && x > 3", R"("inputs": [{"name": "i", "telemetry": ["word", "x"]}], )")));
  driver d(models);
  CHECK(emitted(d.reading(1000, {{"word", value_view::text("go")}})) == 0);
  CHECK(emitted(d.reading(2000, {{"x", value_view::of(5.0)}})) == 0);
  CHECK(emitted(d.reading(3000, {{"word", value_view::text("go")}, {"x", value_view::of(5.0)}})) ==
        1);
  const one_model apart(machine_model(watcher("word == ~go~ && x > 3")));
  driver other(apart);
  other.reading(1000, {{"word", value_view::text("go")}});
  CHECK(emitted(other.reading(2000, {{"x", value_view::of(5.0)}})) == 1);
}

TEST_CASE("a batch judges all conditions first, a series one after the other") {
  const std::string members = R"("initial": "s", "variables": [{"name": "n", "initial": 0}],
    "states": [{"name": "s", "on_input": [{"do": [{"set": "n", "to": "var.n + 1"}]},
      {"when": "var.n == 1", "do": [{"emit": "a"}]}],
      "transitions": [{"when": "var.n >= 2 && x > 0", "to": "t"}]}, {"name": "t"}])";
  const one_model series(machine_model(members));
  const one_model batch(machine_model("\"evaluation\": \"batch\", " + members));
  driver one(series), two(batch);
  const auto x = [](driver& d, std::int64_t t) {
    return emitted(d.reading(t, {{"x", value_view::of(double(t))}}));
  };
  CHECK(x(one, 1000) == 1);
  CHECK(x(two, 1000) == 0);
  CHECK(x(one, 2000) == 0);
  CHECK(x(two, 2000) == 1);
  CHECK(one.why("m").starts_with("t: "));
  CHECK(two.why("m").starts_with("s: "));
  x(two, 3000);
  CHECK(two.why("m").starts_with("t: "));
}

TEST_CASE("other operators see where the machine stands and its numbers") {
  const one_model models(R"({"name": "m", "telemetry": {"x": {}}, "operators": [
    {"name": "m", "type": "state_machine", "initial": "s",
     "variables": [{"name": "label", "type": "text"}, {"name": "n", "initial": 0}],
     "states": [{"name": "s", "on_input": [{"do": [{"set": "n", "to": "x * 2"},
       {"set": "label", "to": "~here~"}]}], "transitions": [{"when": "x > 5", "to": "t"}]},
       {"name": "t"}]},
    {"name": "there", "type": "threshold", "value": "m.state == 1 && m.n > 10"}]})");
  driver d(models);
  CHECK(emitted(d.reading(1000, {{"x", value_view::of(1.0)}})) == 0);
  CHECK(d.why("m").find("label = \"here\"") != std::string::npos);
  CHECK(emitted(d.reading(2000, {{"x", value_view::of(6.0)}})) == 1);
}

TEST_CASE("a command whose argument is unknown is not given") {
  const one_model models(machine_model(R"("initial": "s", "states": [{"name": "s", "on_input":
    [{"when": "x > 0", "do": [{"command": "go", "with": {"to": "y"}}]}]}])"));
  driver d(models);
  REQUIRE(d.reading(1000, {{"x", value_view::of(1.0)}}).size() == 1);
  CHECK(d.out[0].fault.what.find("has no value yet") != std::string::npos);
  REQUIRE(d.reading(2000, {{"y", value_view::of(4.0)}}).size() == 1);
  CHECK(d.out[0].command.phase == command_phase::dispatched);
  CHECK(d.out[0].command.numbers.at(0).value == 4.0);
}

TEST_CASE("a machine that begins anew ends the alerts it had raised") {
  auto text = machine_model(R"("initial": "s", "states": [{"name": "s",
    "transitions": [{"when": "x > 1", "to": "t"}]}, {"name": "t", "alert": "a"}])");
  library models;
  models.add("one", text);
  text.replace(text.find("x > 1"), 5, "x > 2");
  models.add("two", text);
  hand d(models, "one");
  d.now_s = 10;
  CHECK(d.reading(10, {{"x", 5}}).size() == 1);
  auto& in = d.begin(input_kind::model_changed);
  in.model_name = "m";
  in.model_hash = "two";
  d.apply();
  d.now_s = 20;
  d.reading(20, {{"x", 1}});
  REQUIRE(d.out.size() == 1);
  CHECK(d.out[0].alert.transition == alert_transition::cleared);
}

TEST_CASE("what is allowed but hardly meant is told") {
  const auto compiled = compile_text(machine_model(R"("initial": "s",
    "timers": [{"name": "t", "for": "1s"}], "states": [{"name": "s"}, {"name": "far"}])"));
  REQUIRE(compiled.ok());
  const auto doubts = machine_doubts(*compiled);
  REQUIRE(doubts.size() == 3);
  CHECK(doubts[0] == "m: state \"far\" cannot be reached");
  CHECK(doubts[1] == "m: timer \"t\" is never started");
  const auto found = check_model(model_text::read(machine_model(R"("initial": "s",
    "states": [{"name": "s"}, {"name": "far"}])")));
  REQUIRE(found.size() == 1);
  CHECK_FALSE(found[0].error);
  CHECK(found[0].what == "state \"far\" cannot be reached");
}

TEST_CASE("damaged bytes of a machine's state are refused") {
  const one_model models(machine_model(R"("initial": "s", "timers": [{"name": "t", "for": "1s"}],
    "variables": [{"name": "n", "initial": 0}, {"name": "w", "type": "text", "initial": "abc"}],
    "states": [{"name": "s", "on_enter": [{"do": [{"start": "t"}]}],
      "on_input": [{"when": "x > 0"}]}])"));
  driver d(models);
  d.reading(1000, {{"x", value_view::of(1.0)}});
  const auto& op = *models.find("m")->find_operator("m");
  std::string good;
  byte_writer out(good);
  op.save(*d.state.get().states.at(op.identity().state), out);
  const auto read = [&](std::string_view bytes) {
    byte_reader in(bytes);
    const auto s = op.load(in);
    return in.ok() && in.at_end();
  };
  CHECK(read(good));
  for (std::size_t n = 0; n < good.size(); ++n) CHECK_FALSE(read(good.substr(0, n)));
  auto bad = good;
  bad[0] = 1; // no such state
  CHECK_FALSE(read(bad));
  bad = good;
  bad[12] = 7; // neither known nor unknown
  CHECK_FALSE(read(bad));
}
