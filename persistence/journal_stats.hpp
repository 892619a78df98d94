// SPDX-License-Identifier: Apache-2.0
// What lies where: how much of the history is in which tier, what the tables hold, how long the log
// is. Read from the index, so it costs no decoding (but for blocks of the first format).
#pragma once
#include "persistence/log.hpp"
#include "persistence/store.hpp"
#include "persistence/tiering.hpp"
#include <array>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <vector>

namespace pollux::persistence {

using history_amount = tier_total;

struct twin_amount {
  std::string key;                     ///< as in the journal: "id", "id#2"
  std::array<history_amount, 3> tiers; ///< by tier
};

struct table_amount {
  std::uint64_t rows = 0, bytes = 0; ///< keys and values, before LevelDB compresses them
};

struct journal_stats {
  std::uint32_t shards = 0;
  std::uint64_t twins = 0, deleted_twins = 0;
  std::array<history_amount, 3> tiers;
  std::map<std::string, table_amount> tables; ///< "store/B", "log/L", ...
  std::uint64_t tail_segments = 0, tail_inputs = 0, tail_readings = 0, tail_bytes = 0;
  std::uint64_t incidents = 0, transitions = 0;
  std::uint64_t cold_files = 0;     ///< files that the index refers to
  std::vector<twin_amount> by_twin; ///< when asked for, in the order of shards and rows
};

/// `each_shard` (may be empty) is told how many shards are done; false: give up. Memory: a line for
/// each twin when `by_twin`. Errors: io, unavailable (given up), invalid_argument (not on LevelDB).
[[nodiscard]] result<journal_stats>
count_journal(const log& journal, const store& tables, bool by_twin,
              const std::function<bool(std::uint32_t)>& each_shard);

/// The same as JSON.
[[nodiscard]] std::string stats_document(const journal_stats& stats);

} // namespace pollux::persistence
