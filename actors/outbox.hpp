// SPDX-License-Identifier: Apache-2.0
// The outbox: where effects leave. It projects alerts into their table, keeps every effect that has
// a destination until the broker has acknowledged it, and knows by id which were taken before, so a
// replay sends nothing twice. It also writes snapshots, after the effects they rest on (decision
// 14).
//
//   twin --twin_effects--> outbox: A, O, T in one batch --> egress.publish --done--> erase O
//   twin --store_snapshot--> the same queue, so a snapshot never overtakes an effect
#pragma once
#include "actors/publishing.hpp"
#include "actors/work.hpp"
#include "messages/egress.hpp"
#include "messages/inlet.hpp"
#include "messages/observability/metrics.hpp"
#include "messages/observability/trace_board.hpp"
#include "messages/quarantine.hpp"
#include <caf/all.hpp>
#include <functional>
#include <memory>
#include <vector>

namespace pollux::actors {

struct outbox_surroundings {
  persistence::store* tables = nullptr;
  messages::egress* egress = nullptr; ///< nullptr: effects are projected, and wait in the outbox
  messages::quarantine_port* quarantine = nullptr;
  messages::metrics* metrics = nullptr;
  std::vector<egress_rule> rules;
  caf::actor node; ///< told of alerts and commands while somebody watches
  std::function<std::int64_t()> now;
  messages::inlet* inlet = nullptr; ///< takes alerts for twins above; nullptr: they wait
  const messages::trace_board* traces = nullptr; ///< of readings; alerts go out with them
};

/// At most this many undelivered effects are held in memory; the rest waits in the table.
inline constexpr std::size_t max_outbox_in_memory = 50'000;

/// Spawns the outbox (detached: it writes). On start it takes up what was not delivered before.
caf::actor spawn_outbox(caf::actor_system& system, outbox_surroundings with);

} // namespace pollux::actors
