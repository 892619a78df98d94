// SPDX-License-Identifier: Apache-2.0
// A history of one telemetry that is blocks of samples: their bytes, as JSON.
#pragma once
#include "messages/node_api.hpp"
#include "persistence/history.hpp"

namespace pollux::actors {

/// Where one telemetry was asked for, rows of `page` without a value become
/// {"samples_f32": "<base64>"} or {"samples_i16": ...}. The page ends earlier, and is not complete,
/// when they are more than about 4 MB; it always has a whole instant. Errors: as samples_between.
[[nodiscard]] status add_samples(const persistence::log& tail, const persistence::store& blocks,
                                 const persistence::verify_target& twin,
                                 const messages::history_query& asked,
                                 messages::history_page& page);

} // namespace pollux::actors
