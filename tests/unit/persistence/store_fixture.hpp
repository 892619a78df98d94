// SPDX-License-Identifier: Apache-2.0
// What tests of the store share: a small one in a folder of its own, snapshots, an effect.
#pragma once
#include "persistence/effect_codec.hpp"
#include "persistence/leveldb_store.hpp"
#include "tests/unit/persistence/journal_fixture.hpp"
#include <doctest/doctest.h>

namespace pollux::persistence::testing {

inline std::unique_ptr<leveldb_store> open(const scratch_folder& folder,
                                           std::uint64_t quarantine = 100) {
  auto opened = leveldb_store::open({.folder = folder / "store",
                                     .write_buffer_bytes = 64u << 10,
                                     .cache_bytes = 1u << 20,
                                     .quarantine_max = quarantine});
  if (!opened) FAIL(opened.error().what);
  return std::move(*opened);
}

inline domain::input_id input_at(std::uint64_t position) { return {{position}, 0}; }

inline snapshot snapshot_at(std::uint64_t position, std::uint64_t readings = 0) {
  snapshot s;
  s.at = input_at(position);
  s.state = "state " + std::to_string(position);
  s.hash = "hash " + std::to_string(position);
  s.next_wakeup_ns = static_cast<std::int64_t>(position) * 10;
  s.timer = 3;
  s.generation = position + 1;
  s.readings = readings;
  return s;
}

inline void put(leveldb_store& s, std::uint32_t row, const snapshot& what) {
  const auto b = s.batch();
  b->put_snapshot(1, row, what);
  REQUIRE(s.write(*b, false).ok());
}

inline std::vector<std::uint64_t> kept(const store& s, std::uint32_t row) {
  std::vector<std::uint64_t> out;
  REQUIRE(s.each_snapshot(1, row, [&](const snapshot& k) {
             out.push_back(k.at.at.value);
             return true;
           }).ok());
  return out;
}

inline domain::effect alert(std::uint64_t position, std::uint32_t ordinal = 0) {
  domain::effect e;
  e.id = {input_at(position), ordinal};
  e.kind = domain::effect_kind::alert;
  e.ingest_time_ns = 77;
  e.model_hash = "0123";
  e.alert.transition = domain::alert_transition::cleared;
  e.alert.incident = {input_at(position - 1), 2};
  e.alert.rule = "overheat";
  e.alert.level = domain::severity::critical;
  e.alert.event_time_ns = -5;
  e.alert.message = "not \xff UTF-8";
  e.alert.by = "operator";
  e.alert.proof = {.field = "temperature",
                   .numbers = {{"value", -0.0}, {"limit", 1e-310}},
                   .times = {{"armed", 12}},
                   .event_times_ns = {1, 2, 3},
                   .explanation = "because",
                   .windows = {{"t_5m", 30, 20.5, 1e-3, 19, 22, -7, 9}},
                   .path = {{"rising", 5, {{"value", 4.5}}}, {"spike", 9, {}}}};
  e.alert.late = true;
  e.alert.quiet = domain::silence::shelved;
  e.alert.to = "shift-lead";
  e.alert.until_ns = 99;
  e.alert.type = "threshold";
  e.alert.revision = 2;
  e.alert.parent = "site:hall";
  e.alert.group = "cooling";
  e.alert.depth = 3;
  e.alert.members = {"a:b 01"};
  return e;
}

} // namespace pollux::persistence::testing
