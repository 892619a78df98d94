// SPDX-License-Identifier: Apache-2.0
// docs/openapi.json, which the build puts into the program.
#pragma once
#include <string_view>

namespace pollux::bridge::http {

[[nodiscard]] std::string_view openapi_document() noexcept;

} // namespace pollux::bridge::http
