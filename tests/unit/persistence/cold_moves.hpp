// SPDX-License-Identifier: Apache-2.0
// All of a twin's blocks, moved into cold files as if years had passed.
#pragma once
#include "persistence/tiering.hpp"
#include "tests/unit/persistence/running_twin.hpp"

namespace pollux::persistence::testing {

/// Gives the folder of the cold files, which the tables read from then on.
inline std::shared_ptr<cold_folder> move_all_to_cold(running_twin& of) {
  auto made = cold_folder::open(of.folder / "history");
  REQUIRE(made.ok());
  of.tables->set_cold_source(*made);
  tiering mover(*of.tables, *made,
                {.shards = shard + 1,
                 .rules = [](std::uint32_t asked) -> result<shard_rules> {
                   shard_rules r;
                   r.rules = {{}};
                   if (asked == shard) r.rule_of_row = {0};
                   r.key = [](std::uint32_t) { return std::string(twin); };
                   return r;
                 },
                 .at_step = {}});
  const auto later = of.now + 800LL * 24 * 3600 * 1'000'000'000;
  for (bool more = true; more;) {
    const auto step = mover.step(later, std::chrono::seconds(1));
    if (!step) FAIL(step.error().what);
    more = *step;
  }
  return *made;
}

} // namespace pollux::persistence::testing
