// SPDX-License-Identifier: Apache-2.0
// A column of whole numbers, packed: as they are, as differences or as differences of differences,
// whichever is smallest, each chunk of 128 in as many bits as its spread needs. A steady series
// (a clock, a running number, a constant) takes a few bytes whatever its length.
#pragma once
#include "persistence/varint.hpp"
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace pollux::persistence {

/// Appends the column. Lossless for every sequence of 64-bit numbers. Cost: about 5 ns a number.
void encode_ints(std::span<const std::int64_t> values, std::string& out);

/// Replaces `out` by `count` numbers. False after damage (then `in` has failed).
[[nodiscard]] bool decode_ints(block_cursor& in, std::size_t count, std::vector<std::int64_t>& out);

/// The same for times: a common unit of s, ms or us is taken out first.
void encode_times(std::span<const std::int64_t> times_ns, std::string& out);
[[nodiscard]] bool decode_times(block_cursor& in, std::size_t count,
                                std::vector<std::int64_t>& out);

} // namespace pollux::persistence
