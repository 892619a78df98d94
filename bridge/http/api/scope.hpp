// SPDX-License-Identifier: Apache-2.0
// Which twins a search may look at: those that are asked for, in the namespaces that may be read.
#pragma once
#include "bridge/http/access/identity.hpp"
#include <string>
#include <vector>

namespace pollux::bridge::http {

/// Globs over ids; empty: all twins. As not every pair of globs has a common one, these may hold
/// more than `glob`, never a namespace that `who` may not read: hold rows against both once more.
[[nodiscard]] std::vector<std::string> search_scope(const identity& who, const std::string& glob);

} // namespace pollux::bridge::http
