// SPDX-License-Identifier: Apache-2.0
// Maintenance: a detached actor that seals the log's oldest part when the tail grows, trims it once
// every twin has a snapshot after it, writes the quarantine, and heals the journal when space
// returns.
#pragma once
#include "actors/intake.hpp"
#include "actors/quarantine_queue.hpp"
#include "actors/work.hpp"
#include "messages/health.hpp"
#include <caf/all.hpp>
#include <functional>
#include <vector>

namespace pollux::actors {

struct maintenance_surroundings {
  persistence::log* journal = nullptr;
  persistence::store* tables = nullptr;
  intake* inlet = nullptr;
  quarantine_queue* quarantine = nullptr;
  messages::health* conditions = nullptr;
  messages::metrics* metrics = nullptr;
  std::vector<caf::actor> hosts; ///< shard s belongs to hosts[s % size]
  std::uint64_t tail_bytes = 256ull << 20, tail_readings = 1'000'000;
};

caf::actor spawn_maintenance(caf::actor_system& system, maintenance_surroundings with);

} // namespace pollux::actors
