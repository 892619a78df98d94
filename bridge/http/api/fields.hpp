// SPDX-License-Identifier: Apache-2.0
// ?fields=id,telemetry/temperature/value: only these members of a document, in each element where
// there are arrays on the way.
#pragma once
#include "bridge/http/api/reply.hpp"
#include "domain/base/result.hpp"
#include <string>
#include <string_view>
#include <vector>

namespace pollux::bridge::http {

/// One path for each field; a '/' in a name is written ~1, a '~' ~0.
using field_paths = std::vector<std::vector<std::string>>;

inline constexpr std::size_t most_fields = 64, deepest_field = 8;

/// Errors: invalid_argument (empty names, more than most_fields, deeper than deepest_field).
[[nodiscard]] result<field_paths> parse_fields(std::string_view text);

/// The members that are there, in the document's own order. Those that are not are left out.
[[nodiscard]] json select_fields(const json& document, const field_paths& fields);

} // namespace pollux::bridge::http
