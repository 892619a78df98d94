// SPDX-License-Identifier: Apache-2.0
// Keys of the store's meta table about models, each with a model's name behind it; and which
// version ruled at an earlier time.
#pragma once
#include "persistence/store.hpp"
#include <cstdint>
#include <string>

namespace pollux::supervision {

inline std::string ruling_key(const std::string& name) { return "ruling-model:" + name; }
inline std::string exceptions_key(const std::string& name) { return "model-exceptions:" + name; }
inline std::string waiting_key(const std::string& name) { return "announcing-model:" + name; }
inline std::string file_key(const std::string& name) { return "file-model:" + name; }
inline std::string history_key(const std::string& name) { return "model-history:" + name; }

/// Has the versions rule that ruled at `to_ns` (our clock), as far as the remembered changes go
/// back; those made later are forgotten, their texts stay. For a store that nobody else uses.
[[nodiscard]] status rule_as_of(persistence::store& tables, std::int64_t to_ns);

} // namespace pollux::supervision
