// SPDX-License-Identifier: Apache-2.0
// Model files into the catalog: every version a journal record may refer to is in the store before.
#pragma once
#include "actors/models.hpp"
#include "domain/base/result.hpp"
#include "persistence/store.hpp"
#include <string>
#include <vector>

namespace pollux::supervision {

struct model_change {
  std::string name, hash;
};

/// Fills `catalog` with the stored versions and then with the *.json of `folder` (except
/// *.schema.json), which rule from now on. New texts are stored, synced. Gives the names whose
/// ruling version is not the one that `tables` last noted; say `note_model_changes` once they are
/// journaled. Errors: invalid_argument "file:line:column: ...", not_found (no folder, no model in
/// it), io.
[[nodiscard]] result<std::vector<model_change>>
load_models(const std::string& folder, persistence::store& tables, actors::model_catalog& catalog);
status note_model_changes(persistence::store& tables, const std::vector<model_change>& changes);

} // namespace pollux::supervision
