// SPDX-License-Identifier: Apache-2.0
// What a model may say and hardly means: rules that cannot fire, windows that nobody looks at.
#pragma once
#include "domain/model/model_check.hpp"

namespace pollux::domain {

/// `root` is what `m` was compiled from; the places are its nodes'.
[[nodiscard]] std::vector<model_finding> warnings_of(const model& m, const config_node& root);

} // namespace pollux::domain
