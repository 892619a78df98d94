// SPDX-License-Identifier: Apache-2.0
// The live feed: buffers what watchers have not yet pulled (decision 27: pull with
// acknowledgement).
#pragma once
#include "actors/work.hpp"
#include "messages/observability/metrics.hpp"
#include <caf/all.hpp>
#include <vector>

namespace pollux::actors {

inline constexpr std::size_t max_watch_events = 10'000;
inline constexpr std::size_t max_watches = 100;

/// The hosts a new watch is told to; sent once after they are spawned.
struct feed_hosts {
  std::vector<caf::actor> hosts;
  caf::actor outbox; ///< told (set_watched) whether anybody watches at all
};

/// `metrics`: told how much waits for watchers, every 5 s; may be nullptr.
caf::actor spawn_feed(caf::actor_system& system, messages::metrics* metrics = nullptr);

} // namespace pollux::actors

POLLUX_LOCAL_MESSAGE(pollux::actors::feed_hosts)
