// SPDX-License-Identifier: Apache-2.0
// One row of the log: a segment with what is needed to find damage (a checksum) and holes (the
// position of the shard's row before it), and to size the tail without decoding it.
#pragma once
#include "domain/base/result.hpp"
#include "domain/twin/input.hpp"
#include <cstdint>
#include <string>
#include <string_view>

namespace pollux::persistence {

inline constexpr std::uint8_t log_row_version = 1;
inline constexpr std::size_t log_row_head_bytes = 17;

struct log_row {
  domain::position previous; ///< of the same shard; 0 = none was ever written
  std::uint32_t readings = 0;
  std::string_view segment; ///< points into the row
};

/// Replaces `out`. Cost: one pass for the checksum, one copy.
void encode_log_row(const log_row& row, std::string& out);

/// Errors: corrupt (checksum, too short), version_mismatch.
[[nodiscard]] result<log_row> decode_log_row(std::string_view bytes);

/// The head only, unchecked: for sizes. Zeros when too short.
[[nodiscard]] log_row peek_log_row(std::string_view bytes);

} // namespace pollux::persistence
