// SPDX-License-Identifier: Apache-2.0
// The second opinion on what is normal for a time of the week, on stretches and states never seen
// before, and on levels learnt anew.
#include "tests/unit/domain/audit/opinions.hpp"

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

constexpr std::string_view unusual = R"json({
  "name": "all", "kind": "motor",
  "telemetry": {"t": {}, "v": {}, "open": {"type": "boolean"}},
  "operators": [
    {"name": "hour", "type": "seasonal", "of": "t", "cycle": "day", "slots_per_day": 4,
     "min_samples": 8, "limit": 2.5, "zone": "CET-1CEST,M3.5.0,M10.5.0/3"},
    {"name": "week", "type": "seasonal", "of": "v", "min_samples": 4, "limit": 2, "slots_per_day": 12,
     "half_life": "3d", "sides": "upper", "poison": "winsorise", "emit": "each"},
    {"name": "moves", "type": "seasonal", "of": "v", "cycle": "day", "slots_per_day": 2,
     "min_samples": 5, "limit": 1, "relearn_after": "20m", "warm_up": "2h"},
    {"name": "all_in", "type": "seasonal", "of": "t", "cycle": "day", "slots_per_day": 1,
     "min_samples": 5, "poison": "include", "sides": "lower", "limit": 0.6, "flat": "floor",
     "min_stddev": 2.5},
    {"name": "new", "type": "nearest", "of": "t", "lengths": [2, 5], "neighbours": 2, "history": 60,
     "min_samples": 20, "quantile": 0.9},
    {"name": "calmer", "type": "nearest", "of": "v", "lengths": [3], "neighbours": 3, "history": 100,
     "min_samples": 20, "quantile": 0.8, "limit": 1.1, "clear": 0.3, "recovery": 0.5, "quiet": 2},
    {"name": "twice", "type": "nearest", "of": "v", "lengths": [1, 2, 4], "neighbours": 1,
     "history": 50, "min_samples": 10, "quantile": 0.7, "repeat": 2},
    {"name": "both", "type": "multivariate", "of": ["t", "v"], "learn": 40, "smoothing": 3,
     "limit": 3, "clear": 1.5},
    {"name": "three", "type": "multivariate", "of": ["t", "v", "open"], "learn": 10, "smoothing": 1,
     "shrinkage": 0.5, "limit": 2, "recovery": 0.3, "quiet": 2},
    {"name": "anew", "type": "multivariate", "of": ["t", "v"], "learn": 12, "smoothing": 2,
     "limit": 1.5, "clear": 0.2, "relearn_after": "40m"}
  ]})json";

const std::vector<std::string> lasting{"hour",  "moves", "all_in", "new", "calmer",
                                       "twice", "both",  "three",  "anew"};

constexpr std::string_view quick = R"json({
  "name": "all", "kind": "motor",
  "telemetry": {"t": {}, "v": {}, "open": {"type": "boolean"}},
  "operators": [
    {"name": "fade", "type": "ewma", "of": "t", "half_life": "40s", "limit": 0.7, "min_samples": 5,
     "relearn_after": "3s"},
    {"name": "chart", "type": "ewma", "of": "v", "half_life_readings": 3, "test": "mean",
     "limit": 1, "min_samples": 6, "relearn_after": "5s"},
    {"name": "median", "type": "robust", "of": "t", "span": "2m", "limit": 0.7, "min_samples": 5,
     "relearn_after": "2s"},
    {"name": "shift", "type": "cusum", "of": "v", "h": 1, "k": 0.2, "min_samples": 5,
     "relearn_after": "6s", "warm_up": "40s"},
    {"name": "shift_run", "type": "cusum", "of": "v", "h": 1, "k": 0.2, "baseline": "running",
     "min_samples": 5, "relearn_after": "6s", "poison": "winsorise"},
    {"name": "shift_all", "type": "cusum", "of": "t", "h": 1, "k": 0.2, "baseline": "running",
     "min_samples": 5, "poison": "include", "emit": "each", "reset": "half"},
    {"name": "shift_half", "type": "cusum", "of": "t", "h": 0.8, "k": 0.1, "baseline": "running",
     "min_samples": 5, "emit": "each", "reset": "half", "relearn_after": "2s"}
  ]})json";

constexpr std::string_view crowded = R"json({
  "name": "all", "kind": "motor",
  "telemetry": {"t": {}, "v": {}, "open": {"type": "boolean"}},
  "operators": [
    {"name": "sample", "type": "robust", "of": "t", "span": "10m", "limit": 2, "min_samples": 10,
     "max_readings": 64},
    {"name": "thin", "type": "robust", "of": "v", "span": "40s", "limit": 1.5, "min_samples": 5,
     "max_readings": 64, "poison": "winsorise", "emit": "each"}
  ]})json";

constexpr std::string_view in_order = R"({"disorder": "20m", "lateness": "6h"})";
constexpr std::string_view in_order_fast = R"({"disorder": "2s", "lateness": "40s"})";

life long_life(std::string_view text, unsigned seed, int inputs) {
  return random_life(seed, text, 300 * ns_per_s).run(inputs);
}

} // namespace

TEST_CASE("what is normal for a time, for stretches and together is confirmed") {
  sightings seen;
  for (unsigned seed = 1; seed <= 2; ++seed)
    confirm_life(unusual, long_life(unusual, seed, 500), seen);
  check_seen(seen, lasting, {"raised", "cleared"}, 3);
  check_seen(seen, {"week"}, {"emitted"}, 10);
}

TEST_CASE("what is unusual is confirmed where late readings are worked in") {
  sightings seen;
  const auto text = worked_in(unusual, in_order);
  confirm_life(text, long_life(text, 11, 350), seen);
  check_seen(seen, lasting, {"raised", "cleared"}, 1);
  int corrected = 0;
  for (const auto& [what, count] : seen)
    corrected += what.find("corrected") != what.npos ? count : 0;
  CHECK(corrected >= 3);
}

TEST_CASE("another number, time or verdict of what is unusual is contradicted") {
  sightings seen;
  contradict_life(unusual, long_life(unusual, 5, 800), 2, seen);
  check_seen(seen, {"hour", "moves", "all_in"},
             {"value", "mean", "sd", "score", "lower", "upper", "n", "basis", "moved", "flipped"},
             2);
  check_seen(seen, {"new", "calmer", "twice"},
             {"value", "score", "distance", "median_distance", "usual_distance", "n", "peak",
              "limit", "moved", "flipped"},
             2);
  check_seen(seen, {"both", "three", "anew"},
             {"score", "t2", "n", "z.t", "z.v", "peak", "moved", "flipped"}, 2);
}

TEST_CASE("levels learnt anew are confirmed, and no other numbers") {
  sightings seen, changed;
  for (unsigned seed = 1; seed <= 3; ++seed)
    confirm_life(quick, random_life(seed, quick).run(400), seen);
  check_seen(seen, {"fade", "chart", "median", "shift", "shift_run"}, {"raised", "cleared"}, 10);
  check_seen(seen, {"shift_all", "shift_half"}, {"emitted"}, 10);
  const auto text = worked_in(quick, in_order_fast);
  confirm_life(text, random_life(12, text).run(250), seen);
  contradict_life(quick, random_life(7, quick).run(250), 8, changed);
  check_seen(changed, {"fade", "chart", "median", "shift", "shift_run"},
             {"mean", "sd", "moved", "flipped"}, 8);
}

TEST_CASE("a robust rule that takes a sample is confirmed by the same sample") {
  sightings seen, changed;
  for (unsigned seed = 1; seed <= 2; ++seed) {
    const auto l = random_life(seed, crowded).run(600);
    int sampled = 0;
    for (const auto& alert : l.alerts)
      for (const auto& n : alert.alert.proof.numbers)
        sampled += n.name == "one_in" && n.value > 1 ? 1 : 0;
    CHECK(sampled >= 10);
    confirm_life(crowded, l, seen);
  }
  check_seen(seen, {"sample"}, {"raised", "cleared"}, 20);
  check_seen(seen, {"thin"}, {"emitted"}, 20);
  contradict_life(crowded, random_life(9, crowded).run(400), 5, changed);
  check_seen(changed, {"sample"}, {"mean", "sd", "n", "moved", "flipped"}, 5);
}
