// SPDX-License-Identifier: Apache-2.0
// What this binary is made of, for `pollux --version` and bug reports.
#pragma once
#include <string>

namespace pollux::cli {

/// Several lines: release, compiler, libraries as linked, formats it writes.
[[nodiscard]] std::string version_text();

} // namespace pollux::cli
