// SPDX-License-Identifier: Apache-2.0
// What windows held when a rule gave its verdict, for evidence.
#pragma once
#include "domain/alert/operands.hpp"
#include "domain/window/window_operator.hpp"

namespace pollux::domain {

[[nodiscard]] window_digest digest_of(std::string name, const window_statistics& s);

/// A digest of each window that the names of an expression refer to, in their order. Cost: one look
/// into each window.
void add_window_digests(evidence& proof, const std::vector<named_operand>& used,
                        const twin_state::body& twin);

} // namespace pollux::domain
