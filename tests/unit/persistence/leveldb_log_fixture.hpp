// SPDX-License-Identifier: Apache-2.0
// An embedded log in a folder of its own, and ways to write to it and to damage it.
#pragma once
#include "persistence/leveldb_log.hpp"
#include "tests/unit/persistence/journal_fixture.hpp"
#include <doctest/doctest.h>

namespace pollux::persistence::testing {

inline leveldb_log_options options_for(const scratch_folder& folder) {
  return {.folder = folder / "log",
          .shards = 4,
          .min_free_bytes = 0,
          .ballast_bytes = 0,
          .write_buffer_bytes = 64u << 10};
}

inline std::unique_ptr<leveldb_log> open(const scratch_folder& folder, log_probes probes = {}) {
  auto opened = leveldb_log::open(options_for(folder), std::move(probes));
  if (!opened) FAIL(opened.error().what);
  return std::move(*opened);
}

inline void write(persistence::log& l, std::uint32_t shard, double value) {
  REQUIRE(l.append(shard, one_reading("n:t", value)).ok());
  REQUIRE(l.commit().ok());
}

/// Changes a row of the closed database behind the log's back.
template <class Change> void tamper(const scratch_folder& folder, Change&& change) {
  leveldb::DB* raw = nullptr;
  REQUIRE(leveldb::DB::Open({}, folder / "log", &raw).ok());
  const std::unique_ptr<leveldb::DB> db(raw);
  change(*db);
}

inline std::string segment_key(std::uint32_t shard, domain::position at) {
  std::string key;
  key_writer(key, log_keys::segments).u16(shard).u64(at.value);
  return key;
}

} // namespace pollux::persistence::testing
