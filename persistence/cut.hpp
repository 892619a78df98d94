// SPDX-License-Identifier: Apache-2.0
// A point in time: takes away from a data folder what came after it, so that a node started there
// stands exactly where the first one stood (docs/backup.md).
#pragma once
#include "domain/twin/twin.hpp"
#include "persistence/leveldb_log.hpp"
#include "persistence/leveldb_store.hpp"
#include <string>
#include <vector>

namespace pollux::persistence {

struct cut_report {
  std::uint64_t inputs_from_log = 0, blocks_dropped = 0, blocks_shortened = 0, snapshots = 0,
                transitions = 0, outbox = 0, quarantined = 0, twins = 0;
  std::uint64_t states_made = 0;     ///< replayed from an older snapshot, as none was left nearer
  std::vector<std::string> problems; ///< what could not be done, each naming its twin
};

/// In each shard everything from the first input on that came later than `to_ns` (our clock) goes,
/// in the journal and in what was made from it. For a folder that nobody else uses, and that may be
/// thrown away if this fails half way; to be opened anew afterwards. Errors: io, no_space,
/// internal.
[[nodiscard]] result<cut_report> cut_after(leveldb_log& journal, leveldb_store& tables,
                                           const domain::model_source& models, std::int64_t to_ns);

} // namespace pollux::persistence
