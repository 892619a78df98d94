// SPDX-License-Identifier: Apache-2.0
// Recorded files: lines of a .csv or .csv.gz, their cells, and the times written in them.
#pragma once
#include "domain/base/result.hpp"
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::tools {

/// Reads a file line by line, gunzipping when the content is gzip (whatever its name). Bounded: a
/// line above 1 MB ends the reading with an error.
class line_reader {
public:
  /// Errors: not_found or io, naming the file.
  static result<line_reader> open(const std::string& path);
  line_reader(line_reader&&) noexcept;
  ~line_reader();

  /// The next line without its end (\n or \r\n) in `line`; false at the end of the file or after an
  /// error, see error(). A UTF-8 byte order mark is passed over.
  bool next(std::string& line);
  [[nodiscard]] std::uint64_t line_number() const noexcept; ///< of the line last given, from 1
  [[nodiscard]] const status& error() const noexcept;       ///< damaged gzip, too long a line
  /// Bytes of the file read so far (compressed ones), for a progress bar.
  [[nodiscard]] std::uint64_t offset() const;

private:
  struct state;
  explicit line_reader(std::unique_ptr<state> s);
  std::unique_ptr<state> state_;
};

/// Splits a line at `separator`. Cells in double quotes may hold it; "" inside quotes is one quote.
/// Blanks around unquoted cells are dropped. A quote that is never closed reaches to the line's
/// end.
void split_csv(std::string_view line, char separator, std::vector<std::string>& cells);

/// The separator that a header line seems to use: ; or , or tab, whichever is most frequent.
[[nodiscard]] char guess_separator(std::string_view header);

enum class csv_time : std::uint8_t {
  automatic,
  rfc3339,
  seconds,
  milliseconds,
  microseconds,
  nanoseconds
};

/// Reads a time. `automatic`: RFC 3339; "YYYY-MM-DD HH:MM:SS[.fraction]" as UTC; else a number
/// since 1970, in s below 1e11, ms below 1e14, us below 1e17, else ns. `rfc3339` takes both written
/// forms. Errors: invalid_argument.
[[nodiscard]] result<std::int64_t> parse_csv_time(std::string_view text, csv_time format);

} // namespace pollux::tools
