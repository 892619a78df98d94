// SPDX-License-Identifier: Apache-2.0
// The JSON form of a pattern: "stages": [{"name": "a", "where": "vibration > 4", "times": 3,
// "then": "next"}, ...]. Keys of a stage: docs/patterns.md.
#pragma once
#include "domain/pattern/pattern_conditions.hpp"
#include "domain/pattern/pattern_tree.hpp"

namespace pollux::domain {

/// Reads the array `stages` into `tree` (its stages and sequence). Errors go to `in` with line and
/// column of the stage.
void read_pattern_stages(object_reader& in, const config_node& stages, model_scope& scope,
                         pattern_conditions& conditions, pattern_tree& tree);

/// A node that stands at `at`, for object_reader::fail.
[[nodiscard]] config_node node_at(source_place at);

} // namespace pollux::domain
