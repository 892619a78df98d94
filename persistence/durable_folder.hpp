// SPDX-License-Identifier: Apache-2.0
// Folders whose names survive a power cut. Syncing a file keeps what is in it, and syncing its
// folder keeps its name there; but a new folder's own name is an entry of the folder above it.
#pragma once
#include "domain/base/result.hpp"
#include <string>

namespace pollux::persistence {

/// Makes the folder and those above it that are missing, and syncs the entry of each that was made;
/// of a folder that is there already, the entry is synced, too: whoever made it may have crashed
/// before. Where the folder above may not be read or cannot be synced, that is left to the system.
/// Cost: one fsync. Errors: io, no_space.
[[nodiscard]] status make_folder(const std::string& folder);

} // namespace pollux::persistence
