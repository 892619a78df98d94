// SPDX-License-Identifier: Apache-2.0
// What is wrong with a model file, all of it at once, and what is allowed but hardly meant. For
// people at `pollux model check`; a node only asks compile().
#pragma once
#include "domain/model/config_node.hpp"
#include "domain/model/model.hpp"
#include <cstdint>
#include <string>
#include <vector>

namespace pollux::domain {

struct model_finding {
  bool error = false; ///< else a warning
  std::uint32_t line = 0, column = 0;
  std::string what;
};

/// Errors in the order of their places: the first of every telemetry, command and operator (an
/// error that only follows from another one is left out). When there are none: warnings.
/// Cost: one compile() for each error, at most 100.
[[nodiscard]] std::vector<model_finding> check_model(const config_node& root);

} // namespace pollux::domain
