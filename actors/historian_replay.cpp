// SPDX-License-Identifier: Apache-2.0
#include "actors/historian.hpp"

namespace pollux::actors {

result<messages::replay_answer> replay_of(const historian_surroundings&, const replay_ask&) {
  return failure{errc::unavailable, "replay: not in this build"};
}

} // namespace pollux::actors
