// SPDX-License-Identifier: Apache-2.0
// Keys of the store's meta table about models, each with a model's name behind it; and which
// version ruled at an earlier time.
#pragma once
#include "actors/models.hpp"
#include "persistence/store.hpp"
#include <cstdint>
#include <string>

namespace pollux::supervision {

inline std::string ruling_key(const std::string& name) { return "ruling-model:" + name; }
inline std::string exceptions_key(const std::string& name) { return "model-exceptions:" + name; }
inline std::string waiting_key(const std::string& name) { return "announcing-model:" + name; }
inline std::string file_key(const std::string& name) { return "file-model:" + name; }
inline std::string history_key(const std::string& name) { return "model-history:" + name; }

/// Has the version of `name` rule in `catalog` that rules by the store, and the exceptions for some
/// twins, oldest first; the catalogue must know all stored versions (add_stored). Gives the hash
/// that stands in the store, empty when no known version rules. Errors: io, corrupt.
[[nodiscard]] result<std::string> let_stored_rule(const persistence::store& tables,
                                                  actors::model_catalog& catalog,
                                                  const std::string& name);

/// Has the versions rule that ruled at `to_ns` (our clock), as far as the remembered changes go
/// back; those made later are forgotten, their texts stay. For a store that nobody else uses.
[[nodiscard]] status rule_as_of(persistence::store& tables, std::int64_t to_ns);

} // namespace pollux::supervision
