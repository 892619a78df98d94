// SPDX-License-Identifier: Apache-2.0
// A patch of {"properties": {...}, "parent": ...}, taken apart into what the node can do: a patch
// of the properties, and another parent.
#pragma once
#include "bridge/http/api/reply.hpp"
#include <optional>
#include <string>
#include <vector>

namespace pollux::bridge::http {

struct twin_change {
  std::string how;   ///< of the properties, as twin_patch says: merge, json, replace; empty: none
  std::string patch; ///< JSON
  std::optional<std::string> parent;  ///< the new one; empty: none
  std::vector<std::string> parent_is; ///< what `test` says the parent must be before
  std::vector<complaint> errors;      ///< when there are any, nothing else counts
};

inline constexpr std::size_t most_operations = 256; ///< of one JSON patch

/// RFC 7396. null deletes: for the whole of "properties" all of them.
[[nodiscard]] twin_change read_merge_patch(const json& patch);
/// RFC 6902, on paths in /properties and on /parent.
[[nodiscard]] twin_change read_json_patch(const json& patch);

} // namespace pollux::bridge::http
