// SPDX-License-Identifier: Apache-2.0
// The cases of docs/patterns.md, each by its name there: what Flink's documentation says a pattern
// matches, and what we say where it says nothing.
#include "tests/unit/domain/pattern/pattern_fixture.hpp"

using namespace pollux;
using namespace pollux::domain::testing;

TEST_CASE("C1 strict contiguity: another event in between ends the match") {
  CHECK(matches("<a> next <b> within 1h skip none", "a c b1 b2") == "");
  CHECK(matches("<a> next <b> within 1h skip none", "a b1 b2") == "a b1");
}

TEST_CASE("C2 relaxed contiguity: the first that fits is taken") {
  CHECK(matches("<a> then <b> within 1h skip none", "a c b1 b2") == "a b1");
}

TEST_CASE("C3 non-deterministic relaxed contiguity: every one that fits is") {
  CHECK(matches("<a> thenAny <b> within 1h skip none", "a c b1 b2") == "a b1 | a b2");
}

TEST_CASE("L1 a loop with strict contiguity inside and behind it") {
  CHECK(matches("<a> thenAny <b>+ consecutive next <c> within 1h skip none",
                "a b1 d1 b2 d2 b3 c") == "a b3 c");
}

TEST_CASE("L2 a loop with relaxed contiguity inside") {
  CHECK(matches("<a> thenAny <b>+ then <c> within 1h skip none", "a b1 d1 b2 d2 b3 c") ==
        "a b1 b2 b3 c | a b1 b2 c | a b1 c | a b2 b3 c | a b2 c | a b3 c");
}

TEST_CASE("L3 a loop with combinations inside") {
  CHECK(
      matches("<a> thenAny <b>+ combinations then <c> within 1h skip none", "a b1 d1 b2 d2 b3 c") ==
      "a b1 b2 b3 c | a b1 b2 c | a b1 b3 c | a b1 c | a b2 b3 c | a b2 c | a b3 c");
}

TEST_CASE("L4 consecutive: another event ends the repetition") {
  CHECK(matches("<c> then <a>+ consecutive then <b> within 1h skip none", "c d a1 a2 a3 d a4 b") ==
        "c a1 a2 a3 b | c a1 a2 b | c a1 b");
}

TEST_CASE("L5 without consecutive the repetition goes on") {
  CHECK(matches("<c> then <a>+ then <b> within 1h skip none", "c d a1 a2 a3 d a4 b") ==
        "c a1 a2 a3 a4 b | c a1 a2 a3 b | c a1 a2 b | c a1 b");
}

TEST_CASE("L6 combinations behind thenAny: every choice of the repeated events") {
  CHECK(matches("<c> thenAny <a>+ combinations then <b> within 1h skip none",
                "c d a1 a2 a3 d a4 b") ==
        "c a1 a2 a3 a4 b | c a1 a2 a3 b | c a1 a2 a4 b | c a1 a2 b | c a1 a3 a4 b | c a1 a3 b | "
        "c a1 a4 b | c a1 b | c a2 a3 a4 b | c a2 a3 b | c a2 a4 b | c a2 b | c a3 a4 b | c a3 b | "
        "c a4 b");
}

TEST_CASE("L7 combinations behind then: the first of the repeated events is the first that fits") {
  CHECK(matches("<c> then <a>+ combinations then <b> within 1h skip none", "c d a1 a2 a3 d a4 b") ==
        "c a1 a2 a3 a4 b | c a1 a2 a3 b | c a1 a2 a4 b | c a1 a2 b | c a1 a3 a4 b | c a1 a3 b | "
        "c a1 a4 b | c a1 b");
}

TEST_CASE("U1 until ends a repetition for good") {
  CHECK(matches("<a>+ until <b> within 1h skip none", "a1 c a2 b a3") == "a1 | a1 a2 | a2 | a3");
}

TEST_CASE("Q1 times: exactly so often") {
  CHECK(matches("<a>{2} then <b> within 1h skip none", "a1 a2 a3 b") == "a1 a2 b | a2 a3 b");
}

TEST_CASE("Q2 times from to") {
  CHECK(matches("<a>{2,3} then <b> within 1h skip none", "a1 a2 a3 a4 b") ==
        "a1 a2 a3 b | a1 a2 b | a2 a3 a4 b | a2 a3 b | a3 a4 b");
}

TEST_CASE("Q3 times or more") {
  CHECK(matches("<a>{2,} then <b> within 1h skip none", "a1 a2 a3 b") ==
        "a1 a2 a3 b | a1 a2 b | a2 a3 b");
}

TEST_CASE("Q4 optional: with it and without it") {
  CHECK(matches("<a> then <b>? then <c> within 1h skip none", "a b c") == "a b c | a c");
}

TEST_CASE("Q5 zero or more") {
  CHECK(matches("<c> then <a>* then <b> within 1h skip none", "c a1 a2 b") ==
        "c a1 a2 b | c a1 b | c b");
}

TEST_CASE("Q6 nothing or so often") {
  CHECK(matches("<c> then <a>{2}? then <b> within 1h skip none", "c a1 a2 b") == "c a1 a2 b | c b");
  CHECK(matches("<c> then <a>{2}? then <b> within 1h skip none", "c a1 b") == "c b");
}

TEST_CASE("Q7 an optional beginning") {
  CHECK(matches("<a>? then <b> within 1h skip none", "a b") == "a b | b");
}

TEST_CASE("G1 greedy: as many as possible, nothing shorter") {
  CHECK(matches("<c> then <a>+ greedy then <d> within 1h skip none", "c a1 a2 a3 d") ==
        "c a1 a2 a3 d");
}

TEST_CASE("G2 greedy and optional: not without, when there is one") {
  CHECK(matches("<c> then <a>* greedy then <d> within 1h skip none", "c a1 a2 d") == "c a1 a2 d");
  CHECK(matches("<c> then <a>* greedy then <d> within 1h skip none", "c d") == "c d");
}

TEST_CASE("G3 greedy over what both stages would take") {
  CHECK(matches("<a> next <ab>+ greedy next <b> within 1h skip none", "a b1 b2 b3") == "");
  CHECK(matches("<a> next <ab>{1,2} greedy next <b> within 1h skip none", "a b1 b2 b3") ==
        "a b1 b2 b3");
}

TEST_CASE("G4 greedy at the end: each step is a match") {
  CHECK(matches("<c> then <a>* greedy within 1h skip none", "c a1 a2 a3") ==
        "c | c a1 | c a1 a2 | c a1 a2 a3");
}

TEST_CASE("G5 greedy with times: up to the larger number") {
  CHECK(matches("<c> then <a>{2,3} greedy then <d> within 1h skip none", "c a1 a2 a3 d") ==
        "c a1 a2 a3 d");
  CHECK(matches("<c> then <a>{2,3} greedy then <d> within 1h skip none", "c a1 a2 d") ==
        "c a1 a2 d");
}

TEST_CASE("N1 notNext: it must not be the very next event") {
  CHECK(matches("<a> next not <b> then <c> within 1h skip none", "a b c") == "");
  CHECK(matches("<a> next not <b> then <c> within 1h skip none", "a d b c") == "a c");
}

TEST_CASE("N2 notFollowedBy: it must not come in between at all") {
  CHECK(matches("<a> then not <b> then <c> within 1h skip none", "a d b c") == "");
  CHECK(matches("<a> then not <b> then <c> within 1h skip none", "a d c b") == "a c");
}

TEST_CASE("N3 an optional stage behind a not lifts it") {
  CHECK(matches("<a> then not <b> thenAny <c>? thenAny <d> within 1h skip none", "a c b d") ==
        "a c d");
  CHECK(matches("<a> then not <b> thenAny <c>? thenAny <d> within 1h skip none", "a b d") == "");
}

TEST_CASE("N4 notFollowedBy at the end: a match when its time is over") {
  auto quiet = letters::of("<a> then not <b> within 10s skip none");
  quiet.feed("a c");
  quiet.pass(11);
  CHECK(quiet.set() == ""); // a reading at 11 s would still be in time
  quiet.pass(11.001);
  CHECK(quiet.set() == "a");
  CHECK(quiet.alerts().front().event_time_ns == 11 * ns_per_s);
  auto answered = letters::of("<a> then not <b> within 10s skip none");
  CHECK(answered.feed("a c b").end().set() == "");
}

TEST_CASE("N5 notNext at the end: the next event decides") {
  CHECK(matches("<a> next not <b> within 1h skip none", "a c") == "a");
  CHECK(matches("<a> next not <b> within 1h skip none", "a b") == "");
  CHECK(matches("<a> next not <b> within 1h skip none", "a") == "");
}

TEST_CASE("N6 a not behind a repetition ends it") {
  CHECK(matches("<a> then <b>+ then not <c> then <d> within 1h skip none", "a b1 c b2 d") == "");
}

TEST_CASE("P1 a group, repeated") {
  CHECK(matches("(<a> then <b>){2} then <c> within 1h skip none", "a1 b1 a2 b2 c") ==
        "a1 b1 a2 b2 c");
  CHECK(matches("(<a> next <b>)+ then <c> within 1h skip none", "a1 b1 a2 b2 c") ==
        "a1 b1 a2 b2 c | a1 b1 c | a2 b2 c");
}

TEST_CASE("P2 a group, optional") {
  CHECK(matches("<a> then (<b> then <c>)? then <d> within 1h skip none", "a b c d") ==
        "a b c d | a d");
}

TEST_CASE("P3 next before a group binds its first event") {
  CHECK(matches("<a> next (<b> then <c>) within 1h skip none", "a b d c") == "a b c");
  CHECK(matches("<a> next (<b> then <c>) within 1h skip none", "a d b c") == "");
}

TEST_CASE("P4 the rounds of a group follow one another as it says") {
  CHECK(matches("(<a> next <b>){2} consecutive within 1h skip none", "a1 b1 d a2 b2") == "");
  CHECK(matches("(<a> next <b>){2} consecutive within 1h skip none", "a1 b1 a2 b2") ==
        "a1 b1 a2 b2");
}

TEST_CASE("P5 until ends a group in progress") {
  CHECK(matches("(<a> then <b>)+ until <d> within 1h skip none", "a1 b1 a2 d b2") == "a1 b1");
}

TEST_CASE("S1 skip none: every match") {
  CHECK(matches("<b>+ consecutive next <c> within 1h skip none", "b1 b2 b3 c") ==
        "b1 b2 b3 c | b2 b3 c | b3 c");
}

TEST_CASE("S2 skip next: one match for each first event") {
  CHECK(matches("<b>+ consecutive next <c> within 1h skip next", "b1 b2 b3 c") ==
        "b1 b2 b3 c | b2 b3 c | b3 c");
}

TEST_CASE("S3 skip past the last event") {
  CHECK(matches("<b>+ consecutive next <c> within 1h skip past_last", "b1 b2 b3 c") ==
        "b1 b2 b3 c");
}

TEST_CASE("S4 skip to the first b") {
  CHECK(matches("b: <b>+ consecutive next <c> within 1h skip to_first b", "b1 b2 b3 c") ==
        "b1 b2 b3 c | b2 b3 c | b3 c");
}

TEST_CASE("S5 skip to the last b") {
  CHECK(matches("b: <b>+ consecutive next <c> within 1h skip to_last b", "b1 b2 b3 c") ==
        "b1 b2 b3 c | b3 c");
}

TEST_CASE("S6 skip none, where stages overlap") {
  CHECK(matches("<abc> then <bc> then c: <c>+ greedy then <d> within 1h skip none",
                "a b c1 c2 c3 d") == "a b c1 c2 c3 d | b c1 c2 c3 d | c1 c2 c3 d");
}

TEST_CASE("S7 skip to the first c, where stages overlap") {
  CHECK(matches("<abc> then <bc> then c: <c>+ greedy then <d> within 1h skip to_first c",
                "a b c1 c2 c3 d") == "a b c1 c2 c3 d | c1 c2 c3 d");
}

TEST_CASE("S8 skip none: a repetition at the end grows") {
  CHECK(matches("<a> then <b>+ within 1h skip none", "a b1 b2 b3") ==
        "a b1 | a b1 b2 | a b1 b2 b3");
}

TEST_CASE("S9 skip next: the first match with this first event is the only one") {
  CHECK(matches("<a> then <b>+ within 1h skip next", "a b1 b2 b3") == "a b1");
}

TEST_CASE("S10 a stage that took nothing skips nothing") {
  CHECK(matches("<a> then b: <b>? then <c> within 1h skip to_first b", "a1 a2 c") == "a1 c | a2 c");
}

TEST_CASE("S11 a match waits for a half match that began earlier") {
  auto l = letters::of("<a> then <b> then <c>* next <d> within 10s skip past_last");
  l.feed("a1 b1 a2 b2 d"); // a1 b1 may still find c and d
  CHECK(l.in_order() == "");
  CHECK(l.why().find("1 matches wait for an earlier half match") != std::string::npos);
  CHECK(l.pass(11.5).in_order() == "a2 b2 d");
  CHECK(l.alerts().front().event_time_ns == 5 * ns_per_s);
}

TEST_CASE("W1 within: from the first event to the last, the bound itself included") {
  auto l = letters::of("<a> then <b> within 10s skip none");
  l.event("a1", 1).event("b1", 11);
  CHECK(l.in_order() == "a1 b1");
  l.event("a2", 20).event("b2", 30.001);
  CHECK(l.in_order() == "a1 b1");
}

TEST_CASE("W2 within a stage: since the event before it") {
  auto l = letters::of("<a> then within 5s <b> then within 5s <c> skip none");
  l.event("a1", 1).event("b1", 6).event("c1", 11);
  CHECK(l.in_order() == "a1 b1 c1");
  l.event("a2", 20).event("b2", 25.5).event("c2", 26);
  CHECK(l.in_order() == "a1 b1 c1");
}

TEST_CASE("W3 a half match that times out is an event of its own") {
  auto l = letters::of("<a> then <b> then <c> within 10s skip none", R"("emit": "both")");
  l.event("a1", 1).event("b1", 4).event("a2", 5).event("c", 8);
  CHECK(l.in_order() == "a1 b1 c");
  l.pass(15); // a2 waits for a b until 15 s, inclusive
  CHECK(l.in_order() == "a1 b1 c");
  l.pass(15.5);
  CHECK(l.in_order() == "a1 b1 c | a2 ...");
  CHECK(l.alerts().back().event_time_ns == 15 * ns_per_s);
  CHECK(l.alerts().back().proof.explanation.starts_with("timed out"));
}

TEST_CASE("W4 only time-outs") {
  auto l = letters::of("<a> then <b> within 10s skip none", R"("emit": "timeout")");
  CHECK(l.feed("a1 b1 a2").end().in_order() == "a2 ...");
}

TEST_CASE("W5 what was a match already does not time out") {
  auto l = letters::of("<a> then <b>+ within 10s skip none", R"("emit": "both")");
  CHECK(l.feed("a b1").end().in_order() == "a b1");
}

TEST_CASE("W6 a later event times out a half match as the watermark does") {
  auto l = letters::of("<a> then <b> within 10s skip none", R"("emit": "both")");
  l.event("a1", 1).event("c", 12);
  CHECK(l.in_order() == "a1 ...");
}

TEST_CASE("W7 a not at the end may have a time of its own") {
  auto l = letters::of("<a> then <b> then within 5s not <c> within 1h skip none");
  l.event("a", 1).event("b", 100).event("d", 104);
  CHECK(l.pass(105).in_order() == "");
  CHECK(l.pass(105.5).in_order() == "a b");
  CHECK(l.alerts().front().event_time_ns == 105 * ns_per_s);
}

TEST_CASE("I1 conditions look back at earlier events of the match") {
  CHECK(matches("a: <a> then b: [x == 2 && y > last(a.y)] within 1h skip none", "a5 b3 b7") ==
        "a5 b7");
  CHECK(matches("a: <a>{2} next b: [x == 2 && y > avg(a.y)] within 1h skip none", "a2 a4 b3") ==
        "");
  CHECK(matches("a: <a>{2} next b: [x == 2 && y > avg(a.y)] within 1h skip none", "a2 a4 b4") ==
        "a2 a4 b4");
}

TEST_CASE("I2 a repetition may look back at itself") {
  CHECK(matches("a: [x == 1 && sum(a.y) + y < 6] + next <b> within 1h skip none", "a1 a2 a3 b") ==
        "a2 a3 b | a3 b");
  CHECK(matches("a: <a>+ until [count(a) == 2] then <b> within 1h skip none", "a1 a2 a3 b") ==
        "a1 a2 b | a1 b | a2 a3 b | a2 b | a3 b");
}

TEST_CASE("I3 first, last, min, max, count and since") {
  CHECK(matches("a: <a>+ consecutive next b: [x == 2 && y == first(a.y) + max(a.y) * 10 + "
                "min(a.y) * 100 + a.y * 1000 + count(a) * 10000 + since(a) * 100000] "
                "within 1h skip past_last",
                "a2 a3 a1 b131132") == "a2 a3 a1 b131132");
}
