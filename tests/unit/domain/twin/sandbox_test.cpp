// SPDX-License-Identifier: Apache-2.0
// A twin in simulated time against one whose clock is wound by hand.
#include "domain/twin/sandbox.hpp"
#include "tests/unit/domain/twin/random_stream.hpp"

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

constexpr std::int64_t start_ns = 1'700'000'000 * ns_per_s;

constexpr std::string_view watched = R"json({
  "name": "m", "telemetry": {"x": {}},
  "commands": {"set": {"argument": "to", "min": 0, "max": 9, "ttl": "10s"}},
  "operators": [
    {"name": "silent", "type": "absence", "of": "x", "for": "45s"},
    {"name": "soon", "type": "absence", "of": "x", "for": "20s"},
    {"name": "long_hot", "type": "machine_alert"},
    {"name": "clock", "type": "state_machine", "initial": "cold", "restart_grace": "1s",
     "timers": [{"name": "t", "for": "30s"}], "states": [
      {"name": "cold", "transitions": [{"when": "x > 50", "to": "hot"}]},
      {"name": "hot", "on_enter": [{"do": [{"start": "t"}]}],
       "transitions": [{"when": "timeout('t')", "to": "done"}, {"when": "x < 50", "to": "cold"}]},
      {"name": "done", "alert": "long_hot",
       "transitions": [{"when": "x < 50", "to": "cold"}]}]}]})json";

struct boxed {
  library models;
  sandbox twin;
  effects out;
  std::int64_t now_s = 0;

  explicit boxed(std::int64_t grace_ns = sandbox::usual_grace_ns)
      : models(make()), twin(models, "test:twin", grace_ns) {
    input in;
    in.kind = input_kind::twin_created;
    in.model_hash = "m";
    give(in);
  }
  static library make() {
    library all;
    all.add("m", watched);
    return all;
  }
  void give(input& in) {
    in.ingest_time_ns = start_ns + now_s * ns_per_s;
    out.clear();
    twin.give(in, out);
  }
  void reading(double x) {
    input in;
    in.kind = input_kind::readings;
    in.fields.push_back({"x", value_view::of(x)});
    in.readings.push_back({start_ns + now_s * ns_per_s, 0, 0, 1});
    give(in);
  }
  void start_node() {
    input in;
    in.kind = input_kind::node_started;
    give(in);
  }
  void pass(std::int64_t until_s) {
    out.clear();
    twin.let_time_pass(start_ns + until_s * ns_per_s, out);
  }
  /// "rule transition second" of what was told last.
  [[nodiscard]] std::string told() const {
    std::string text;
    for (const auto& e : out) {
      text += text.empty() ? "" : ", ";
      text += e.kind == effect_kind::alert     ? e.alert.rule + " " + to_string(e.alert.transition)
              : e.kind == effect_kind::command ? to_string(e.command.phase)
                                               : e.fault.what;
      text += " " + std::to_string((e.ingest_time_ns - start_ns) / ns_per_s);
    }
    return text;
  }
};

// The clock of one twin, wound by hand: nothing of the sandbox's is used.
struct wound_twin {
  const library& models;
  twin_state state{"test:twin"};
  std::uint64_t position = 0;
  void give(input in, effects& out) {
    for (;;) {
      const auto due = state.next_wakeup_ns();
      if (due == never || due > in.ingest_time_ns) break;
      input tick;
      tick.kind = input_kind::tick;
      tick.id = {{++position}, 0};
      tick.timer = state.next_timer();
      tick.generation = state.timer_generation();
      tick.ingest_time_ns = std::max(due, state.get().last_ingest_ns);
      step(models, state, tick, out);
    }
    in.id = {{++position}, 0};
    step(models, state, in, out);
  }
};

} // namespace

TEST_CASE("timers of a sandboxed twin go off between its inputs, each at its time") {
  boxed b;
  b.now_s = 10;
  b.reading(60);
  CHECK(b.told() == "");
  CHECK(b.twin.next_due_ns() == start_ns + 30 * ns_per_s);
  b.now_s = 200;
  b.reading(10);
  CHECK(b.told() == "soon raised 30, long_hot raised 40, silent raised 55, silent cleared 200, "
                    "soon cleared 200, long_hot cleared 200");
}

TEST_CASE("time that passes without an input lets timers go off as well") {
  boxed b;
  b.reading(10);
  b.pass(44);
  CHECK(b.told() == "soon raised 20");
  b.pass(45);
  CHECK(b.told() == "silent raised 45");
}

TEST_CASE("what falls due while the node is down waits for the grace behind its start") {
  boxed b(10 * ns_per_s);
  b.now_s = 10;
  b.reading(60); // the machine's timer is due at 40
  b.now_s = 100;
  b.start_node();
  CHECK(b.told() == "");
  b.pass(109);
  CHECK(b.told() == "");
  b.pass(110);
  CHECK(b.told() == "long_hot raised 110"); // its own grace is 1 s, the node's 10 s
  b.pass(145);                              // silence counts from the start
  CHECK(b.told() == "soon raised 120, silent raised 145");
}

TEST_CASE("a command's expiry does not wait for the grace") {
  boxed b(1000 * ns_per_s);
  input in;
  in.kind = input_kind::command_requested;
  in.command_id = "c1";
  in.command_name = "set";
  in.fields.push_back({"to", value_view::of(5.0)});
  b.give(in);
  CHECK(b.told() == "dispatched 0");
  b.now_s = 100;
  b.start_node();
  b.pass(101);
  CHECK(b.told() == "timed_out 100");
}

TEST_CASE("how long the node was still up before a start is told by letting time pass") {
  boxed b;
  b.reading(60);
  b.pass(25);
  CHECK(b.told() == "soon raised 20");
  b.now_s = 100;
  b.start_node();
  CHECK(b.told() == "");
}

TEST_CASE("let_time_pass stops behind as many timers as it is allowed") {
  boxed b;
  b.reading(60);
  b.out.clear();
  CHECK_FALSE(b.twin.let_time_pass(start_ns + 100 * ns_per_s, b.out, 1));
  CHECK(b.told() == "soon raised 20");
  CHECK(b.twin.let_time_pass(start_ns + 100 * ns_per_s, b.out, 2));
  CHECK(b.told() == "soon raised 20, long_hot raised 30, silent raised 45");
}

TEST_CASE("property: a sandboxed twin is a twin whose timers go off when they are due") {
  std::size_t told = 0;
  for (unsigned seed = 0; seed < 40; ++seed) {
    CAPTURE(seed);
    random_stream random(seed);
    library models;
    models.add("m", random.model(R"({"disorder":"4s","lateness":"30s","idle":"20s"})"));
    auto all = random.readings(400);
    random.shuffle(all, 30 * ns_per_s);
    wound_twin wound{models};
    sandbox boxed_twin(models, "test:twin");
    effects by_hand, by_itself;
    const auto both = [&](const input& in) {
      wound.give(in, by_hand);
      boxed_twin.give(in, by_itself);
    };
    input in;
    in.kind = input_kind::twin_created;
    in.model_hash = "m";
    in.ingest_time_ns = all.front().arrives_ns - ns_per_s;
    both(in);
    for (const auto& r : all) {
      in.clear();
      in.kind = input_kind::readings;
      in.ingest_time_ns = r.arrives_ns;
      for (const auto& [name, v] : r.numbers) in.fields.push_back({name, value_view::of(v)});
      in.readings.push_back({r.event_ns, 0, 0, static_cast<std::uint32_t>(in.fields.size())});
      both(in);
    }
    REQUIRE(saved(wound.state) == saved(boxed_twin.state()));
    REQUIRE(by_hand.size() == by_itself.size());
    for (std::size_t i = 0; i < by_hand.size(); ++i) {
      REQUIRE(to_string(by_hand[i].id) == to_string(by_itself[i].id));
      REQUIRE(by_hand[i].ingest_time_ns == by_itself[i].ingest_time_ns);
      REQUIRE(by_hand[i].alert.message == by_itself[i].alert.message);
    }
    told += by_hand.size();
  }
  CHECK(told > 400);
}
