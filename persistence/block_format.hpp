// SPDX-License-Identifier: Apache-2.0
// The fixed head of a block: version, checksum, chain, and what a search needs; and the codec its
// body goes through (docs/journal_format.md, "Blocks").
#pragma once
#include "persistence/history.hpp"
#include "persistence/input_columns.hpp"
#include <string>

namespace pollux::persistence {

inline constexpr std::uint8_t block_version = 2;
inline constexpr std::size_t block_header_bytes = 142, block_header_bytes_v1 = 65;

/// Appends the head to an empty string, with room for the checksum.
void put_header(const block_header& h, std::string& out);
/// Writes the CRC32C of everything behind it, once the block is whole.
void set_checksum(std::string& block);
/// False when a byte of the block has changed.
[[nodiscard]] bool checksum_holds(std::string_view block);

/// Appends `body` to `out` and says how: compressed when level > 0 and it becomes smaller.
[[nodiscard]] block_codec put_body(std::string_view body, int level, std::string& out);
/// The body of a block whose head is `h`: in the block itself, or unpacked into `buffer`.
/// Errors: corrupt.
[[nodiscard]] result<std::string_view> open_body(const block_header& h, std::string_view block,
                                                 std::string& buffer);

/// The inputs of a block as columns, which point into `block` and `buffer`; what was in `out` goes.
/// Errors: corrupt, version_mismatch.
[[nodiscard]] status decode_block_columns(std::string_view block, std::string& buffer,
                                          input_columns& out);
/// The same of a block or of a cold frame.
[[nodiscard]] status decode_any_columns(std::string_view bytes, std::string& buffer,
                                        input_columns& out);

} // namespace pollux::persistence
