// SPDX-License-Identifier: Apache-2.0
// The operator around the automaton: what is an event, the two written forms, evidence, bounds,
// state, and job J's sequence said as a pattern.
#include "tests/unit/domain/pattern/pattern_fixture.hpp"
#include <random>

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

std::string motor(const std::string& operators) {
  return R"({"name": "motor", "telemetry": {"vibration": {}, "temperature": {}, "door": {"type":
    "boolean"}, "flow rate": {}, "note": {"type": "text"}}, "operators": [)" +
         operators + "]}";
}

std::string pattern(const std::string& text, const std::string& more = {}) {
  return R"({"name": "p", "type": "pattern", "pattern": ")" + text + "\"" + more + "}";
}

std::vector<std::pair<std::int64_t, std::string>> feed_job_j(std::string_view json, unsigned seed) {
  library models;
  models.add("j", json);
  hand device(models, "j");
  std::mt19937 random(seed);
  std::normal_distribution<double> noise(0, 1);
  std::vector<std::pair<std::int64_t, std::string>> out;
  double t = 1000;
  int rising = 0, quiet = 0;
  for (int i = 0; i < 1500; ++i) {
    t += 9 + double(random() % 2) + (random() % 150 == 0 ? 700 : 0);
    double vibration = 2 + 0.3 * noise(random), temperature = 45 + noise(random);
    if (rising == 0 && random() % 20 == 0) rising = 2 + int(random() % 5);
    if (rising > 0) {
      vibration = 7.0 - 0.5 * rising + (random() % 10 == 0 ? -4 : 0);
      if (random() % 15 == 0) temperature += 18; // a spike in the middle of the rises
      if (--rising == 0) quiet = 1 + int(random() % 70);
    } else if (quiet > 0 && --quiet == 0) {
      temperature += 18;
    }
    if (random() % 80 == 0) temperature -= 15;
    device.reading(t, {{"temperature", temperature}, {"vibration", vibration}, {"current", 10}});
    for (const auto& e : device.out)
      if (e.kind == effect_kind::alert && e.alert.rule == "wear_then_spike")
        out.emplace_back(e.alert.event_time_ns, std::string(to_string(e.alert.transition)));
  }
  return out;
}

} // namespace

TEST_CASE("job J's sequence can be said as a pattern, and gives the same alerts") {
  std::string said(job_j);
  const auto from = said.find(R"({"name": "wear_then_spike")");
  said = said.substr(0, from) +
         R"({"name": "wear_then_spike", "type": "pattern", "pattern":
           "worn: rising(vibration, 3) above 4 then hot: upper(temperature_anomaly) within 10m skip to_last hot"}]})";
  std::replace(said.begin(), said.end(), '\t', ' ');
  std::size_t alerts = 0;
  for (unsigned seed = 1; seed <= 12; ++seed) {
    CAPTURE(seed);
    const auto sequence = feed_job_j(job_j, seed);
    REQUIRE(feed_job_j(said, seed) == sequence);
    alerts += sequence.size();
  }
  CHECK(alerts > 60);
}

TEST_CASE("the JSON form and the text form are the same pattern") {
  letters text = letters::of("a: <a>{2,3} next (b: <b> then c: <c>+ greedy until <d>)? "
                             "thenAny within 20s e: <e> next not n: <f> then g: <g> within 1m skip "
                             "to_first e");
  letters json(R"("stages": [
    {"name": "a", "where": "x == 1", "at_least": 2, "at_most": 3, "then": "next"},
    {"stages": [{"name": "b", "where": "x == 2"},
                {"name": "c", "where": "x == 3", "at_least": 1, "greedy": true, "until": "x == 4"}],
     "optional": true, "then": "followed_by_any"},
    {"name": "e", "where": "x == 5", "within": "20s", "then": "next"},
    {"name": "n", "where": "x == 6", "not": true},
    {"name": "g", "where": "x == 7"}], "within": "1m", "skip": "to_first", "skip_to": "e")");
  const std::string stream = "a1 a2 a3 b c1 c2 e1 d e2 h f g a4 a5 b c3 d e3 a g";
  CHECK(text.feed(stream).end().in_order() == json.feed(stream).end().in_order());
  CHECK(text.told().size() > 1);
}

TEST_CASE("the example of the documentation alerts with its path as evidence") {
  library models;
  models.add("m", motor(pattern("worn: rising(vibration, 3) above 4.0 then hot: spike(temperature, "
                                "3 sigma) within 10m")));
  hand device(models, "m");
  std::vector<alert_effect> alerts;
  const double vibration[] = {2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 5, 6, 7, 6, 6};
  for (int i = 0; i < 15; ++i) {
    device.reading(10.0 * (i + 1),
                   {{"vibration", vibration[i]}, {"temperature", i == 14 ? 80 : 20 + i % 2}});
    for (const auto& e : device.out) alerts.push_back(e.alert);
  }
  REQUIRE(alerts.size() == 1);
  const auto& a = alerts.front();
  CHECK(a.transition == alert_transition::emitted);
  CHECK(a.event_time_ns == 150 * ns_per_s);
  CHECK(a.proof.event_times_ns == std::vector<std::int64_t>{130 * ns_per_s, 150 * ns_per_s});
  CHECK(time(a.proof, "worn[0]") == 130 * ns_per_s);
  CHECK(time(a.proof, "hot[0]") == 150 * ns_per_s);
  CHECK(number(a.proof, "worn[0].vibration") == 7);
  CHECK(number(a.proof, "hot[0].temperature") == 80);
  CHECK(number(a.proof, "span_s") == 20);
  CHECK(number(a.proof, "within_s") == 600);
  CHECK(a.proof.explanation == "worn, then hot: 2 readings within 20s");
}

TEST_CASE("an event is a reading that brings something the pattern names") {
  library models;
  models.add("m", motor(pattern("vibration above 4 next vibration above 4 within 1h")));
  hand device(models, "m");
  CHECK(device.reading(1, {{"vibration", 5}}).empty());
  CHECK(device.reading(2, {{"temperature", 1}}).empty()); // no event: does not come in between
  CHECK(device.reading(3, {{"vibration", 6}}).size() == 1);
}

TEST_CASE("a stage holds only for a reading that brings what its condition names") {
  library models;
  models.add("m", motor(pattern("temperature above 50 then door between 1 and 1 then temperature "
                                "above 50 within 1h")));
  hand device(models, "m");
  device.reading(1, {{"temperature", 60}});
  device.value(2, "door", value_view::of(true)); // the old temperature is no new event
  CHECK(device.value(3, "door", value_view::of(false)).empty());
  CHECK(device.reading(4, {{"temperature", 61}}).size() == 1);
}

TEST_CASE("changed, prev, falling and dip look at the readings before") {
  library models;
  models.add("m", motor(pattern("changed(door) next falling(vibration, 2) below 9 next [vibration "
                                "> prev(vibration) + 2] within 1h")));
  hand device(models, "m");
  const auto feed = [&](double t, double door, double vibration) {
    auto& in = device.begin(input_kind::readings);
    in.fields.push_back({"door", value_view::of(door != 0)});
    in.fields.push_back({"vibration", value_view::of(vibration)});
    in.readings.push_back({static_cast<std::int64_t>(t * 1e9), 0, 0, 2});
    return device.apply().size();
  };
  CHECK(feed(1, 0, 20) == 0);
  CHECK(feed(2, 0, 8) == 0);
  CHECK(feed(3, 1, 7) == 0); // changed; falls, below 9 for the second time
  CHECK(feed(4, 1, 6) == 0);
  CHECK(feed(5, 1, 9) == 1);
}

TEST_CASE("a pattern may follow another operator's verdict, or another pattern") {
  library models;
  models.add("m", motor(R"({"name": "t", "type": "window", "of": "temperature", "span": "5m"},
      {"name": "hot", "type": "threshold", "value": "temperature", "above": 50},
      {"name": "up", "type": "pattern", "pattern": "vibration above 4 next vibration above 5 within 1m"},
      {"name": "both", "type": "pattern", "pattern": "fired(up) then [active(hot) && temperature > t.mean] within 1m"})"));
  hand device(models, "m");
  device.reading(1, {{"vibration", 5}, {"temperature", 20}});
  device.reading(2, {{"vibration", 6}, {"temperature", 20}});
  const auto& out = device.reading(3, {{"vibration", 1}, {"temperature", 60}});
  REQUIRE(out.size() == 2);
  CHECK(out[0].alert.rule == "hot");
  CHECK(out[1].alert.rule == "both");
}

TEST_CASE("readings older than the newest event are passed over and counted") {
  auto l = letters::of("<a> then <b> within 1h");
  l.event("a", 10);
  l.twin().reading(5, {{"y", 1}}); // y is no event
  CHECK(l.state().matches.counts.late == 0);
  auto m = letters::of("[x == 1] then [y == 2] within 1h");
  m.event("a1", 10);
  m.twin().reading(12, {{"x", 9}});
  m.twin().reading(11, {{"y", 2}});
  CHECK(m.state().matches.counts.late == 1);
  CHECK(m.why().find("1 readings too old") != std::string::npos);
}

TEST_CASE("idle time closes a half match when the device falls silent") {
  library models;
  models.add("m",
             R"({"name": "m", "event_time": {"idle": "30s", "late": "drop"}, "telemetry": {"x": {}},
    "operators": [{"name": "unanswered", "type": "pattern",
                   "pattern": "asked: x above 1 then not x below 0 within 10s"}]})");
  hand device(models, "m");
  device.now_s = 100;
  CHECK(device.reading(100, {{"x", 5}}).empty());
  REQUIRE(device.state.next_wakeup_ns() != never);
  device.now_s = device.state.next_wakeup_ns() / ns_per_s + 1;
  const auto& out = device.tick();
  REQUIRE(out.size() == 1);
  CHECK(out[0].alert.rule == "unanswered");
  CHECK(out[0].alert.event_time_ns == 110 * ns_per_s);
}

TEST_CASE("a hostile stream meets the cap: memory stays flat and evictions are counted") {
  auto l = letters::of("a: <a> thenAny b: <b>+ combinations then <c> within 24h skip none",
                       R"("max_partial": 32)");
  std::mt19937 random(1);
  std::size_t most = 0, after_warm_up = 0;
  for (int i = 1; i <= 20'000; ++i) {
    l.event(random() % 3 == 0 ? "a" : "b", i);
    most = std::max(most, l.op().state_bytes(l.state()));
    if (i == 10'000) after_warm_up = most;
    REQUIRE(l.state().matches.partial.size() <= 32);
  }
  CHECK(most <= after_warm_up * 5 / 4);
  CHECK(most < 16 * 1024);
  CHECK(l.state().matches.counts.evicted > 10'000);
  CHECK(l.why().find("gave way at max_partial") != std::string::npos);
}

TEST_CASE("a path never grows beyond max_events") {
  auto l = letters::of("<a>+ then <b> within 24h", R"("max_events": 10)");
  for (int i = 1; i <= 100; ++i) l.event("a", i);
  CHECK(l.state().matches.counts.too_long > 0);
  for (const auto& h : l.state().matches.partial)
    CHECK(l.state().matches.paths.node(h.node).length <= 10);
  CHECK(l.event("b", 101).told().size() == 1);
}

TEST_CASE("equal half matches are merged where one of them speaks for both") {
  auto merged = letters::of("<a> then <b>+ combinations then <c> within 1h skip past_last");
  merged.feed("a b1 b2 b3 b4 b5 b6 b7 b8");
  CHECK(merged.state().matches.partial.size() <= 4);
  CHECK(merged.state().matches.counts.merged > 10);
  CHECK(merged.feed("c").in_order() == "a b1 b2 b3 b4 b5 b6 b7 b8 c");
}

TEST_CASE("a quiet pattern gives memory back, a warm one does not allocate anew") {
  auto l = letters::of("<a> then <b> within 10s");
  for (int i = 1; i <= 60; ++i) l.event("a", 1 + i * 0.1);
  CHECK(l.op().state_bytes(l.state()) > 4096);
  l.event("c", 100);
  CHECK(l.op().state_bytes(l.state()) < 1024);
}

TEST_CASE("the state's bytes are canonical, and damage is refused") {
  auto l = letters::of("a: <a>+ then b: [x == 2 && y > last(a.y)]{2} then <c> within 1h skip none",
                       R"("emit": "both")");
  std::mt19937 random(3);
  for (int i = 1; i <= 300; ++i) {
    l.event(std::string(1, "aabbc"[random() % 5]) + std::to_string(random() % 9), i);
    if (i % 50 != 0) continue;
    std::string before, after;
    byte_writer w(before);
    l.op().save(l.state(), w);
    byte_reader in(before);
    const auto again = l.op().load(in);
    REQUIRE((in.ok() && in.at_end() && again != nullptr));
    byte_writer v(after);
    l.op().save(*again, v);
    CHECK(before == after);
    for (int damage = 0; damage < 200; ++damage) {
      auto bytes = before;
      bytes[random() % bytes.size()] = static_cast<char>(random());
      if (damage % 4 == 0) bytes.resize(random() % bytes.size());
      byte_reader broken(bytes);
      const auto state = l.op().load(broken); // refused or usable, never undefined
      if (!broken.ok() || state == nullptr) continue;
      std::string out;
      byte_writer u(out);
      l.op().save(*state, u);
    }
  }
}

TEST_CASE("what could grow without bound, or match nothing, is refused with its place") {
  const auto error = [](const std::string& text) { return compile_error(motor(pattern(text))); };
  const auto has = [&](const std::string& text, const std::string& part) {
    const auto got = error(text);
    CAPTURE(text);
    CAPTURE(got);
    CHECK(got.find(part) != std::string::npos);
  };
  has("vibration above 4 then door above 0", "line 1, column 24: without within");
  has("vibration above 4+ consecutive", "repeated without end and without within");
  has("vibration above 4 next not door above 0 then door above 0", "column 46: without within");
  has("vibration above 4? within 1m", "this could match nothing");
  has("vibration above 4 then not door above 0", "needs within");
  has("(vibration above 4? then door above 0?) then door above 0 within 1m",
      "everything in this group is optional");
  has("a: vibration above 4 then [vibration > last(b.vibration)] within 1m",
      "column 40: expected an earlier stage");
  has("a: vibration above 4 then b: [vibration > last(c.vibration)] then c: door above 0 within 1m",
      "expected an earlier stage");
  has("a: vibration above 4 then not n: door above 0 then [vibration > last(n.vibration)] within "
      "1m",
      "it has no events");
  has("a: vibration above 4 then a: door above 0 within 1m", "stands above already");
  has("vibraton above 4 within 1m", "did you mean \"vibration\"?");
  has("note above 4 within 1m", "unknown name");
  has("rising(vibraton) within 1m", "did you mean \"vibration\"?");
  has("fired(hot) within 1m", "no operator \"hot\"");
  has("nothing(vibration) within 1m", "unknown function");
  has("vibration above 4 then", "column 23: expected a condition");
  has("vibration over 4", "column 11: expected above, below or between");
  has("vibration above x", "column 17: expected a number");
  has("vibration above 1e999", "expected a number");
  has("[vibration > ] within 1m", "column 14: expected a number, a name or (");
  has("[vibration > 4 within 1m", "is not closed by ]");
  has("(vibration above 4 within 1m", "expected )");
  has("vibration above 4 within soon", "column 26: expected a duration");
  has("vibration above 4 within 1m skip to_first b", "expected the name of a stage");
  has("a: vibration above 4 then not n: door above 0 then b: door above 0 within 1m skip to_last n",
      "stage that takes events");
  has("vibration above 4{2,1} within 1m", "repeat 1 to 256 times");
  has("vibration above 4{300} within 1m", "whole number up to 256");
  has("vibration above 4 consecutive within 1m", "for what is repeated");
  has("vibration above 4 greedy within 1m", "greedy is for");
  has("vibration above 4? then not door above 0 then door above 0 within 1m",
      "cannot stand behind something optional");
  has("vibration above 4 then within 5s not door above 0 then door above 0 within 1m",
      "only a not at the end");
  has("vibration above 4 then door above 0? next not door above 0? within 1m",
      "cannot be repeated");
  has("((((((((vibration above 4)))))))) within 1m", "nested deeper than 8");
  has("(((vibration above 4){100}){100}){100} within 1m", "more than 512 stages");
  std::string many = "vibration above 0";
  for (int i = 0; i < 40; ++i) many += " then vibration above 0";
  has(many + " within 1m", "more than 32 stages");
  has(std::string("vibration above 4{200} within 1m"), "");
  CHECK(error("vibration above 4{200} within 1m").empty());
  CHECK(error("vibration above 4 next door above 0").empty()); // strict: one event is enough
  CHECK(error("'flow rate' above 4 then within 5m door above 0").empty());
  CHECK(compile_error(motor(R"({"name": "p", "type": "pattern"})")).find("\"pattern\"") !=
        std::string::npos);
  CHECK(compile_error(motor(R"({"name": "p", "type": "pattern", "within": "1m", "stages": [
            {"name": "a", "were": "vibration > 4"}]})"))
            .find("stage has no key \"were\"; did you mean \"where\"?") != std::string::npos);
  CHECK(compile_error(motor(R"({"name": "p", "type": "pattern", "within": "1m", "stages": [
{"name": "a", "where": "vibration >"}]})"))
            .starts_with("3:24: at character 12: expected"));
}
