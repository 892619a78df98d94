// SPDX-License-Identifier: Apache-2.0
// Twin ids: `namespace:name`, each part 1 to 128 of [A-Za-z0-9_.-]. The namespace is the tenant.
#pragma once
#include "domain/base/result.hpp"
#include <string>
#include <string_view>

namespace pollux {

inline constexpr std::size_t max_id_part = 128;

struct twin_id_parts {
  std::string_view name_space;
  std::string_view name;
};

/// Splits and checks an id. Errors: invalid_argument, naming the offending character and its place.
[[nodiscard]] result<twin_id_parts> parse_twin_id(std::string_view id);

/// True when `part` may be a namespace or a name. Cost: one pass, no allocation.
[[nodiscard]] bool is_id_part(std::string_view part) noexcept;

} // namespace pollux
