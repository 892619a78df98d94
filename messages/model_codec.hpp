// SPDX-License-Identifier: Apache-2.0
// Model files: JSON text to config tree to compiled model, with every error at its line and column,
// and the canonical text whose hash names a model version (decision 23).
#pragma once
#include "domain/base/result.hpp"
#include "domain/model/config_node.hpp"
#include "domain/model/model.hpp"
#include <memory>
#include <string>
#include <string_view>

namespace pollux::messages {

inline constexpr std::size_t max_model_bytes = 1'000'000;
inline constexpr unsigned max_model_depth = 64;

/// Reads JSON whose root is an object or an array. Errors: invalid_argument
/// "file_name:line:column: ..." for what is not JSON, a key that stands twice in one object, more
/// than 64 levels, more than 1 MB. Untrusted bytes are safe. Cost: one pass, one node a value.
[[nodiscard]] result<domain::config_node> parse_config_tree(std::string_view json,
                                                            std::string_view file_name);

/// The one text of a tree: keys sorted by bytes, no white space, numbers as short as they read
/// back.
[[nodiscard]] std::string canonical_json(const domain::config_node& node);

/// The text to store of a model file: `json` itself, or, where it names time zones, the canonical
/// text with their rules instead, so that what is stored means the same on every machine.
[[nodiscard]] std::string self_contained(std::string_view json);

/// `tree` as it is compiled: with the rules of time zones where it names them.
[[nodiscard]] domain::config_node resolved(domain::config_node tree);

/// Reads and compiles a model file (names of time zones stand for this machine's rules of them) and
/// gives it its version: the hash of its canonical text and of the revisions of the operators it
/// uses. Errors: as parse_config_tree, and what compile() finds.
[[nodiscard]] result<std::shared_ptr<const domain::model>> parse_model(std::string_view json,
                                                                       std::string_view file_name);

} // namespace pollux::messages
