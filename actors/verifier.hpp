// SPDX-License-Identifier: Apache-2.0
// `journal verify` as a job of the running node: one twin after the other is replayed from its
// oldest retained base and compared with its stored snapshots and its live state.
#pragma once
#include "actors/intake.hpp"
#include "actors/work.hpp"
#include "persistence/history.hpp"
#include <caf/all.hpp>
#include <vector>

namespace pollux::actors {

struct verifier_surroundings {
  const persistence::log* journal = nullptr;
  const persistence::store* tables = nullptr;
  const model_catalog* models = nullptr;
  intake* inlet = nullptr;
  std::vector<caf::actor> hosts;
};

/// Answers verify_start and verify_query with verify_answer. One job at a time.
caf::actor spawn_verifier(caf::actor_system& system, verifier_surroundings with);

/// A report as the JSON document of verify_answer and of `journal verify -o json`.
[[nodiscard]] std::string verify_document(const persistence::verify_report& report, bool running);

} // namespace pollux::actors
