// SPDX-License-Identifier: Apache-2.0
// Moving a stopped node's history keeps to the versions that rule, also those for some twins only.
#include "persistence/history.hpp"
#include "persistence/leveldb_log.hpp"
#include "persistence/tiering.hpp"
#include "supervision/model_changes.hpp"
#include "supervision/offline_retention.hpp"
#include "tests/support/temporary_folder.hpp"
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>

using namespace pollux;
using namespace pollux::supervision;

namespace {

constexpr std::int64_t day = 86'400'000'000'000, now = 20'500 * day;

std::string model(int hot_days) {
  return R"({"name": "m", "telemetry": {"x": {}}, "retention": {"hot_days": )" +
         std::to_string(hot_days) + "}}";
}

std::string block_of(std::int64_t event_time_ns) {
  domain::input in;
  in.kind = domain::input_kind::readings;
  in.id = {{7}, 0};
  in.ingest_time_ns = event_time_ns;
  in.readings.push_back({event_time_ns, 0, 0, 1});
  in.fields.push_back({"x", domain::value_view::of(1.5)});
  return persistence::encode_block({&in}, {});
}

} // namespace

TEST_CASE("offline moves keep to versions that rule for some twins only") {
  const tests::temporary_folder folder;
  std::filesystem::create_directories(folder.path() + "/models");
  std::ofstream(folder.path() + "/models/m.json") << model(300);
  {
    auto journal = persistence::open_leveldb_log(
        {.folder = folder.path() + "/log", .shards = 1, .min_free_bytes = 0});
    REQUIRE(journal.ok());
    auto tables = persistence::open_leveldb_store({.folder = folder.path() + "/store"});
    REQUIRE(tables.ok());
    messages::metrics metrics;
    actors::model_catalog catalog;
    actors::shadow_board shadows;
    model_changes changes(**tables, catalog, shadows);
    actors::intake inlet(**journal, **tables, catalog, metrics, actors::intake_options{});
    REQUIRE(changes.load(folder.path() + "/models").ok());
    changes.set_inlet(inlet);
    REQUIRE(changes.submit(0).ok());
    REQUIRE(inlet.flush(messages::durability::d2).ok());
    REQUIRE(changes.settle().ok());
    REQUIRE(changes.apply({model(10), "new.json", "short:*", "me"}).ok());
    const auto batch = (*tables)->batch();
    persistence::registry_row row;
    row.model_name = "m";
    for (const char* id : {"long:a", "short:a"}) {
      row.id = id;
      batch->put_registry(0, row);
      batch->put_block(0, row.row++, {{7}, 0}, block_of(now - 100 * day));
    }
    REQUIRE((*tables)->write(*batch, true).ok());
  }
  const auto moved = move_offline(folder.path(), now, {});
  REQUIRE_MESSAGE(moved.ok(), moved.error().what);
  auto tables = persistence::open_leveldb_store({.folder = folder.path() + "/store"});
  REQUIRE(tables.ok());
  std::vector<persistence::tier> kept;
  REQUIRE(
      (*tables)
          ->each_block_index(
              0, [&](std::uint32_t, const persistence::block_info& b) { kept.push_back(b.kept); })
          .ok());
  REQUIRE(kept.size() == 2);
  CHECK(kept[0] == persistence::tier::hot); // under the version of the others
  CHECK(kept[1] == persistence::tier::warm);
}
