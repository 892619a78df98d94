// SPDX-License-Identifier: Apache-2.0
// The fixed head of a block: version, checksum, and what a search needs (decision 13).
#pragma once
#include "persistence/history.hpp"
#include <string>

namespace pollux::persistence {

inline constexpr std::uint8_t block_version = 1;
inline constexpr std::size_t block_header_bytes = 65;

/// Appends the head to an empty string, with room for the checksum.
void put_header(const block_header& h, std::string& out);
/// Writes the CRC32C of everything behind it, once the block is whole.
void set_checksum(std::string& block);
/// False when a byte of the block has changed.
[[nodiscard]] bool checksum_holds(std::string_view block);

} // namespace pollux::persistence
