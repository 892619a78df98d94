// SPDX-License-Identifier: Apache-2.0
// journal stats and journal repair; the heads that journal verify prints and compares.
#pragma once
#include "tools/pollux/client_session.hpp"

namespace pollux::cli {

void add_journal_repair_verbs(CLI::App& journal, context& ctx);

/// Prints the chain heads of all twins, or compares them with those in the file `expect`, where one
/// is named. Exit code 1: a history is not what it was.
int heads(const std::string& data, const node_options& options, bool offline,
          const std::string& expect, const context& ctx);

} // namespace pollux::cli
