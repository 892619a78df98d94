// SPDX-License-Identifier: Apache-2.0
// Which rule of retention each twin of a shard is under: that of the model version that rules for
// it now.
#pragma once
#include "actors/models.hpp"
#include "persistence/tiering.hpp"

namespace pollux::actors {

/// For tiering. A twin whose model is not known is left alone. Errors: io.
[[nodiscard]] result<persistence::shard_rules> retention_rules_of(const persistence::store& tables,
                                                                  const model_catalog& models,
                                                                  std::uint32_t shard);

/// The tiers and holds as the answer to `journal tiers` (docs/history.md). Errors: io.
[[nodiscard]] result<std::string> tiers_document(const persistence::store& tables,
                                                 std::uint32_t shards);

} // namespace pollux::actors
