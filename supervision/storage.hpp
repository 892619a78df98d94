// SPDX-License-Identifier: Apache-2.0
// What a node keeps on disk, opened for its process; and the directory of twins read from it.
#pragma once
#include "actors/intake.hpp"
#include "config/config.hpp"
#include "persistence/cold_file.hpp"
#include <memory>

namespace pollux::supervision {

struct storage {
  std::unique_ptr<persistence::log> journal;
  std::unique_ptr<persistence::store> tables;
  std::shared_ptr<persistence::cold_folder> files; ///< cold history
};

/// Makes what is missing. Errors: locked, version_mismatch, conflict, corrupt, io.
[[nodiscard]] result<storage> open_storage(const config::settings& settings);

/// Tells the inlet which twins there are, and writes what the registry lost with the power
/// (persistence/whole_registry.hpp). Errors: corrupt, io.
[[nodiscard]] status load_directory(const persistence::log& journal, persistence::store& tables,
                                    actors::intake& inlet);

} // namespace pollux::supervision
