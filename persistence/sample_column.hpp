// SPDX-License-Identifier: Apache-2.0
// The samples of a column's arrays, one after another. Converters give whole numbers: samples that
// are 16-bit, or 32-bit floats that are decimals, become a column of numbers; other floats are
// kept byte by byte of equal significance, which compresses better.
#pragma once
#include "domain/twin/value.hpp"
#include "persistence/varint.hpp"
#include <cstdint>
#include <string>
#include <string_view>

namespace pollux::persistence {

/// More than this in one column is kept as it is; bounds what a lying block costs.
inline constexpr std::uint64_t most_sample_bytes = 64u << 20;

void encode_sample_bytes(domain::value_kind kind, std::string_view bytes, std::string& out);
/// Replaces `out` by `size` bytes. False after damage.
[[nodiscard]] bool decode_sample_bytes(block_cursor& in, domain::value_kind kind,
                                       std::uint64_t size, std::string& out);

} // namespace pollux::persistence
