// SPDX-License-Identifier: Apache-2.0
// TOML allows other than ASCII characters in texts and comments only. toml++ 3.3.0 runs into
// undefined behaviour on some of them elsewhere (its test for white space beyond ASCII has a gap),
// so they are looked for first.
#pragma once
#include <cstddef>
#include <string_view>

namespace pollux::config {

/// The place of the first byte above 127 outside texts and comments, or right after a backslash of
/// a multi-line text; npos when there is none. A byte order mark at the start is allowed.
/// Cost: one pass.
[[nodiscard]] std::size_t find_foreign_byte(std::string_view toml) noexcept;

} // namespace pollux::config
