// SPDX-License-Identifier: Apache-2.0
// `journal repair`: of a folder that no node uses, with a backup's help if there is one
// (docs/operations.md).
#pragma once
#include "persistence/repair.hpp"
#include <string>
#include <vector>

namespace pollux::supervision {

/// `backup` may be empty; else it is a backup or a folder of backups (the newest). It is not
/// touched: LevelDB writes whatever it opens, so it is opened as links beside `data`.
/// Errors: not_found, locked (a node runs), io, no_space.
[[nodiscard]] result<std::vector<persistence::repair_note>>
repair(const std::string& data, const std::string& backup, bool dry_run);

} // namespace pollux::supervision
