// SPDX-License-Identifier: Apache-2.0
// Who may come in over HTTP, and what they changed (docs/access.md).
#pragma once
#include "tools/pollux/cli.hpp"

namespace pollux::cli {

void add_audit_verb(CLI::App& app, context& ctx); ///< audit

} // namespace pollux::cli
