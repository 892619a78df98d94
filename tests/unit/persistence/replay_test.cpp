// SPDX-License-Identifier: Apache-2.0
// Time travel: what is replayed to a moment is, byte for byte, what the twin was then.
#include "persistence/replay.hpp"
#include "tests/unit/persistence/running_twin.hpp"
#include <random>

using namespace pollux;
using namespace pollux::persistence;
using namespace pollux::persistence::testing;

namespace {

std::string bytes_of(const domain::twin_state& state) {
  std::string out;
  domain::save(state, out);
  return out;
}

/// A life with stored states, blocks and a tail, and what the twin was after each of its inputs.
struct remembered_life {
  running_twin t;
  struct moment {
    std::int64_t ingest_ns = 0, event_ns = 0;
    std::string state;
  };
  std::vector<moment> moments;

  explicit remembered_life(unsigned seed) {
    std::mt19937 random(seed);
    note(no_time);
    for (int i = 0; i < 600; ++i) {
      if (random() % 40 == 0) {
        t.restart_node();
        note(t.now);
      }
      t.measure(random() % 30 < 5 ? 60.0 : 20.0 + static_cast<double>(random() % 10));
      note(t.now);
      if (random() % 60 == 0) t.take_snapshot();
      if (random() % 150 == 0) {
        t.take_snapshot(); // a trim wants one
        t.seal_all();
      }
    }
  }
  void note(std::int64_t event_ns) {
    domain::twin_description seen = domain::describe(t.models, t.state, 0);
    moments.push_back({seen.last_ingest_time_ns, event_ns, t.saved()});
  }
  [[nodiscard]] result<replayed> at(replay_clock clock, std::int64_t to_ns, bool from_creation) {
    return replay(*t.tail, *t.tables, t.models, {shard, 0, twin}, {clock, no_time, to_ns, {}},
                  from_creation, {});
  }
};

} // namespace

TEST_CASE("replay: property: the state at any moment is what it was then") {
  for (unsigned seed = 0; seed < 4; ++seed) {
    CAPTURE(seed);
    remembered_life life(seed);
    std::mt19937 random(seed + 100);
    for (int i = 0; i < 40; ++i) {
      const auto which = random() % life.moments.size();
      CAPTURE(which);
      const auto& then = life.moments[which];
      // the last of the moments with this ingest time: both ends are inclusive
      auto last = which;
      while (last + 1 < life.moments.size() && life.moments[last + 1].ingest_ns <= then.ingest_ns)
        ++last;
      const auto from_creation = random() % 2 == 0;
      const auto found = life.at(replay_clock::ingest, then.ingest_ns, from_creation);
      REQUIRE(found.ok());
      CHECK(bytes_of(found->state) == life.moments[last].state);
      if (from_creation) CHECK(found->base == domain::input_id{});
    }
  }
}

TEST_CASE("replay: by event time it ends before the first later reading") {
  remembered_life life(7);
  const auto& then = life.moments[300];
  auto last = std::size_t{300};
  while (last + 1 < life.moments.size() && life.moments[last + 1].event_ns <= then.event_ns) ++last;
  const auto found = life.at(replay_clock::event, then.event_ns, false);
  REQUIRE(found.ok());
  CHECK(bytes_of(found->state) == life.moments[last].state);
}

TEST_CASE("replay: stepping to the end equals live, and each step what the twin was then") {
  remembered_life life(11);
  std::size_t step = 1; // the creation is the first moment; it is a step of its own
  std::size_t begun = 0;
  std::vector<std::string> alerts;
  replay_visit visit;
  visit.before = [&](const domain::input&, const domain::twin_state& before) {
    if (begun == 0) CHECK(before.model_hash().empty());
    if (step < life.moments.size() && !before.model_hash().empty())
      CHECK(bytes_of(before) == life.moments[step - 1].state);
    ++begun;
  };
  visit.step = [&](const domain::input& in, const domain::effects& born,
                   const domain::twin_state& after) {
    if (in.kind != domain::input_kind::twin_created) {
      REQUIRE(step < life.moments.size());
      CHECK(bytes_of(after) == life.moments[step++].state);
    }
    for (const auto& e : born) alerts.push_back(to_string(e.id));
    return true;
  };
  const auto done =
      replay(*life.t.tail, *life.t.tables, life.t.models, {shard, 0, twin}, {}, false, visit);
  REQUIRE(done.ok());
  CHECK(begun >= life.moments.size());
  CHECK(step == life.moments.size());
  CHECK(bytes_of(done->state) == life.t.saved());
  std::vector<std::string> stored;
  for (const auto& [incident, row] : life.t.alerts)
    for (const auto& e : row.transitions) stored.push_back(to_string(e.id));
  std::sort(stored.begin(), stored.end());
  std::sort(alerts.begin(), alerts.end());
  CHECK(alerts == stored);
  CHECK_FALSE(stored.empty());
}

TEST_CASE("replay: steps go on behind an input, from a stored state before it") {
  remembered_life life(13);
  std::vector<domain::input_id> all, rest;
  replay_visit visit;
  visit.step = [&](const domain::input& in, const domain::effects&, const domain::twin_state&) {
    all.push_back(in.id);
    return true;
  };
  REQUIRE(
      replay(*life.t.tail, *life.t.tables, life.t.models, {shard, 0, twin}, {}, false, visit).ok());
  visit.step = [&](const domain::input& in, const domain::effects&, const domain::twin_state&) {
    rest.push_back(in.id);
    return rest.size() < 50;
  };
  const auto middle = all.size() - 60;
  replay_interval behind;
  behind.after = all[middle];
  const auto done =
      replay(*life.t.tail, *life.t.tables, life.t.models, {shard, 0, twin}, behind, false, visit);
  REQUIRE(done.ok());
  CHECK(rest ==
        std::vector<domain::input_id>(all.begin() + static_cast<std::ptrdiff_t>(middle) + 1,
                                      all.begin() + static_cast<std::ptrdiff_t>(middle) + 51));
  CHECK(done->base != domain::input_id{}); // not from the creation
}

TEST_CASE("replay: before its creation there is no twin, and a lost beginning is named") {
  remembered_life life(17);
  const auto early = life.at(replay_clock::ingest, life.moments.front().ingest_ns - 1, false);
  REQUIRE(early.ok());
  CHECK(early->state.model_hash().empty());
  // the oldest block is gone: what is older than the oldest stored state cannot be known
  const auto b = life.t.tables->batch();
  std::optional<domain::input_id> first;
  REQUIRE(life.t.tables
              ->each_block_info(shard, 0, false,
                                [&](const block_info& info) {
                                  first = info.first;
                                  return false;
                                })
              .ok());
  REQUIRE(first.has_value());
  b->erase_block(shard, 0, *first);
  REQUIRE(life.t.tables->write(*b, false).ok());
  const auto lost = life.at(replay_clock::ingest, life.moments[2].ingest_ns, false);
  REQUIRE_FALSE(lost.ok());
  CHECK(lost.error().code == errc::not_found);
  CHECK(lost.error().what.find("does not reach back") != std::string::npos);
  const auto now = life.at(replay_clock::ingest, never, false);
  REQUIRE(now.ok());
  CHECK(bytes_of(now->state) == life.t.saved());
}
