// SPDX-License-Identifier: Apache-2.0
// The values of one name and one type in a block. Bit for bit: -0.0, denormals and values that
// are no decimals come back as they were; numbers as people write them are kept as scaled integers.
#pragma once
#include "domain/twin/value.hpp"
#include "persistence/varint.hpp"
#include <cstdint>
#include <string>
#include <vector>

namespace pollux::persistence {

/// Collects values for encoding, and holds decoded ones. Of f64, i64 and boolean the 64 bits; of
/// text and samples the bytes.
struct value_column {
  domain::value_kind kind = domain::value_kind::none;
  std::vector<std::int64_t> numbers;
  std::vector<std::string_view> texts; ///< decoded: points into the block or into `heap`
  std::string heap;                    ///< bytes one after another; collected: sizes in `numbers`

  void add(const domain::value_view& v);
  /// Adds values `first` on of a decoded column of the same kind. Gives their bytes of text and
  /// samples.
  std::size_t append(const value_column& decoded, std::size_t first, std::size_t count);
  [[nodiscard]] domain::value_view at(std::size_t index) const;
  void clear();
};

void encode_column(const value_column& column, std::string& out);
/// Fills the column (its kind is set) with `count` values, of a block of `version`. False after
/// damage.
[[nodiscard]] bool decode_column(block_cursor& in, std::size_t count, value_column& column,
                                 std::uint8_t version = 2);

} // namespace pollux::persistence
