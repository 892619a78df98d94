// SPDX-License-Identifier: Apache-2.0
// Tiers: every reading in the tier of its age, to the day, and never lost, doubled or changed,
// wherever a move breaks off.
#include "tests/unit/persistence/tier_fixture.hpp"
#include <algorithm>
#include <atomic>
#include <chrono>
#include <doctest/doctest.h>
#include <map>
#include <thread>

using namespace pollux;
using namespace pollux::persistence;
using namespace pollux::persistence::testing;

TEST_CASE("tiers: 30 days are hot, 31 warm, 365 warm, 366 cold, to the nanosecond, in UTC") {
  struct boundary {
    int age;
    tier wanted;
  };
  const std::vector<boundary> boundaries = {{366, tier::cold}, {365, tier::warm}, {31, tier::warm},
                                            {30, tier::hot},   {0, tier::hot},    {-2, tier::hot}};
  for (const bool backwards : {false, true})
    for (const std::int64_t now : {today, noon, today + day - 1}) {
      CAPTURE(backwards);
      CAPTURE(now);
      std::vector<std::int64_t> times;
      std::map<std::int64_t, tier> wanted;
      for (const auto& b : boundaries)
        for (const auto t : {today - b.age * day, today - b.age * day + day - 1}) {
          times.push_back(t);
          wanted[t] = b.wanted;
        }
      if (backwards) std::reverse(times.begin(), times.end());
      archive a;
      a.put_readings(0, times);
      a.run(now);
      const auto placed = a.placed(0);
      REQUIRE(placed.size() == times.size());
      for (const auto& [t, kept] : placed) CHECK(kept == wanted.at(t));
      CHECK(a.read(0) == a.expected[0]);
      a.check();
    }
}

TEST_CASE("tiers: a day later what was 30 days old is warm, what was 365 is cold") {
  archive a;
  a.put_readings(0, {today - 365 * day, today - 30 * day});
  a.run(today + day - 1);
  CHECK(a.placed(0)[0].second == tier::warm);
  CHECK(a.placed(0)[1].second == tier::hot);
  a.run(today + day);
  CHECK(a.placed(0)[0].second == tier::cold);
  CHECK(a.placed(0)[1].second == tier::warm);
  CHECK(a.read(0) == a.expected[0]);
  a.check();
}

TEST_CASE("tiers: a model's own limits hold") {
  archive a;
  a.rule = {.hot_days = 1, .warm_days = 2, .keep_days = 0};
  a.put_readings(0, {today - 3 * day, today - 2 * day, today - day, today});
  a.run();
  const auto placed = a.placed(0);
  CHECK(placed[0].second == tier::cold);
  CHECK(placed[1].second == tier::warm);
  CHECK(placed[2].second == tier::hot);
  CHECK(placed[3].second == tier::hot);
}

TEST_CASE("tiers: property: whatever comes and whenever it moves, nothing is lost or changed") {
  for (unsigned seed = 0; seed < 8; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    archive a(3);
    input_factory make(seed);
    auto now = noon - 800 * day;
    auto event = now - 500 * day;
    for (int round = 0; round < 25; ++round) {
      for (std::uint32_t row = 0; row < 3; ++row) {
        std::vector<owned_input> inputs;
        for (auto n = 1 + random() % 120; n > 0; --n) {
          auto made = make.next();
          event += static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(day / 20));
          for (auto& r : made.in.readings)
            r.event_time_ns = random() % 50 == 0 ? event - 200 * day : event;
          inputs.push_back(std::move(made));
        }
        a.put(row, inputs);
      }
      now += static_cast<std::int64_t>(random() % 40) * day;
      a.run(now);
      if (random() % 5 == 0) a.open();
      const auto row = static_cast<std::uint32_t>(random() % 3);
      REQUIRE(a.read(row) == a.expected[row]);
    }
    a.run(now);
    a.check();
    const auto totals = count_tiers(*a.tables, 1);
    REQUIRE(totals.ok());
    for (std::size_t t = 0; t < 3; ++t) {
      CHECK((*totals)[t].inputs == a.mover->totals()[t].inputs);
      CHECK((*totals)[t].bytes == a.mover->totals()[t].bytes);
    }
    CHECK((*totals)[2].blocks > 0);
    // where tiers change often in one block short runs stay in the younger one; nothing is ever in
    // an older one than its age
    std::size_t inputs = 0, younger = 0;
    for (std::uint32_t row = 0; row < 3; ++row)
      for (const auto& b : a.infos(row)) {
        const auto bytes = a.tables->block(0, row, b.first);
        REQUIRE(bytes.ok());
        REQUIRE(decode_any_block(*bytes, [&](const domain::input& in) {
                  if (in.readings.empty()) return;
                  auto wanted = tier::cold;
                  for (const auto& r : in.readings)
                    wanted = std::min(wanted, tier_of(a.rule, r.event_time_ns, now));
                  ++inputs;
                  REQUIRE(b.kept <= wanted);
                  if (b.kept < wanted) ++younger;
                }).ok());
      }
    CHECK(younger * 20 < inputs);
  }
}

TEST_CASE("tiers: broken off at any step nothing is lost or doubled, and nothing is left behind") {
  int stop = 0;
  for (bool reached = true; reached; ++stop) {
    CAPTURE(stop);
    archive a(2);
    const auto fill = [&](std::int64_t from) {
      for (std::uint32_t row = 0; row < 2; ++row) {
        std::vector<std::int64_t> times;
        for (int i = 0; i < 300; ++i) times.push_back(from + i * day / 40);
        a.put_readings(row, times);
      }
    };
    a.steps_left = stop;
    int broken = 0;
    for (int round = 0; round < 6; ++round) {
      fill(today - (420 - round * 20) * day);
      try {
        a.run(noon + round * day);
      } catch (const broken_off&) {
        ++broken;
        a.open();
        for (std::uint32_t row = 0; row < 2; ++row) REQUIRE(a.read(row) == a.expected[row]);
      }
    }
    a.steps_left = -1;
    a.run(noon + 7 * day);
    for (std::uint32_t row = 0; row < 2; ++row) REQUIRE(a.read(row) == a.expected[row]);
    a.check();
    reached = broken == 1;
  }
  CHECK(stop > 12); // there was something to break off
}

TEST_CASE("tiers: day by day blocks become large, and an input is written anew a few times only") {
  archive a;
  constexpr int days = 64, a_day = 48;
  for (int d = 0; d < days; ++d) {
    std::vector<std::int64_t> times;
    for (int i = 0; i < a_day; ++i) times.push_back(today + d * day + i * day / a_day);
    a.put_readings(0, times);
  }
  for (int d = 0; d <= days; ++d) a.run(noon + (d + 30) * day);
  CHECK(a.infos(0).size() <= 8);
  CHECK(a.mover->counts().moved_inputs <= days * a_day * 8);
  CHECK(a.read(0) == a.expected[0]);
  a.check();
  for (int d = 0; d <= days; ++d) a.run(noon + (d + 365) * day);
  CHECK(a.infos(0).size() <= 8);
  CHECK(a.files->files()->size() <= 8);
  CHECK(a.mover->counts().moved_inputs <= days * a_day * 12);
  CHECK(a.read(0) == a.expected[0]);
  a.check();
}

TEST_CASE("tiers: readings of very different ages in turns do not become a block each") {
  archive a;
  std::vector<std::int64_t> times;
  for (int i = 0; i < 400; ++i) times.push_back(i % 2 == 0 ? today : today - 400 * day);
  a.put_readings(0, times);
  a.run();
  CHECK(a.infos(0).size() <= 17);
  CHECK(a.read(0) == a.expected[0]);
}

TEST_CASE("tiers: what is kept for so many days goes, but never what the newest state needs") {
  archive a;
  a.rule.keep_days = 10;
  std::vector<std::int64_t> times;
  for (int i = 0; i < 40; ++i) times.push_back(today - (39 - i) * day);
  a.put_readings(0, times);
  const auto all = a.expected[0];
  a.run();
  CHECK(a.read(0) == all); // no state yet: everything is needed
  const auto keep_state = [&](std::uint64_t at) {
    auto batch = a.tables->batch();
    batch->put_snapshot(0, 0, {.at = {{at}, 0}, .state = "state", .hash = "hash"});
    REQUIRE(a.tables->write(*batch, true).ok());
    a.mover->sealed(0);
  };
  keep_state(1 + 3 * 20); // the 20th input
  a.run();
  auto left = a.read(0);
  CHECK(left.size() >= 20);
  CHECK(left.back() == all.back());
  keep_state(a.position);
  a.held = {true};
  a.mover->sealed(0);
  a.run();
  CHECK(a.read(0) == left); // legal hold
  a.held = {};
  a.mover->sealed(0);
  a.run(noon + 2 * day);
  left = a.read(0);
  CHECK(left.size() < 12);
  CHECK(left.size() >= 8); // none younger than ten days went
  CHECK(left.back() == all.back());
}

TEST_CASE("tiers: a reader sees every input while moves go on beside it") {
  archive a;
  for (int b = 0; b < 60; ++b) {
    std::vector<std::int64_t> times;
    for (int i = 0; i < 100; ++i) times.push_back(today + b * day + i * day / 100);
    a.put_readings(0, times);
  }
  std::atomic<bool> done{false};
  std::atomic<int> reads = 0;
  bool equal = true;
  std::thread reader([&] {
    do {
      std::vector<std::string> got;
      status bad;
      const auto s = a.tables->each_block(0, 0, {}, [&](std::string_view bytes) {
        bad = decode_any_block(bytes, [&](const domain::input& in) { got.push_back(text_of(in)); });
        return bad.ok();
      });
      equal = equal && s.ok() && bad.ok() && got == a.expected[0];
      ++reads;
    } while (!done);
  });
  // moves are faster than reads: a reader is left a few of them to read across, then waited for
  bool in_time = true;
  int waits = 0;
  for (int moves = 0; moves * 9 < 430; ++moves) {
    a.run(noon + moves * 9 * day);
    if (moves % 8 != 7) continue;
    ++waits;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (reads < waits && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    in_time = in_time && reads >= waits;
  }
  done = true;
  reader.join();
  CHECK(equal);
  CHECK(waits == 6);
  CHECK(in_time);
  CHECK(reads > waits);
  a.run(noon + 431 * day);
  CHECK(a.read(0) == a.expected[0]);
  a.check();
}

TEST_CASE("tiers: purging a twin writes the files that hold it anew and leaves the others") {
  archive a(3);
  for (std::uint32_t row = 0; row < 3; ++row) a.put_readings(row, {today - 400 * day, today});
  a.run();
  REQUIRE(a.tables->erase_twin(0, 1).ok());
  const auto rewritten = a.mover->purge(0, 1);
  REQUIRE(rewritten.ok());
  CHECK(*rewritten == 1);
  a.expected[1].clear();
  for (std::uint32_t row = 0; row < 3; ++row) CHECK(a.read(row) == a.expected[row]);
  const auto files = a.files->files();
  REQUIRE(files.ok());
  for (const auto file : *files) {
    const auto directory = a.files->directory(file);
    REQUIRE(directory.ok());
    for (const auto& frame : directory->frames) CHECK(frame.row != 1);
  }
  a.check();
}

TEST_CASE("tiers: a damaged block stays where it is and the rest of its shard moves") {
  archive a(2);
  a.put_readings(0, {today - 40 * day});
  a.put_readings(1, {today - 40 * day});
  const auto first = a.infos(0)[0].first;
  auto bytes = *a.tables->block(0, 0, first);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  auto batch = a.tables->batch();
  batch->put_block(0, 0, first, bytes);
  REQUIRE(a.tables->write(*batch, true).ok());
  a.run();
  CHECK(a.infos(0)[0].kept == tier::hot);
  CHECK(a.infos(1)[0].kept == tier::warm);
  CHECK(a.mover->counts().skipped == 1);
  CHECK_FALSE(a.mover->last_trouble().empty());
}
