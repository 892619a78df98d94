// SPDX-License-Identifier: Apache-2.0
// Readers: detached actors for everything that may block on the disk. They restore twins from
// snapshot and journal, describe twins that sleep, and answer history and alert queries.
#pragma once
#include "actors/models.hpp"
#include "actors/work.hpp"
#include <caf/all.hpp>

namespace pollux::actors {

struct history_ask {
  twin_place twin;
  std::string key;
  messages::history_query what;
};

/// One alert of a twin whose place is known.
struct alert_ask {
  twin_place twin;
  messages::alert_query what;
};

/// A second opinion on one alert of a twin whose place is known.
struct audit_ask {
  twin_place twin;
  std::string key;
  messages::alert_verify what;
};

/// Spawns one reader; everything outlives it.
caf::actor spawn_reader(caf::actor_system& system, const persistence::log& journal,
                        const persistence::store& tables, const model_catalog& models);

/// The state of a twin from its newest snapshot, or a fresh one. Errors: corrupt, version_mismatch,
/// io.
[[nodiscard]] result<domain::twin_state> load_newest(const persistence::store& tables,
                                                     const model_catalog& models, twin_place place,
                                                     std::string_view key);

} // namespace pollux::actors

POLLUX_LOCAL_MESSAGE(pollux::actors::history_ask)
POLLUX_LOCAL_MESSAGE(pollux::actors::alert_ask)
POLLUX_LOCAL_MESSAGE(pollux::actors::audit_ask)
