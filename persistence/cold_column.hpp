// SPDX-License-Identifier: Apache-2.0
// A column of whole numbers as cold files keep it, so plain that a short script reads it
// (docs/journal_format.md, "Cold files"): differences, a common factor taken out, as few bytes each
// as the widest needs, first all lowest bytes, then all next ones. And the zlib stream around all
// columns.
#pragma once
#include "domain/base/result.hpp"
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::persistence {

/// What the head of a frame says of a column.
struct cold_column {
  std::uint64_t count = 0;
  std::vector<std::int64_t> firsts; ///< the first value, then the first difference: 0 to 2 of them
  std::int64_t factor = 1;
  unsigned width = 0; ///< bytes of a number: 0 (all are zero) to 8
  [[nodiscard]] std::uint64_t bytes() const noexcept { return (count - firsts.size()) * width; }
};

/// Appends the bytes of the column. Lossless for every sequence of 64-bit numbers.
[[nodiscard]] cold_column put_cold_column(std::span<const std::int64_t> values, std::string& out);
/// Takes the column off the front of `in`. False when `in` is too short or the column senseless.
[[nodiscard]] bool take_cold_column(const cold_column& column, std::string_view& in,
                                    std::vector<std::int64_t>& out);

/// Digits behind the point by which every double (given as bits) is exactly a whole number divided
/// by a power of ten; fills `scaled`. Nothing when there are none such up to 12.
[[nodiscard]] std::optional<unsigned> as_decimals(std::span<const std::int64_t> bits,
                                                  std::vector<std::int64_t>& scaled);
/// The other way round, in place. `digits` is at most 12.
void from_decimals(unsigned digits, std::vector<std::int64_t>& scaled);

/// One zlib stream; `raw` is at most 4 GiB. `texts`: there are texts or samples in it, in which
/// whole words repeat. Errors of unpacking: corrupt (also when it does not
/// hold `size` bytes).
[[nodiscard]] result<std::string> pack_columns(std::string_view raw, bool texts);
[[nodiscard]] result<std::string> unpack_columns(std::string_view packed, std::uint64_t size);
/// The CRC32 of zip and PNG, which every scripting language brings.
[[nodiscard]] std::uint32_t crc32_ieee(std::string_view bytes) noexcept;

} // namespace pollux::persistence
