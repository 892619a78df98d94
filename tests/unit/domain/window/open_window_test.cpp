// SPDX-License-Identifier: Apache-2.0
// Windows that are read at any time: sliding with further aggregates, in slices, the last n, by
// key; and joins as of a time. Against slow and obvious versions.
#include "tests/unit/domain/window/window_fixture.hpp"
#include <map>

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

constexpr std::int64_t s = ns_per_s;

std::string window(const std::string& keys) {
  return R"({"name": "m", "telemetry": {"x": {}, "y": {}, "card": {"type": "text"}},
    "operators": [{"name": "w", "type": "window", "of": "x", "half_life": "1m", )" +
         keys + R"(, "aggregates": )" + every_aggregate + "}]}";
}

void check_all(const hand& device, const samples& inside, std::int64_t end, double error = 1e-11) {
  for (const auto& name : aggregate_names()) {
    CAPTURE(name);
    CHECK(agrees(offered(device, "w." + name), plainly(name, inside, end), 200, error));
  }
}

} // namespace

TEST_CASE("property: every aggregate of a sliding window, late readings and all") {
  for (unsigned seed = 0; seed < 12; ++seed) {
    CAPTURE(seed);
    library models;
    models.add("m", window(R"("span": "2m")"));
    hand device(models, "m");
    std::mt19937 random{seed};
    std::map<std::int64_t, double> all;
    std::int64_t newest = std::numeric_limits<std::int64_t>::min();
    for (const auto& r : some_stream(seed, 300, {10 * s, seed % 3 == 0 ? 0 : 4})) {
      if (r.t > newest - 120 * s || newest < -3'000'000 * s) all[r.t] = r.v; // a correction, too
      newest = std::max(newest, r.t);
      feed(device, r.t, "x", r.v);
      if (random() % 5 == 0) device.reload();
      if (random() % 3 == 0) continue; // what is not asked for must not matter either
      samples inside;
      for (const auto& [t, v] : all)
        if (t > newest - 120 * s && t <= newest) inside.push_back({t, v});
      check_all(device, inside, newest);
    }
  }
}

TEST_CASE("property: a window in slices is a window over its whole slices") {
  for (unsigned seed = 0; seed < 8; ++seed) {
    CAPTURE(seed);
    library models;
    models.add("m", window(R"("span": "10m", "slices": 20)"));
    hand device(models, "m");
    std::mt19937 random{seed};
    constexpr std::int64_t slice = 30 * s, span = 600 * s;
    samples all;
    std::int64_t newest = std::numeric_limits<std::int64_t>::min();
    for (const auto& r : some_stream(seed, 400, {4 * s, 0})) {
      if (r.t <= newest) continue;
      newest = r.t;
      all.push_back(r);
      feed(device, r.t, "x", r.v);
      if (seed % 2 == 1 && random() % 5 == 0) device.reload();
      if (random() % 3 == 0) continue;
      samples inside;
      for (const auto& e : all) {
        const std::int64_t begin = e.t - ((e.t % slice) + slice) % slice;
        if (begin > newest - span) inside.push_back(e);
      }
      check_all(device, inside, newest);
      // The stated error: what lies in the last span less one slice is always inside.
      std::size_t least = 0, most = 0;
      for (const auto& e : all) {
        least += e.t > newest - span + slice ? 1 : 0;
        most += e.t > newest - span ? 1 : 0;
      }
      CHECK(inside.size() >= least);
      CHECK(inside.size() <= most);
    }
  }
}

TEST_CASE("a window in slices takes late readings into the slice that is being filled") {
  library models;
  models.add("m", window(R"("span": "10m", "slices": 10)"));
  hand device(models, "m");
  feed(device, 70 * s, "x", 1);
  feed(device, 130 * s, "x", 2);
  feed(device, 150 * s, "x", 4);
  feed(device, 140 * s, "x", 3);
  CHECK(offered(device, "w.count") == 4);
  CHECK(offered(device, "w.sum") == 10);
  CHECK(offered(device, "w.last") == 4);
  feed(device, 75 * s, "x", 9); // that slice's readings are gone
  CHECK(offered(device, "w.count") == 4);
  CHECK(offered(device, "w.late") == 1);
}

TEST_CASE("a year in slices holds a bounded number of bytes") {
  library models;
  models.add("m", window(R"("span": "365d", "slices": 128)"));
  hand device(models, "m");
  std::mt19937 random{4};
  std::size_t most = 0;
  for (int i = 0; i < 20'000; ++i) {
    feed(device, i * 3'600 * s, "x", static_cast<double>(random() % 50));
    if (i % 500 == 0) most = std::max<std::size_t>(most, device.seen().state_bytes);
  }
  CHECK(offered(device, "w.count") >= 365 * 24 - 69);
  CHECK(offered(device, "w.count") <= 365 * 24);
  CHECK(most < 130 * 4096);
}

TEST_CASE("property: the last n readings, however far apart") {
  for (unsigned seed = 0; seed < 8; ++seed) {
    CAPTURE(seed);
    library models;
    models.add("m", window(R"("kind": "count", "last": 25)"));
    hand device(models, "m"), steady(models, "m");
    std::mt19937 random{seed};
    samples all;
    std::int64_t newest = std::numeric_limits<std::int64_t>::min();
    std::size_t late = 0;
    std::set<std::int64_t> sent;
    for (const auto& r : some_stream(seed, 200, {10 * s, seed % 2 == 0 ? 0 : 6})) {
      if (!sent.insert(r.t).second) continue;
      feed(device, r.t, "x", r.v);
      feed(steady, r.t, "x", r.v);
      if (random() % 4 == 0) device.reload();
      CHECK(saved(device.state) == saved(steady.state));
      if (r.t > newest) {
        newest = r.t;
        all.push_back(r);
        if (all.size() > 25) all.erase(all.begin());
      } else {
        ++late;
      }
      check_all(device, all, newest);
    }
    CHECK(offered(device, "w.late") == static_cast<double>(late));
  }
}

TEST_CASE("property: counts and amounts by key are those of the newest reading's key") {
  for (unsigned seed = 0; seed < 8; ++seed) {
    CAPTURE(seed);
    library models;
    models.add("m", window(R"("span": "5m", "by": "card")"));
    hand device(models, "m");
    std::mt19937 random{seed};
    std::map<std::string, samples> all;
    std::int64_t t = -1000 * s;
    for (int i = 0; i < 400; ++i) {
      t += 1 + static_cast<std::int64_t>(random() % (random() % 20 == 0 ? 400 * s : 20 * s));
      const std::string card = "card " + std::to_string(random() % 9);
      const double amount = static_cast<double>(random() % 1000) / 4;
      auto& in = device.begin(input_kind::readings);
      in.fields = {{"card", value_view::text(card)}, {"x", value_view::of(amount)}};
      in.readings.push_back({t, 0, 0, 2});
      device.apply();
      all[card].push_back({t, amount});
      if (random() % 5 == 0) device.reload();
      samples inside;
      std::size_t keys = 0;
      for (const auto& [name, readings] : all) {
        keys += readings.back().t > t - 300 * s ? 1 : 0;
        if (name != card) continue;
        for (const auto& r : readings)
          if (r.t > t - 300 * s) inside.push_back(r);
      }
      check_all(device, inside, t);
      CHECK(offered(device, "w.keys") == static_cast<double>(keys));
    }
    CHECK(offered(device, "w.overflow") == 0);
  }
}

TEST_CASE("by key: the number of keys and readings is bounded, and what left early is counted") {
  library models;
  models.add("m", R"({"name": "m", "telemetry": {"badge": {"type": "integer"}}, "operators": [
    {"name": "w", "type": "window", "by": "badge", "span": "1h", "max_keys": 4, "max_entries": 3,
     "aggregates": ["count", "sum"]}]})");
  hand device(models, "m");
  std::int64_t t = 0;
  for (const double badge : {1.0, 1.0, 1.0, 1.0, 1.0}) feed(device, t += s, "badge", badge);
  CHECK(offered(device, "w.count") == 3); // at most so many of one key
  CHECK(offered(device, "w.overflow") == 2);
  for (const double badge : {2.0, 3.0, 4.0, 5.0}) feed(device, t += s, "badge", badge);
  CHECK(offered(device, "w.keys") == 4); // 1 was silent for the longest time
  CHECK(offered(device, "w.overflow") == 3);
  feed(device, t += s, "badge", 1);
  CHECK(offered(device, "w.count") == 1);
  for (int i = 0; i < 10'000; ++i) feed(device, t += s / 100, "badge", i);
  CHECK(device.seen().state_bytes < 4096);
}

TEST_CASE("velocity: the sixth payment of a card within ten minutes raises") {
  library models;
  models.add("m", R"({"name": "m", "telemetry": {"amount": {}, "card": {"type": "text"}},
    "operators": [
    {"name": "by_card", "type": "window", "of": "amount", "by": "card", "span": "10m",
     "aggregates": ["count", "sum"]},
    {"name": "too_often", "type": "threshold", "value": "by_card.count", "above": 5},
    {"name": "too_much", "type": "threshold", "value": "by_card.sum", "above": 1000}]})");
  hand device(models, "m");
  const auto pay = [&](std::int64_t at, const char* card, double amount) {
    auto& in = device.begin(input_kind::readings);
    in.fields = {{"card", value_view::text(card)}, {"amount", value_view::of(amount)}};
    in.readings.push_back({at * s, 0, 0, 2});
    return device.apply().size();
  };
  for (int i = 0; i < 5; ++i) {
    CHECK(pay(2 * i, "a", 100) == 0);
    CHECK(pay(2 * i + 1, "b", 100) == 0);
  }
  CHECK(pay(599, "a", 100) == 1); // raised
  CHECK(device.out[0].alert.rule == "too_often");
  CHECK(pay(610, "b", 1100) == 2); // cleared, and too much
  CHECK(device.seen().alerts[0].rule == "too_much");
}

TEST_CASE("property: an as-of join finds the newest value at or before the reading") {
  for (unsigned seed = 0; seed < 10; ++seed) {
    CAPTURE(seed);
    library models;
    models.add("m", R"({"name": "m", "telemetry": {"t": {}, "a": {}, "b": {}}, "operators": [
      {"name": "j", "type": "as_of", "of": "t", "with": ["a", "b"], "tolerance": "10s"}]})");
    hand device(models, "m");
    std::mt19937 random{seed};
    std::map<std::int64_t, double> all[3];
    std::int64_t now = 0, joined = no_time;
    for (int i = 0; i < 500; ++i) {
      now += static_cast<std::int64_t>(random() % (4 * s));
      const auto which = random() % 3;
      const char* names[] = {"t", "a", "b"};
      // a and b may come up to 8 s late, and still take their place before the joined reading.
      const std::int64_t t = which == 0 ? now : now - static_cast<std::int64_t>(random() % (8 * s));
      if (!all[which].emplace(t, i).second) continue;
      feed(device, t, names[which], i);
      if (which == 0) joined = t;
      if (random() % 5 == 0) device.reload();
      if (joined == no_time) continue;
      double matched = 0;
      for (int k = 1; k <= 2; ++k) {
        CAPTURE(k);
        auto at = all[k].upper_bound(joined);
        const bool known = at != all[k].begin() && joined - std::prev(at)->first <= 10 * s;
        const auto got = offered(device, std::string("j.") + names[k]);
        REQUIRE(got.has_value() == known);
        if (!known) continue;
        --at;
        ++matched;
        CHECK(*got == at->second);
        CHECK(*offered(device, std::string("j.") + names[k] + "_age_s") ==
              doctest::Approx(static_cast<double>(joined - at->first) / 1e9));
      }
      CHECK(offered(device, "j.matched") == matched);
      CHECK(offered(device, "j.t") == all[0][joined]);
    }
  }
}

TEST_CASE("an as-of join: exactly the tolerance ago still counts, a later value never") {
  library models;
  models.add("m", R"({"name": "m", "telemetry": {"t": {}, "a": {}}, "operators": [
    {"name": "j", "type": "as_of", "of": "t", "with": ["a"], "tolerance": "10s"},
    {"name": "hot_and_fast", "type": "threshold", "value": "j.t > 5 && j.a > 5"}]})");
  hand device(models, "m");
  feed(device, 0, "a", 9);
  CHECK_FALSE(offered(device, "j.a").has_value());
  CHECK(feed(device, 10 * s, "t", 9).size() == 1);
  CHECK(offered(device, "j.a") == 9);
  CHECK(feed(device, 11 * s, "a", 1).empty()); // after the reading: not joined with it
  CHECK(offered(device, "j.a") == 9);
  feed(device, 21 * s + 1, "t", 9);
  CHECK_FALSE(offered(device, "j.a").has_value());
  CHECK(offered(device, "j.matched") == 0);
  feed(device, 30 * s, "t", 9);
  CHECK(feed(device, 25 * s, "a", 2).size() == 1); // late, yet before it: known now, and cleared
  CHECK(offered(device, "j.a") == 2);
}

TEST_CASE("mistakes in as-of joins are named") {
  const auto error = [](const std::string& keys) {
    return compile_error(R"({"name": "m", "telemetry": {"t": {}, "a": {}, "c": {"type": "text"}},
      "operators": [{"name": "j", "type": "as_of", )" +
                         keys + "}]}");
  };
  CHECK(error(R"("of": "t", "with": ["a"], "tolerance": "5s")") == "");
  CHECK(error(R"("of": "t", "with": ["a"])").find("\"tolerance\"") != std::string::npos);
  CHECK(error(R"("of": "t", "with": [], "tolerance": "5s")").find("1 to 16") != std::string::npos);
  CHECK(error(R"("of": "t", "with": ["t"], "tolerance": "5s")").find("already") !=
        std::string::npos);
  CHECK(error(R"("of": "t", "with": ["c"], "tolerance": "5s")").find("not a number") !=
        std::string::npos);
  CHECK(error(R"("of": "t", "with": ["q"], "tolerance": "5s")").find("no telemetry") !=
        std::string::npos);
}

TEST_CASE("property: damaged states of windows and joins are refused or read, never more") {
  library models;
  models.add("m", R"({"name": "m", "telemetry": {"x": {}, "card": {"type": "text"}}, "operators": [
    {"name": "t", "type": "window", "kind": "tumbling", "of": "x", "size": "1m",
     "aggregates": ["mean", "p95", "distinct"]},
    {"name": "s", "type": "window", "of": "x", "span": "10m", "slices": 10},
    {"name": "c", "type": "window", "kind": "count", "of": "x", "last": 20},
    {"name": "k", "type": "window", "of": "x", "by": "card", "span": "5m"}]})");
  hand device(models, "m");
  for (int i = 0; i < 100; ++i) {
    auto& in = device.begin(input_kind::readings);
    in.fields = {{"card", value_view::text(i % 3 == 0 ? "a" : "b")},
                 {"x", value_view::of(i * 0.5)}};
    in.readings.push_back({i * 7 * s, 0, 0, 2});
    device.apply();
  }
  const auto& twin = device.state.get();
  std::mt19937 random{9};
  for (const auto& op : twin.ruling().operators) {
    std::string good;
    byte_writer out(good);
    op->save(*twin.states[op->identity().state], out);
    for (int i = 0; i < 2000; ++i) {
      std::string bytes = good;
      for (int n = 0; n <= i % 3; ++n)
        bytes[random() % bytes.size()] = static_cast<char>(random() % 256);
      if (i % 4 == 0) bytes.resize(random() % bytes.size());
      byte_reader in(bytes);
      const auto state = op->load(in);
      CHECK((state != nullptr || !in.ok()));
      if (state) CHECK(op->state_bytes(*state) < 100'000);
    }
  }
}
