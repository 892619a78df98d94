// SPDX-License-Identifier: Apache-2.0
// The searcher: answers twin_search and keeps the searches that go on. A thread of its own, one
// search after the other; the twins are looked at where they are (search_board.hpp).
#pragma once
#include "actors/intake.hpp"
#include "actors/models.hpp"
#include "actors/search_board.hpp"
#include "messages/observability/metrics.hpp"
#include <caf/all.hpp>
#include <memory>

namespace pollux::actors {

/// Everything outlives the searcher.
struct searcher_surroundings {
  intake* inlet = nullptr;
  const persistence::store* tables = nullptr;
  const model_catalog* models = nullptr;
  messages::metrics* metrics = nullptr;
  std::shared_ptr<search_board> board;
  std::function<std::int64_t()> now;
};

/// Watches of the searcher have this bit in their number; those of the feed have not.
inline constexpr std::uint64_t live_search_bit = std::uint64_t{1} << 62;

caf::actor spawn_searcher(caf::actor_system& system, searcher_surroundings with);

} // namespace pollux::actors
