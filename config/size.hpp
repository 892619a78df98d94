// SPDX-License-Identifier: Apache-2.0
// Sizes as people write them: "64MiB", "512 KiB", "1GB", plain bytes.
#pragma once
#include "domain/base/result.hpp"
#include <cstdint>
#include <string>
#include <string_view>

namespace pollux::config {

/// Bytes of "64MiB" (1024-based: KiB MiB GiB TiB), "64MB" (1000-based: kB MB GB TB), "4096",
/// "4096B". Whole numbers only. Errors: invalid_argument.
[[nodiscard]] result<std::uint64_t> parse_size(std::string_view text);

/// The shortest exact form that parse_size reads back: 67108864 -> "64MiB".
[[nodiscard]] std::string format_size(std::uint64_t bytes);

} // namespace pollux::config
