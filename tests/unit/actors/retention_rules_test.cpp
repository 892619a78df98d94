// SPDX-License-Identifier: Apache-2.0
// By which rule a twin's history ages: its model's, or the default where nobody knows the model.
#include "actors/retention_rules.hpp"
#include "messages/model_codec.hpp"
#include "persistence/leveldb_store.hpp"
#include "tests/support/temporary_folder.hpp"
#include <doctest/doctest.h>

using namespace pollux;
using namespace pollux::actors;

TEST_CASE("retention rules: of the model, and the default for an ended life of none") {
  const tests::temporary_folder folder;
  auto store = persistence::open_leveldb_store({.folder = folder.path() + "/store"});
  REQUIRE(store.ok());
  auto parsed = messages::parse_model(
      R"({"name": "m", "telemetry": {"x": {}}, "retention": {"hot_days": 3, "keep_days": 90}})",
      "m");
  REQUIRE(parsed.ok());
  model_catalog models;
  models.add(*parsed);
  models.set_current(*parsed);
  const auto batch = (*store)->batch();
  persistence::registry_row row;
  row.row = 0;
  row.id = "a:one";
  row.model_name = "m";
  batch->put_registry(0, row);
  row.row = 1;
  row.id = "a:gone";
  row.model_name = "";
  row.deleted = true;
  batch->put_registry(0, row);
  REQUIRE((*store)->write(*batch, false).ok());
  const auto rules = retention_rules_of(**store, models, 0);
  REQUIRE(rules.ok());
  REQUIRE(rules->rule_of_row.size() == 2);
  CHECK(rules->rules.at(rules->rule_of_row[0]).hot_days == 3);
  CHECK(rules->rules.at(rules->rule_of_row[0]).keep_days == 90);
  CHECK(rules->rules.at(rules->rule_of_row[1]) == domain::retention_rule{});
  CHECK(rules->deleted[1]);
  CHECK_FALSE(rules->deleted[0]);
}
