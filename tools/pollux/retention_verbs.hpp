// SPDX-License-Identifier: Apache-2.0
// Keeping, holding and erasing history (docs/history.md, "Tiers").
#pragma once
#include "tools/pollux/cli.hpp"

namespace pollux::cli {

void add_retention_twin_verbs(CLI::App& twin, context& ctx); ///< twin hold|release|erase|erased
void add_retention_journal_verbs(CLI::App& journal, context& ctx); ///< journal tiers|move

} // namespace pollux::cli
