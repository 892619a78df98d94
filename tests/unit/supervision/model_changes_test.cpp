// SPDX-License-Identifier: Apache-2.0
#include "supervision/model_changes.hpp"
#include "tests/support/temporary_folder.hpp"
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>

using namespace pollux;
using namespace pollux::supervision;

namespace {

std::string model(int limit, const std::string& name = "m") {
  return R"({"name": ")" + name + R"(", "telemetry": {"x": {}}, "operators": [
  {"name": "high", "type": "threshold", "value": "x", "above": )" +
         std::to_string(limit) + "}]}";
}

// What outlives a process: folder, store, log. A node is what is rebuilt.
struct disk {
  tests::temporary_folder folder;
  std::unique_ptr<persistence::log> journal = persistence::make_memory_log(4);
  std::unique_ptr<persistence::store> tables;
  std::string models = folder.path() + "/models";

  disk() {
    std::filesystem::create_directories(models);
    auto store = persistence::open_leveldb_store({.folder = folder.path() + "/store"});
    REQUIRE(store.ok());
    tables = std::move(*store);
    put("m.json", model(50));
  }
  void put(const std::string& file, const std::string& text) const {
    std::ofstream(models + "/" + file) << text;
  }
  // (hash, twins) of the records in the first shard.
  std::vector<std::pair<std::string, std::string>> records() const {
    std::vector<std::pair<std::string, std::string>> out;
    CHECK(journal
              ->scan(0, {},
                     [&](const persistence::positioned_segment& s) {
                       domain::input in;
                       for (std::uint32_t i = 0; i < s.content->entries().size(); ++i) {
                         s.content->decode(i, s.at, in);
                         if (in.kind == domain::input_kind::model_changed)
                           out.emplace_back(in.model_hash, in.detail);
                       }
                       return true;
                     })
              .ok());
    return out;
  }
};

struct node {
  messages::metrics metrics;
  actors::model_catalog catalog;
  actors::shadow_board shadows;
  model_changes changes;
  actors::intake inlet;
  status loaded;

  explicit node(disk& on)
      : changes(*on.tables, catalog, shadows),
        inlet(*on.journal, *on.tables, catalog, metrics, actors::intake_options{}) {
    loaded = changes.load(on.models);
    changes.set_inlet(inlet);
    if (!loaded) return;
    for (std::uint32_t shard = 0; shard < 4; ++shard) REQUIRE(changes.submit(shard).ok());
    REQUIRE(inlet.flush(messages::durability::d2).ok());
    REQUIRE(changes.settle().ok());
  }
  std::string apply(const std::string& text, const std::string& twins = "") {
    auto done = changes.apply({text, "new.json", twins, "me"});
    return done ? done->answer.state : done.error().what;
  }
  std::string ruling(const std::string& twin = "a:b") const {
    return catalog.ruling("m", twin)->hash;
  }
};

} // namespace

TEST_CASE("the same model twice is one record; a start without changes is none") {
  disk d;
  {
    node n(d);
    CHECK(d.records().size() == 1);
    CHECK(n.apply(model(50)) == "unchanged");
    CHECK(n.apply(model(60)) == "applied");
    CHECK(n.apply(model(60)) == "unchanged");
    CHECK(n.apply("  " + model(60)) == "unchanged"); // layout is no content
    CHECK(d.records().size() == 2);
    CHECK(d.records().back().first == n.ruling());
  }
  node again(d);
  CHECK(d.records().size() == 2);
  CHECK(again.ruling() == d.records().back().first);
  REQUIRE(again.changes.reload(d.models).ok());
  CHECK(d.records().size() == 2);
}

TEST_CASE("a change that is durable and not journaled is carried forward at the next start") {
  disk d;
  std::string wanted;
  {
    node n(d);
    n.inlet.stop(); // nothing gets into the journal any more
    CHECK(n.apply(model(60)) == "pending");
    wanted = n.ruling();
    CHECK(d.records().size() == 1);
  }
  node n(d);
  REQUIRE(d.records().size() == 2);
  CHECK(d.records().back().first == wanted);
  CHECK(n.ruling() == wanted);
  node once_more(d);
  CHECK(d.records().size() == 2);
}

TEST_CASE("a mistake in any file leaves catalog and journal as they were") {
  disk d;
  node n(d);
  const auto before = n.ruling();
  d.put("m.json", model(99));
  d.put("n.json", R"({"name": "n", "telemetri": {}})");
  auto reloaded = n.changes.reload(d.models);
  REQUIRE(!reloaded.ok());
  CHECK(reloaded.error().what.find("n.json:1:") != std::string::npos);
  CHECK(n.ruling() == before);
  CHECK(n.catalog.names().size() == 1);
  CHECK(d.records().size() == 1);
  CHECK(n.apply(R"({"name": "m", "operators": [{}]})").find("new.json:1:") != std::string::npos);
  CHECK(n.ruling() == before);
  d.put("n.json", model(1, "n"));
  reloaded = n.changes.reload(d.models);
  REQUIRE(reloaded.ok());
  CHECK(*reloaded == 2);
  CHECK(d.records().size() == 3);
}

TEST_CASE("a file counts when it changes, not because it is there") {
  disk d;
  node n(d);
  const auto first = n.ruling();
  CHECK(n.apply(model(60)) == "applied");
  const auto applied = n.ruling();
  REQUIRE(n.changes.reload(d.models).ok());
  CHECK(n.ruling() == applied);
  d.put("m.json", model(70));
  REQUIRE(n.changes.reload(d.models).ok());
  CHECK(n.ruling() != applied);
  CHECK(n.changes.roll_back({"m", "", "me"})->answer.hash == applied);
  CHECK(n.changes.roll_back({"m", first.substr(0, 8), "me"})->answer.hash == first);
  CHECK(n.changes.roll_back({"m", "000000", "me"}).error().code == errc::not_found);
  CHECK(n.changes.roll_back({"x", "", "me"}).error().code == errc::not_found);
}

TEST_CASE(
    "versions for some twins: the newest that matches rules, and all of them survive a start") {
  disk d;
  std::string all, some, few;
  {
    node n(d);
    all = n.ruling();
    CHECK(n.apply(model(60), "a:*") == "applied");
    some = n.ruling("a:b");
    CHECK(n.apply(model(70), "a:b*") == "applied");
    few = n.ruling("a:b");
    CHECK(n.apply(model(70), "a:b*") == "unchanged");
  }
  node n(d);
  CHECK(n.ruling("a:b") == few);
  CHECK(n.ruling("a:c") == some);
  CHECK(n.ruling("c:c") == all);
  CHECK(d.records().size() == 3);
  CHECK(n.changes.roll_back({"m", "", "me"})->answer.state == "applied");
  CHECK(n.ruling("a:b") == all);
  CHECK(d.records().back() == std::pair<std::string, std::string>{all, ""});
  for (int i = 0; i < 64; ++i) CHECK(n.apply(model(i), "g" + std::to_string(i)) == "applied");
  CHECK(n.apply(model(1), "one more").find("64 versions") != std::string::npos);
}
