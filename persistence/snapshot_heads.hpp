// SPDX-License-Identifier: Apache-2.0
// The head of a twin's newest snapshot, made anew from the snapshots there are.
#pragma once
#include "persistence/store_rows.hpp"
#include <optional>

namespace pollux::persistence {

/// Nothing when no snapshot can be read; `damage` (may be null) is told of those. What was an
/// anchor is not written down: the last but one is taken for it, so that nothing is thinned out too
/// early.
[[nodiscard]] std::optional<head_row> head_from_snapshots(const store& tables, std::uint32_t shard,
                                                          std::uint32_t row, status* damage);

} // namespace pollux::persistence
