// SPDX-License-Identifier: Apache-2.0
// The registry after a power cut. Its rows are not synced when twins come into being; what they say
// is in the log, which is. A row stays known once it is written and synced again; if that were left
// undone, the log would be trimmed and the row's number go to another twin.
#pragma once
#include "persistence/log.hpp"
#include "persistence/store.hpp"
#include <vector>

namespace pollux::persistence {

struct registry_check {
  std::vector<registry_row> rows; ///< in order, from row 0, without a gap
  /// Those of `rows` that the table does not have, or not so: to be written and synced.
  std::vector<registry_row> restored;
};

/// The rows of a shard's registry with those that were lost, by their creation in the log's tail:
/// twins begin there in the order of their rows. A missing row of which the tail knows nothing
/// either keeps its number as a deleted twin "lost:<shard>-<row>". Deletions that only the tail
/// knows are in it, too.
/// Errors: corrupt (a row is missing that was synced once, for it has blocks: no power cut did
/// that), io. Cost: one scan of the tail.
[[nodiscard]] result<registry_check> whole_registry(const log& tail, const store& tables,
                                                    std::uint32_t shard);

} // namespace pollux::persistence
