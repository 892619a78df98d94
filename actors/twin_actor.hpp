// SPDX-License-Identifier: Apache-2.0
// A twin as an actor: a thin shell around domain::step. It restores nothing and decides nothing:
// the host hands it a state and then its inputs in journal order; what leaves goes to the outbox.
#pragma once
#include "actors/models.hpp"
#include "actors/search_board.hpp"
#include "actors/shadow.hpp"
#include "actors/stage_metrics.hpp"
#include "actors/work.hpp"
#include "messages/observability/metrics.hpp"
#include <array>
#include <caf/all.hpp>
#include <memory>

namespace pollux::actors {

/// What all twins of one host share.
struct twin_surroundings {
  const model_catalog* models = nullptr;
  const shadow_board* shadows = nullptr; ///< nullptr: nobody is in anyone's shadow
  caf::actor host, outbox, node;         ///< node: gets feed_event while a twin is watched
  std::shared_ptr<search_board> board;   ///< nullptr: nobody searches here
  messages::counter* applied_readings = nullptr;
  messages::counter* applied_inputs = nullptr;
  messages::counter* effects = nullptr;
  messages::histogram* journal_to_applied = nullptr;
  std::shared_ptr<twin_samples> samples; ///< nullptr: nobody asks
  /// In the order of domain::lane_counts::names.
  std::array<messages::counter*, domain::lane_counts::names.size()> lanes{};

  /// Sets the counters to those of the node.
  void count_in(messages::metrics& all);
};

/// Spawns a twin whose state is `state`. The surroundings outlive it.
caf::actor spawn_twin(caf::actor_system& system, std::shared_ptr<const twin_surroundings> around,
                      twin_place place, std::string key, domain::twin_state state);

/// The answer to a twin query, from any state (awake or from a snapshot).
[[nodiscard]] messages::twin_answer answer_for(const domain::model_source& models,
                                               const domain::twin_state& state,
                                               std::int64_t now_ns);
[[nodiscard]] messages::twin_row row_for(const domain::model_source& models,
                                         const domain::twin_state& state, bool awake,
                                         std::int64_t now_ns);
/// The state as the store keeps it.
[[nodiscard]] std::shared_ptr<persistence::snapshot> snapshot_of(const domain::twin_state& state);

} // namespace pollux::actors
