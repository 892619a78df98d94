// SPDX-License-Identifier: Apache-2.0
// Rows for training: what a twin would have told a model that asked at each of some moments, and
// nothing that came later. The same numbers as in the twin's document, from the same state, so that
// a model is trained on what it is served.
#pragma once
#include "persistence/replay.hpp"
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace pollux::persistence {

struct feature {
  std::string name; ///< "<telemetry>", "<telemetry>.age_s", "<operator>.<output>"
  std::optional<double> value;
};

/// The features of a twin at a moment: each declared telemetry's newest number and its age in
/// seconds (by event time, at `now_ns`), and each operator's outputs, in the model's order.
[[nodiscard]] std::vector<feature> features_of(const domain::twin_description& twin,
                                               std::int64_t now_ns);

/// Visits the twin as it was at each of `times_ns` (rising; by `clock`), in one pass over its
/// history. Before its creation the model's name is empty. Errors: those of replay.
[[nodiscard]] status
each_moment(const log& tail, const store& tables, const domain::model_source& models,
            const verify_target& twin, replay_clock clock,
            const std::vector<std::int64_t>& times_ns,
            const std::function<void(std::int64_t, const domain::twin_description&)>& visit);

} // namespace pollux::persistence
