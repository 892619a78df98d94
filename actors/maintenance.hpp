// SPDX-License-Identifier: Apache-2.0
// Maintenance: a detached actor that seals the log's oldest part when the tail grows, trims it once
// every twin has a snapshot after it, moves history between the tiers while nothing is to be
// sealed, writes the quarantine, and heals the journal when space returns.
#pragma once
#include "actors/intake.hpp"
#include "actors/quarantine_queue.hpp"
#include "actors/tier_keeper.hpp"
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
  std::shared_ptr<persistence::cold_folder> files; ///< empty: nothing moves between tiers
  const model_catalog* models = nullptr;
  std::function<std::int64_t()> now;
  std::function<void(const char*)> at_step; ///< tests: told before each step that changes the disk
};

/// Seals a shard's log up to where it ends now, and trims it; answered with ok when that is done.
struct seal_shard {
  std::uint32_t shard = 0;
};
/// tier_keeper::erase, beside neither sealing nor moving; answered with the erasure as it stands.
struct erase_rows {
  std::shared_ptr<persistence::erasure> what;
};

caf::actor spawn_maintenance(caf::actor_system& system, maintenance_surroundings with);

} // namespace pollux::actors

POLLUX_LOCAL_MESSAGE(pollux::actors::seal_shard)
POLLUX_LOCAL_MESSAGE(pollux::actors::erase_rows)
