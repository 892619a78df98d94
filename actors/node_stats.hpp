// SPDX-License-Identifier: Apache-2.0
// What `pollux stats` and /api/v1/stats show.
#pragma once
#include "actors/node.hpp"

namespace pollux::actors {

[[nodiscard]] messages::stats_answer stats_of(const node_surroundings& with);

} // namespace pollux::actors
