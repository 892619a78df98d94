// SPDX-License-Identifier: Apache-2.0
// Readings outside a journal: the three formats of `pollux export readings`, which `pollux import
// readings` takes back without loss (docs/history.md).
#pragma once
#include "domain/base/result.hpp"
#include "domain/twin/description.hpp"
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace pollux::messages {

/// A block of samples: little-endian float32, or int16.
struct sample_block {
  bool f32 = true;
  std::string bytes;
};
/// What a file holds for a value; nothing where there is none.
using file_value =
    std::variant<std::monostate, double, std::int64_t, bool, std::string, sample_block>;

/// Everything a twin measured at one instant.
struct dated_reading {
  std::string twin;
  std::int64_t event_time_ns = 0;
  std::vector<std::pair<std::string, file_value>> values;
};

enum class readings_format : std::uint8_t {
  csv,     ///< twin,event_time,name,value: a row for each value; samples as samples_f32:<base64>
  jsonl,   ///< {"twin":..,"event_time":..,"values":{..}} a line
  protobuf ///< ExportedReadings, each behind its length as a varint
};

/// What stands at the head of a file.
[[nodiscard]] std::string file_head(readings_format format);
/// Readings of one twin as they stand in a file.
void append_readings(readings_format format, const std::vector<dated_reading>& of_one_twin,
                     std::string& out);
/// The same as pollux.telemetry.Batch, at most 1000 of them.
[[nodiscard]] std::string encode_batch(const dated_reading* first, std::size_t count);

/// Reads what append_readings writes, piece by piece. Errors name what is wrong, not the place:
/// that is the caller's.
[[nodiscard]] result<dated_reading> parse_json_reading(std::string_view line);
struct csv_cell {
  std::string text;
  bool quoted = false;
};
/// Splits a row as RFC 4180 says. False: a quote is still open, the row goes on in the next line.
[[nodiscard]] bool split_row(std::string_view row, char separator, std::vector<csv_cell>& cells);
/// A value as it stands in a CSV cell: a number, true, false, samples, or else a text. Quoted: a
/// text. Nothing, or null: no value.
[[nodiscard]] file_value parse_cell(const csv_cell& cell);
/// {"samples_f32": "<base64>"} or {"samples_i16": ...}; nothing else is.
[[nodiscard]] std::optional<sample_block> parse_samples(const nlohmann::ordered_json& value);
/// One ExportedReadings.
[[nodiscard]] result<std::vector<dated_reading>> parse_exported(std::string_view bytes);

} // namespace pollux::messages
