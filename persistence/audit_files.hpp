// SPDX-License-Identifier: Apache-2.0
// The audit log's files, <data>/audit/*.jsonl, as an erasure sees them: a twin's id goes from the
// lines, the lines stay. Who writes them (bridge/audit) holds a shared lock on the file for each
// line, so that none falls between reading a file and replacing it.
#pragma once
#include "persistence/id_search.hpp"
#include <cstdint>
#include <string>

namespace pollux::persistence {

/// Puts `instead` in the place of the id wherever it stands; gives how many lines had it. Files
/// without it are not touched. A crash leaves each file as it was or as it is to be.
/// Errors: io, no_space.
[[nodiscard]] result<std::uint64_t>
forget_in_audit(const std::string& folder, const id_pattern& wanted, const std::string& instead);

} // namespace pollux::persistence
