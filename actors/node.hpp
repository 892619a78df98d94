// SPDX-License-Identifier: Apache-2.0
// The node's front: implements messages::node_actor, the one interface behind every door. It finds
// the twin's place, asks its host, a reader or the feed, and puts what changes something into the
// journal through the inlet. It decides nothing about twins.
#pragma once
#include "actors/intake.hpp"
#include "actors/quarantine_queue.hpp"
#include "actors/work.hpp"
#include "messages/health.hpp"
#include "messages/node_api.hpp"
#include <functional>
#include <vector>

namespace pollux::actors {

struct node_surroundings {
  intake* inlet = nullptr;
  persistence::log* journal = nullptr;
  persistence::store* tables = nullptr;
  const model_catalog* models = nullptr;
  model_port* model_changes = nullptr; ///< nullptr: models cannot be changed
  messages::metrics* metrics = nullptr;
  messages::health* conditions = nullptr;
  std::vector<caf::actor> hosts, readers;
  caf::actor feed, verifier, outbox, historian, jobs;
  caf::actor searcher; ///< nothing: this node is not searched
  /// Runs a quarantined payload through the present mapping again.
  std::function<status(const messages::quarantined&)> replay_quarantined;
  /// Decodes, checks and journals readings that came by a door; says what became of them.
  std::function<result<std::string>(const messages::readings_submit&)> take_batch;
  std::function<std::int64_t()> now;
};

/// Detached: it may wait for the journal's write of a command.
messages::node_actor spawn_node(caf::actor_system& system, node_surroundings with);

} // namespace pollux::actors
