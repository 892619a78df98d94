// SPDX-License-Identifier: Apache-2.0
// Printing a twin, as it is or as it was.
#pragma once
#include "tools/pollux/output.hpp"

namespace pollux::cli {

/// A twin's document as `twin get` shows it, in the format asked for.
void print_twin_document(const json& document, const context& ctx);

} // namespace pollux::cli
