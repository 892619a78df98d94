// SPDX-License-Identifier: Apache-2.0
// Tumbling and hopping windows against slow and obvious ones, their boundaries one by one, and what
// all windows that close have in common.
#include "tests/unit/domain/window/closing_fixture.hpp"

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

/// Tumbling and hopping, remembered whole: without an event_time block the watermark is the newest
/// event time, and a reading counts in those of its windows that are not closed.
struct slow_panes {
  std::int64_t size, hop, offset;
  std::map<std::int64_t, samples> open; ///< by begin
  std::int64_t newest = std::numeric_limits<std::int64_t>::min();
  std::set<std::int64_t> seen;
  std::uint64_t late = 0;

  void take(const sample& r, std::vector<std::pair<std::int64_t, samples>>& closed) {
    if (!seen.insert(r.t).second) return; // the tests' duplicates repeat the time only
    bool used = false;
    for (std::int64_t from = floor_to(r.t - offset, hop) + offset; from + size > r.t; from -= hop)
      if (from + size > newest) {
        open[from].push_back(r);
        used = true;
      }
    late += used ? 0 : 1;
    newest = std::max(newest, r.t);
    while (!open.empty() && open.begin()->first + size <= newest) {
      closed.emplace_back(*open.begin());
      open.erase(open.begin());
    }
  }
};

void run_panes(const std::string& keys, std::int64_t size, std::int64_t hop, std::int64_t offset,
               unsigned seed, int late_in, bool reload) {
  library models;
  models.add("m", model_with(window(keys)));
  hand device(models, "m");
  slow_panes slow{size, hop, offset, {}, std::numeric_limits<std::int64_t>::min(), {}, 0};
  std::vector<told_window> got;
  std::vector<std::pair<std::int64_t, samples>> want;
  std::mt19937 random{seed};
  std::set<std::int64_t> sent;
  for (const auto& r : some_stream(seed, 250, {10 * s, late_in})) {
    if (!sent.insert(r.t).second) continue;
    keep(feed(device, r.t, "x", r.v), got);
    slow.take(r, want);
    if (reload && random() % 6 == 0) device.reload();
    if (slow.open.empty()) continue;
    // The open window with the newest reading in it that closes first.
    const auto begin = std::find_if(slow.open.begin(), slow.open.end(), [&](const auto& w) {
      return w.first <= slow.newest && slow.newest < w.first + size;
    });
    samples inside = begin->second;
    std::sort(inside.begin(), inside.end(), [](auto& a, auto& b) { return a.t < b.t; });
    for (const char* name : {"count", "mean", "last", "slope", "p50"}) {
      CAPTURE(name);
      CHECK(agrees(offered(device, std::string("w.open_") + name),
                   plainly(name, inside, slow.newest), 200, 1e-11));
    }
  }
  REQUIRE(got.size() == want.size());
  CHECK(got.size() > (size > 400 * s ? 0 : 10));
  for (std::size_t i = 0; i < got.size(); ++i)
    check_told(got[i], want[i].first, want[i].first + size, want[i].second);
  CHECK(offered(device, "w.late") == static_cast<double>(slow.late));
  if (late_in > 0 && size < 80 * s) CHECK(slow.late > 0); // they come up to 80 s late
}

} // namespace

TEST_CASE("property: tumbling and hopping windows give what the obvious ones give") {
  struct shape {
    const char* keys;
    std::int64_t size, hop, offset;
  };
  const shape shapes[] = {
      {R"("kind": "tumbling", "size": "1m")", 60 * s, 60 * s, 0},
      {R"("kind": "tumbling", "size": "7s", "offset": "3s")", 7 * s, 7 * s, 3 * s},
      {R"("kind": "tumbling", "size": "1h", "offset": "10m")", 3600 * s, 3600 * s, 600 * s},
      {R"("kind": "hopping", "size": "1m", "hop": "20s")", 60 * s, 20 * s, 0},
      {R"("kind": "hopping", "size": "50s", "hop": "20s", "offset": "5s")", 50 * s, 20 * s, 5 * s},
      {R"("kind": "hopping", "size": "5m", "hop": "1m")", 300 * s, 60 * s, 0}};
  for (const auto& of : shapes)
    for (unsigned seed = 0; seed < 6; ++seed) {
      CAPTURE(of.keys);
      CAPTURE(seed);
      const int late_in = seed % 3 == 0 || of.size > 400 * s ? 0 : 4;
      run_panes(of.keys, of.size, of.hop, of.offset, seed, late_in, seed % 2 == 1);
    }
}

TEST_CASE("a reading exactly at the end belongs to the next window, and closes this one") {
  library models;
  models.add("m", model_with(window(R"("kind": "tumbling", "size": "1m")", R"(["count","ewma"])")));
  hand device(models, "m");
  CHECK(feed(device, 0, "x", 1).empty());
  CHECK(feed(device, 60 * s - 1, "x", 2).empty());
  CHECK(offered(device, "w.open_count") == 2);
  CHECK_FALSE(offered(device, "w.count").has_value());
  const auto& out = feed(device, 60 * s, "x", 3);
  REQUIRE(out.size() == 1);
  CHECK(number(out[0].alert.proof, "count") == 2);
  CHECK(out[0].alert.proof.event_times_ns == std::vector<std::int64_t>{0, 60 * s - 1});
  CHECK(offered(device, "w.count") == 2);
  CHECK(offered(device, "w.open_count") == 1);
  CHECK(offered(device, "w.closed_from_s") == 0);
  CHECK(offered(device, "w.closed_to_s") == 60);
}

TEST_CASE("a rule over a closed window is judged at the reading that closes it") {
  library models;
  models.add("m", model_with(R"({"name": "w", "type": "window", "kind": "tumbling", "of": "x",
      "size": "1m"}, {"name": "high", "type": "threshold", "value": "w.mean", "above": 5})"));
  hand device(models, "m");
  feed(device, 0, "x", 9);
  CHECK(feed(device, 59 * s, "x", 9).empty());
  CHECK(feed(device, 60 * s, "y", 1).size() == 1); // whichever telemetry lets time pass
}

TEST_CASE("windows before 1970 are aligned like all others") {
  library models;
  models.add("m", model_with(window(R"("kind": "tumbling", "size": "1m")", R"(["count","ewma"])")));
  hand device(models, "m");
  feed(device, -61 * s, "x", 1);
  CHECK(feed(device, -60 * s, "x", 2).size() == 1);
  CHECK(offered(device, "w.closed_from_s") == -120);
  CHECK(feed(device, -1, "x", 2).empty());
  CHECK(feed(device, 0, "x", 3).size() == 1);
  CHECK(offered(device, "w.count") == 2);
  CHECK(offered(device, "w.closed_to_s") == 0);
}

TEST_CASE("a gap leaves no empty windows, and another telemetry closes a window too") {
  library models;
  models.add("m", model_with(window(R"("kind": "tumbling", "size": "1m")", R"(["mean","ewma"])")));
  hand device(models, "m");
  feed(device, 10 * s, "x", 5);
  CHECK(feed(device, 100'000 * s, "x", 1).size() == 1);
  CHECK(offered(device, "w.closed") == 1);
  CHECK(feed(device, 100'060 * s, "y", 1).size() == 1);
  CHECK(offered(device, "w.closed") == 2);
  CHECK_FALSE(offered(device, "w.open_mean").has_value());
}

TEST_CASE("late readings: into the open window by their time, into a closed one not at all") {
  library models;
  models.add("m", model_with(window(R"("kind": "tumbling", "size": "1m")",
                                    R"(["count","first","last","sum","ewma"])")));
  hand device(models, "m");
  feed(device, 70 * s, "x", 2);
  feed(device, 90 * s, "x", 4);
  feed(device, 80 * s, "x", 3);  // late
  feed(device, 65 * s, "x", 1);  // late, before the first
  feed(device, 80 * s, "x", 30); // a correction
  feed(device, 90 * s, "x", 4);  // a duplicate
  CHECK(offered(device, "w.open_count") == 4);
  CHECK(offered(device, "w.open_first") == 1);
  CHECK(offered(device, "w.open_last") == 4);
  CHECK(offered(device, "w.open_sum") == 37);
  feed(device, 125 * s, "x", 5);
  CHECK(feed(device, 119 * s, "x", 9).empty());
  CHECK(offered(device, "w.count") == 4);
  CHECK(offered(device, "w.late") == 1);
}

TEST_CASE("property: out of order within the disorder gives the very windows of the order") {
  const char* kinds[] = {
      R"("kind": "tumbling", "size": "1m")", R"("kind": "hopping", "size": "1m", "hop": "20s")",
      R"("kind": "session", "gap": "12s")", R"("kind": "state", "while": "x > 40")"};
  for (const char* keys : kinds)
    for (unsigned seed = 0; seed < 6; ++seed) {
      CAPTURE(keys);
      CAPTURE(seed);
      library models;
      models.add("m", model_with(window(keys), R"("event_time": {"disorder": "1m",
        "lateness": "1m", "late": "amend"}, )"));
      auto stream = some_stream(seed, 200, {5 * s, 0, 1000 * s});
      std::map<std::int64_t, double> once;
      for (const auto& r : stream) once.emplace(r.t, r.v);
      const auto run = [&](bool shuffled, std::string& bytes) {
        std::mt19937 random{seed};
        std::vector<std::pair<std::int64_t, sample>> order;
        for (const auto& [t, v] : once)
          order.push_back(
              {t + (shuffled ? static_cast<std::int64_t>(random() % (50 * s)) : 0), {t, v}});
        order.push_back({100'000 * s, {100'000 * s, 0.0}}); // closes what is open
        std::sort(order.begin(), order.end(), [](auto& a, auto& b) { return a.first < b.first; });
        hand device(models, "m");
        std::vector<told_window> got;
        for (const auto& [place, r] : order) {
          auto& in = device.begin(input_kind::readings);
          in.ingest_time_ns = 200'000 * s; // one moment: only event time tells them apart
          in.fields.push_back({"x", value_view::of(r.v)});
          in.readings.push_back({r.t, 0, 0, 1});
          keep(device.apply(), got);
        }
        const auto& twin = device.state.get();
        const auto* op = twin.ruling().find_operator("w");
        byte_writer out(bytes);
        op->save(*twin.states[op->identity().state], out);
        return got;
      };
      std::string a, b;
      const auto ordered = run(false, a), shuffled = run(true, b);
      CHECK(a == b);
      REQUIRE(ordered.size() == shuffled.size());
      REQUIRE(ordered.size() > 3);
      for (std::size_t i = 0; i < ordered.size(); ++i) {
        CHECK(ordered[i].from == shuffled[i].from);
        CHECK(ordered[i].to == shuffled[i].to);
        CHECK(ordered[i].numbers == shuffled[i].numbers); // to the bit
      }
    }
}

TEST_CASE("property: going away and coming back at any reading changes no byte") {
  const char* kinds[] = {
      R"("kind": "tumbling", "size": "1m")", R"("kind": "hopping", "size": "1m", "hop": "15s")",
      R"("kind": "session", "gap": "12s")", R"("kind": "state", "while": "x > 40")"};
  for (const char* keys : kinds)
    for (unsigned seed = 0; seed < 4; ++seed) {
      CAPTURE(keys);
      CAPTURE(seed);
      library models;
      models.add("m", model_with(window(keys)));
      hand steady(models, "m"), restless(models, "m");
      std::mt19937 random{seed};
      for (const auto& r : some_stream(seed, 150, {10 * s, 5})) {
        std::vector<told_window> one, other;
        keep(feed(steady, r.t, "x", r.v), one);
        keep(feed(restless, r.t, "x", r.v), other);
        REQUIRE(one.size() == other.size());
        if (random() % 3 == 0) restless.reload();
        REQUIRE(saved(steady.state) == saved(restless.state));
      }
    }
}

TEST_CASE("what is out of order beyond all bounds closes the oldest windows early, and says so") {
  library models;
  models.add("m", model_with(window(R"("kind": "session", "gap": "1ms")", R"(["count","ewma"])"),
                             R"("event_time": {"disorder": "1h"}, )"));
  hand device(models, "m");
  std::size_t told_windows = 0;
  for (int i = 0; i < 200; ++i) told_windows += feed(device, i * s, "x", 1).size();
  CHECK(told_windows == 200 - 64);
  const auto& twin = device.state.get();
  const auto* op = twin.ruling().find_operator("w");
  CHECK(op->state_bytes(*twin.states[op->identity().state]) < 65 * 600);
}

TEST_CASE("mistakes in windows are named with their place") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {R"("kind": "tumblin", "size": "1m")", "tumbling"},
      {R"("kind": "tumbling")", "\"size\""},
      {R"("kind": "hopping", "size": "1m", "hop": "2m")", "hop must not be above size"},
      {R"("kind": "hopping", "size": "1h", "hop": "59999ms")", "common divisor"},
      {R"("kind": "tumbling", "size": "1m", "offset": "1m")", "offset must be below"},
      {R"("kind": "tumbling", "size": "1m", "aggregates": ["slop"])", "did you mean \"slope\"?"},
      {R"("kind": "tumbling", "size": "1m", "aggregates": ["sum", "sum"])", "already"},
      {R"("kind": "tumbling", "size": "1m", "aggregates": [])", "at least one"},
      {R"("kind": "tumbling", "size": "1m", "aggregates": ["ewma"])", "half_life"},
      {R"("kind": "tumbling", "size": "1m", "half_life": "1m")", "half_life belongs"},
      {R"("kind": "session")", "\"gap\""},
      {R"("kind": "state")", "\"while\""},
      {R"("kind": "state", "while": "1 > 0")", "names no telemetry"},
      {R"("kind": "state", "while": "w.mean > 0")", "w.mean"},
      {R"("kind": "count")", "\"last\""},
      {R"("kind": "count", "last": 10001)", "last lies between 1 and 10000"},
      {R"("span": "1m", "slices": 2)", "slices lies between 4 and 512"},
      {R"("span": "1m", "by": "x")", "a key is a text"},
      {R"("span": "1m", "size": "1m")", "no key \"size\""}};
  for (const auto& [keys, error] : cases) {
    CAPTURE(keys);
    const auto got =
        compile_error(model_with(R"({"name": "w", "type": "window", "of": "x", )" + keys + "}"));
    CAPTURE(got);
    CHECK(got.find(error) != std::string::npos);
  }
}
