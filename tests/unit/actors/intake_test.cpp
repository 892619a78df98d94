// SPDX-License-Identifier: Apache-2.0
#include "actors/intake.hpp"
#include "messages/model_codec.hpp"
#include "tests/support/temporary_folder.hpp"
#include <atomic>
#include <chrono>
#include <doctest/doctest.h>
#include <map>
#include <thread>

using namespace pollux;
using namespace pollux::actors;

namespace {

// An intake over a real log and store, without threads: the tests turn the crank.
struct fixture {
  tests::temporary_folder folder;
  std::unique_ptr<persistence::log> journal;
  std::unique_ptr<persistence::store> tables;
  model_catalog models;
  messages::metrics metrics;
  intake_options options;
  std::unique_ptr<intake> inlet;
  std::vector<persistence::positioned_segment> handed_over;

  explicit fixture(intake_options o = {}) : options(o) {
    auto log = persistence::open_leveldb_log(
        {.folder = folder.path() + "/log", .shards = 8, .min_free_bytes = 0, .ballast_bytes = 0});
    REQUIRE(log.ok());
    journal = std::move(*log);
    auto opened = persistence::open_leveldb_store({.folder = folder.path() + "/store"});
    REQUIRE(opened.ok());
    tables = std::move(*opened);
    auto model = messages::parse_model(
        R"({"name":"m","kind":"device","telemetry":{"x":{"type":"number"}},"operators":[]})",
        "m.json");
    REQUIRE_MESSAGE(model.ok(), (model.ok() ? "" : model.error().what));
    models.set_current(*model);
    inlet = std::make_unique<intake>(*journal, *tables, models, metrics, options);
    inlet->on_hand_over([this](auto&& segments) {
      for (auto& s : segments) handed_over.push_back(std::move(s));
    });
  }

  result<messages::ticket> reading(std::string_view id, double x,
                                   std::string_view create_as = "m") {
    domain::input in;
    in.kind = domain::input_kind::readings;
    in.ingest_time_ns = 1;
    in.fields.push_back({"x", domain::value_view::of(x)});
    in.readings.push_back({1, 0, 0, 1});
    return inlet->submit(id, create_as, in);
  }
};

} // namespace

TEST_CASE("what is submitted is durable and handed over after one flush, in order") {
  fixture f;
  messages::ticket last;
  for (int i = 0; i < 100; ++i) {
    auto t = f.reading("n:" + std::to_string(i % 10), i);
    REQUIRE(t.ok());
    CHECK(*t > last);
    last = *t;
  }
  CHECK(f.inlet->durable_upto(messages::durability::d0) < last);
  REQUIRE(f.inlet->flush(messages::durability::d0, last).ok());
  CHECK(f.inlet->durable_upto(messages::durability::d0) >= last);
  CHECK(f.inlet->durable_upto(messages::durability::d2) < last);
  REQUIRE(f.inlet->pump_sync().ok());
  CHECK(f.inlet->durable_upto(messages::durability::d2) >= last);
  f.inlet->pump();
  std::map<std::string, double> newest;
  std::uint64_t readings = 0;
  for (const auto& s : f.handed_over) {
    domain::input in;
    for (std::size_t i = 0; i < s.content->entries().size(); ++i) {
      s.content->decode(i, s.at, in);
      if (in.kind != domain::input_kind::readings) continue;
      const std::string id{s.content->twins()[s.content->entries()[i].twin]};
      if (newest.contains(id)) CHECK(newest[id] < in.fields[0].value.f64);
      newest[id] = in.fields[0].value.f64;
      ++readings;
    }
  }
  CHECK(readings == 100);
  CHECK(newest.size() == 10);
}

TEST_CASE(
    "a twin's creation goes before its first reading, and only where the mapping names a model") {
  fixture f;
  auto refused = f.reading("n:stranger", 1, "");
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == errc::not_found);
  REQUIRE(f.reading("n:stranger", 1).ok());
  REQUIRE(f.reading("n:stranger", 2, "").ok());
  f.inlet->pump();
  REQUIRE(f.handed_over.size() == 1);
  const auto& entries = f.handed_over[0].content->entries();
  REQUIRE(entries.size() == 3);
  CHECK(entries[0].kind == domain::input_kind::twin_created);
  CHECK(entries[1].kind == domain::input_kind::readings);
  std::size_t registered = 0;
  for (std::uint32_t shard = 0; shard < 8; ++shard)
    REQUIRE(
        f.tables
            ->each_registry(shard, [&](const auto& row) { registered += row.id == "n:stranger"; })
            .ok());
  CHECK(registered == 1);
}

TEST_CASE("credits run dry at the bound and come back when the last holder lets go") {
  intake_options o;
  o.inbox_inputs = 10;
  fixture f{o};
  int taken = 0;
  result<messages::ticket> outcome = messages::ticket{};
  while ((outcome = f.reading("n:a", taken)).ok()) ++taken;
  CHECK(taken == 10);
  CHECK(outcome.error().code == errc::overloaded);
  f.inlet->pump();
  CHECK_FALSE(f.inlet->accepting()); // handed over, and still held
  f.handed_over.clear();
  CHECK(f.inlet->accepting());
  CHECK(f.inlet->used_inputs() == 0);
  CHECK(f.reading("n:a", 1).ok());
}

TEST_CASE("after a deletion the id is free at once and begins a new incarnation") {
  fixture f;
  REQUIRE(f.reading("n:a", 1).ok());
  auto row = f.inlet->remove("n:a", 5);
  REQUIRE(row.ok());
  CHECK(f.inlet->twins() == 0);
  auto again = f.inlet->remove("n:a", 6);
  REQUIRE_FALSE(again.ok());
  CHECK(again.error().code == errc::not_found);
  REQUIRE(f.reading("n:a", 2).ok());
  CHECK(f.inlet->twins() == 1);
  f.inlet->pump();
  REQUIRE(f.handed_over.size() == 1);
  const auto& segment = *f.handed_over[0].content;
  REQUIRE(segment.twins().size() == 2);
  CHECK(segment.twins()[0] == "n:a");
  CHECK(segment.twins()[1] == "n:a#2");
  CHECK(segment.rows[0] != segment.rows[1]);
}

TEST_CASE("an input that comes while a batch is drained becomes durable without another one") {
  fixture f;
  f.inlet->on_hand_over([](auto&&) {});
  REQUIRE(f.reading("n:a", 0).ok());
  std::atomic<bool> done{false};
  std::thread crank([&] {
    while (!done.load()) f.inlet->pump();
  });
  bool stuck = false;
  for (int i = 0; i < 2'000 && !stuck; ++i) {
    const auto mine = f.reading("n:a", i);
    REQUIRE(mine.ok());
    const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds{5};
    while (f.inlet->durable_upto(messages::durability::d0) < *mine && !stuck)
      stuck = std::chrono::steady_clock::now() > patience;
  }
  done.store(true);
  crank.join();
  CHECK_FALSE(stuck);
}

TEST_CASE("no ticket counts as durable before its input is in the log") {
  fixture f;
  f.inlet->on_hand_over([](auto&&) {});
  auto& stored = f.metrics.make_counter("pollux_journal_readings_total", "");
  REQUIRE(f.reading("n:a", 0).ok());
  f.inlet->pump();
  std::atomic<bool> done{false};
  std::thread crank([&] {
    while (!done.load()) f.inlet->pump();
  });
  std::thread noise([&] { // keeps another shard's batches coming, without a reading in them
    domain::input in;
    in.kind = domain::input_kind::node_started;
    in.ingest_time_ns = 1;
    while (!done.load())
      if (f.inlet->submit_shard_wide(7, in).ok()) std::this_thread::yield();
  });
  const auto before = stored.value();
  std::uint64_t early = 0, sent = 0;
  while (sent < 2'000) {
    const auto mine = f.reading("n:a", static_cast<double>(sent));
    if (!mine.ok()) continue; // no credit for a moment: the noise took it
    ++sent;
    while (f.inlet->durable_upto(messages::durability::d0) < *mine) std::this_thread::yield();
    early += stored.value() < before + sent ? 1 : 0;
  }
  done.store(true);
  crank.join();
  noise.join();
  CHECK(early == 0);
}

TEST_CASE("after stop nothing is taken any more and everything before is synced") {
  fixture f;
  auto t = f.reading("n:a", 1);
  REQUIRE(t.ok());
  f.inlet->stop();
  CHECK(f.inlet->durable_upto(messages::durability::d2) >= *t);
  CHECK(f.handed_over.size() == 1);
  auto late = f.reading("n:a", 2);
  REQUIRE_FALSE(late.ok());
  CHECK(late.error().code == errc::unavailable);
}
