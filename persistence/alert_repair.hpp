// SPDX-License-Identifier: Apache-2.0
// Alert rows that were damaged, made anew: they are a projection of the journal, so a replay of the
// twin has them again, transition by transition, with the ids they were published under.
#pragma once
#include "persistence/history.hpp"
#include <set>
#include <string>

namespace pollux::persistence {

struct rebuilt_alerts {
  std::set<std::string> incidents; ///< those put into the batch
  std::string why;                 ///< what kept the others from coming back; empty: nothing
};

/// Puts the alert rows of those incidents of a twin into `batch`, as far as its history tells of
/// them from their raising on. `wanted` empty: all that are missing from the table. Transitions
/// that the outbox has not taken yet are left to the node's next start. The history must be
/// repaired before. Cost: a replay of the twin from its creation, or from its oldest stored state
/// where the history behind that is gone. Errors: io.
[[nodiscard]] result<rebuilt_alerts>
rebuild_alerts(const log& journal, const store& tables, const domain::model_source& models,
               const verify_target& twin, const std::set<std::string>& wanted, store_batch& batch);

} // namespace pollux::persistence
