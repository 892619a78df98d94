// SPDX-License-Identifier: Apache-2.0
// The historian: a detached actor that answers questions about the past, beside the readers, which
// serve waking twins and must not wait for it. One question at a time.
#pragma once
#include "actors/intake.hpp"
#include "actors/work.hpp"
#include <caf/all.hpp>
#include <functional>

namespace pollux::actors {

struct historian_surroundings {
  const persistence::log* journal = nullptr;
  persistence::store* tables = nullptr;
  const model_catalog* models = nullptr;
  intake* inlet = nullptr;
  std::function<std::int64_t()> now;
};

struct series_ask {
  twin_place twin;
  std::string key;
  messages::series_query what;
};
struct replay_ask {
  twin_place twin;
  std::string key;
  messages::replay_query what;
};

/// Answers series_ask, replay_ask, completeness_query and retention_order.
caf::actor spawn_historian(caf::actor_system& system, historian_surroundings with);

// Each in a source of its own: historian_series.cpp, historian_replay.cpp, historian_retention.cpp.
[[nodiscard]] result<messages::series_answer> series_of(const historian_surroundings& with,
                                                        const series_ask& ask);
[[nodiscard]] result<messages::history_document>
completeness_of(const historian_surroundings& with, const messages::completeness_query& q);
[[nodiscard]] result<messages::replay_answer> replay_of(const historian_surroundings& with,
                                                        const replay_ask& ask);
[[nodiscard]] result<messages::history_document>
order_retention(const historian_surroundings& with, const messages::retention_order& order);

} // namespace pollux::actors

POLLUX_LOCAL_MESSAGE(pollux::actors::series_ask)
POLLUX_LOCAL_MESSAGE(pollux::actors::replay_ask)
