// SPDX-License-Identifier: Apache-2.0
// Work on a data folder whose node is not running: verify and count. Takes the folder's lock, so a
// running node refuses it.
#pragma once
#include "domain/base/result.hpp"
#include "persistence/history.hpp"
#include <cstdint>
#include <functional>
#include <string>

namespace pollux::supervision {

/// `journal verify` without a node: every twin whose id matches `glob`. `progress` (may be empty)
/// is told twins done and in all. Errors: locked (a node runs), not_found (no journal there), as
/// opening the journal.
[[nodiscard]] result<persistence::verify_report>
verify_offline(const std::string& data, const std::string& glob,
               const std::function<void(std::uint64_t, std::uint64_t)>& progress);

/// The number of readings on disk, in blocks and the log's tail. Errors: as verify_offline.
[[nodiscard]] result<std::uint64_t> count_readings_offline(const std::string& data);

} // namespace pollux::supervision
