// SPDX-License-Identifier: Apache-2.0
// The core: the actors between the journal and the doors. Twins are restarted one for one by their
// host; if one of these few ends by a defect, all of them are rebuilt from the journal together,
// because each holds what the others told it (all-for-one, with back-off and a budget).
#pragma once
#include "actors/intake.hpp"
#include "actors/node.hpp"
#include "actors/outbox.hpp"
#include "actors/quarantine_queue.hpp"
#include "actors/shard_host.hpp"
#include "config/config.hpp"
#include "persistence/cold_file.hpp"
#include "supervision/fault_injection.hpp"
#include <caf/all.hpp>
#include <functional>
#include <memory>
#include <vector>

namespace pollux::supervision {

struct core_surroundings {
  persistence::log* journal = nullptr;
  persistence::store* tables = nullptr;
  const actors::model_catalog* models = nullptr;
  actors::intake* inlet = nullptr;
  actors::quarantine_queue* quarantine = nullptr;
  messages::metrics* metrics = nullptr;
  messages::health* conditions = nullptr;
  messages::egress* egress = nullptr;
  std::vector<actors::egress_rule> egress_rules;
  std::function<status(const messages::quarantined&)> replay_quarantined;
  config::settings settings;
  fault_injection* faults = nullptr; ///< tests only
  actors::model_port* model_changes = nullptr;
  const actors::shadow_board* shadows = nullptr;
  std::shared_ptr<persistence::cold_folder> files = nullptr; ///< cold history
  const messages::trace_board* traces = nullptr;
};

struct core {
  caf::actor outbox, feed, verifier, maintenance, historian, jobs, searcher;
  std::vector<caf::actor> readers, hosts;
  messages::node_actor node;

  /// Every actor above, for monitoring.
  [[nodiscard]] std::vector<caf::actor> all() const;
  void stop();
};

/// Spawns the core and waits until its hosts have recovered their shards. Errors: timed_out
/// (recovery took more than 10 minutes), internal.
[[nodiscard]] result<core> spawn_core(caf::actor_system& system, const core_surroundings& with);

/// Hands `segments` to the hosts of their shards.
void hand_over(const std::vector<caf::actor>& hosts,
               std::vector<persistence::positioned_segment>&& segments);

} // namespace pollux::supervision
