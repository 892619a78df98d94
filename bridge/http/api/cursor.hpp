// SPDX-License-Identifier: Apache-2.0
// Cursors of paged lists: opaque to those who get them, and refused when they were altered or
// belong to another question.
#pragma once
#include "domain/base/result.hpp"
#include <string>
#include <string_view>

namespace pollux::bridge::http {

/// Where to go on in the list that `of` names (route and filters), as base64url without padding.
[[nodiscard]] std::string seal_cursor(std::string_view of, std::string_view place);
/// The place again. Errors: invalid_argument for what seal_cursor() did not make of this `of`.
[[nodiscard]] result<std::string> open_cursor(std::string_view of, std::string_view cursor);

} // namespace pollux::bridge::http
