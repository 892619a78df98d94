// SPDX-License-Identifier: Apache-2.0
// Tiers of a data folder whose node is not running.
#pragma once
#include "domain/base/result.hpp"
#include <cstdint>
#include <functional>
#include <string>

namespace pollux::supervision {

/// `journal tiers` without a node: the document of actors::tiers_document. Errors: locked (a node
/// runs), not_found (no journal there), as opening the journal.
[[nodiscard]] result<std::string> tiers_offline(const std::string& data);

/// Moves everything that is due at `now_ns` and tells what was done, as JSON. `progress` (may be
/// empty) is told readings moved so far; false: stop there. Errors: as tiers_offline, no_space, io.
[[nodiscard]] result<std::string> move_offline(const std::string& data, std::int64_t now_ns,
                                               const std::function<bool(std::uint64_t)>& progress);

} // namespace pollux::supervision
