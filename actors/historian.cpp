// SPDX-License-Identifier: Apache-2.0
#include "actors/historian.hpp"

namespace pollux::actors {

namespace {

struct historian_state {
  historian_surroundings with;
  static inline const char* name = "historian";
};

template <class Answer> caf::result<Answer> handed(result<Answer> answer) {
  if (!answer) return messages::to_caf(answer.error());
  return std::move(*answer);
}

caf::behavior historian(caf::stateful_actor<historian_state>* self, historian_surroundings with) {
  self->state.with = std::move(with);
  const auto& s = self->state;
  return {
      [&s](const series_ask& ask) { return handed(series_of(s.with, ask)); },
      [&s](const replay_ask& ask) { return handed(replay_of(s.with, ask)); },
      [&s](const messages::completeness_query& q) { return handed(completeness_of(s.with, q)); },
      [&s](const messages::retention_order& o) { return handed(order_retention(s.with, o)); },
  };
}

} // namespace

caf::actor spawn_historian(caf::actor_system& system, historian_surroundings with) {
  return system.spawn<caf::detached>(historian, std::move(with));
}

} // namespace pollux::actors
