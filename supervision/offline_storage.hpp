// SPDX-License-Identifier: Apache-2.0
// The data folder of a node that is not running, opened for work without one. Takes the folder's
// lock, so a running node refuses it.
#pragma once
#include "actors/models.hpp"
#include "domain/base/result.hpp"
#include "persistence/history.hpp"
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace pollux::supervision {

struct offline_storage {
  std::unique_ptr<persistence::log> journal;
  std::unique_ptr<persistence::store> tables;
  actors::model_catalog models; ///< every version that was ever stored
  /// Twins whose id matches, deleted ones and earlier incarnations included.
  std::vector<persistence::verify_target> twins;
  std::set<std::pair<std::uint32_t, std::uint32_t>> deleted; ///< shard and row

  /// Ids of twins that are not deleted and match, in byte order.
  [[nodiscard]] std::vector<std::string> living_ids(const std::string& glob) const;
  /// The living twin of this id. Errors: not_found.
  [[nodiscard]] result<persistence::verify_target> living(const std::string& id) const;
};

/// `glob`: the twins to find; empty: none, and the registry may have holes.
/// Errors: not_found (no journal there), locked (a node runs), corrupt, version_mismatch, io.
[[nodiscard]] result<std::unique_ptr<offline_storage>> open_offline(const std::string& data,
                                                                    const std::string& glob);

} // namespace pollux::supervision
