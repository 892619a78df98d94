// SPDX-License-Identifier: Apache-2.0
// A line in the audit log for what a verb does to a node's files itself, without asking the node.
#pragma once
#include "domain/base/result.hpp"
#include <string>

namespace pollux::cli {

/// `method`: token_create, journal_repair, ...; `body`: JSON or empty.
void note_deed(const std::string& data, const std::string& method, const std::string& target,
               const std::string& body, const status& outcome);

} // namespace pollux::cli
