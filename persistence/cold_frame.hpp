// SPDX-License-Identifier: Apache-2.0
// A frame: up to 16,384 inputs of one twin in a cold file. A line of JSON that says what is inside,
// then plain columns in one zlib stream, then a CRC32; a short script reads it without Pollux
// (docs/journal_format.md, "Cold files"; docs/examples/read_cold.py).
#pragma once
#include "persistence/history.hpp"
#include "persistence/input_columns.hpp"
#include <string>
#include <string_view>

namespace pollux::persistence {

inline constexpr std::size_t max_inputs_per_frame = 16'384;

class cold_frame_builder {
public:
  /// Ids must rise.
  void add(const domain::input& in) { columns_.add(in); }
  /// The same of inputs `from` to `to` of decoded columns. Errors: corrupt.
  [[nodiscard]] status append(const input_columns& decoded, std::size_t from, std::size_t to) {
    return columns_.append(decoded, from, to);
  }
  [[nodiscard]] bool empty() const noexcept { return columns_.positions.empty(); }
  [[nodiscard]] std::size_t inputs() const noexcept { return columns_.positions.size(); }
  /// True when the frame has had enough: inputs, values or bytes (samples).
  [[nodiscard]] bool full() const noexcept;
  /// The frame of the twin with this journal key, with the chain values before and after its
  /// inputs; the builder is empty again. Errors: internal (zlib).
  [[nodiscard]] result<std::string> finish(std::string_view key, const chain_value& before,
                                           const chain_value& after);

private:
  input_columns columns_;
};

/// What stands in a frame's first line. Errors: corrupt, version_mismatch.
struct cold_frame_head {
  std::string key; ///< the twin's
  block_info info; ///< without file and offset
};
[[nodiscard]] result<cold_frame_head> read_cold_frame_head(std::string_view frame);
/// Visits the inputs in order, bit for bit as they were. Errors: corrupt, version_mismatch.
[[nodiscard]] status decode_cold_frame(std::string_view frame,
                                       const std::function<void(const domain::input&)>& visit);
/// The same as columns, which point into `frame` and `buffer`; what was in `out` goes.
[[nodiscard]] status decode_cold_columns(std::string_view frame, std::string& buffer,
                                         input_columns& out);
/// True for bytes that begin as a frame does, and no block.
[[nodiscard]] constexpr bool is_cold_frame(std::string_view bytes) noexcept {
  return !bytes.empty() && bytes.front() == '{';
}

} // namespace pollux::persistence
