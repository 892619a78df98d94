// SPDX-License-Identifier: Apache-2.0
// What a patch makes of a twin's properties. Patches come from outside, so each operation is
// bounded: a few copies of a document into itself would fill any memory, and nlohmann's patch()
// ends the process over a path that goes on behind a number.
#pragma once
#include "domain/base/result.hpp"
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace pollux::actors {

inline constexpr std::size_t most_members = 1'000, deepest_property = 16;

/// `how`: merge (RFC 7396), json (RFC 6902), replace; `patch`: JSON text. The result is an object
/// with at most most_members members and elements, deepest_property levels and
/// domain::max_properties_bytes of text, and so was all in between. Errors: invalid_argument,
/// conflict (a test of the patch failed).
[[nodiscard]] result<nlohmann::json> patched(nlohmann::json properties, std::string_view how,
                                             const std::string& patch);

} // namespace pollux::actors
