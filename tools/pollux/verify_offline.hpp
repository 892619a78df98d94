// SPDX-License-Identifier: Apache-2.0
// The journal verbs without a running node: they open the data folder themselves.
#pragma once
#include "tools/pollux/cli.hpp"
#include <string>

namespace pollux::cli {

/// Replays the twins whose id matches `glob` from the journal in `data` and compares; prints the
/// report. Exit codes: 0 clean, 1 findings or damage, 3 no journal there, 5 a node holds it.
int verify_offline(const std::string& data, const std::string& glob, const context& ctx);

/// Prints the number of readings on disk, in blocks and the log's tail.
int count_offline(const std::string& data, const context& ctx);

} // namespace pollux::cli
