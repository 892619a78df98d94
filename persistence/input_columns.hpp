// SPDX-License-Identifier: Apache-2.0
// The inputs of one twin as columns: what blocks and cold frames are written from and read into.
// Bit for bit: what is added is what is visited. A tier move takes whole columns over, without
// making inputs of them.
#pragma once
#include "domain/base/result.hpp"
#include "domain/twin/input.hpp"
#include "persistence/value_column.hpp"
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

namespace pollux::persistence {

struct input_columns {
  /// The names and types of a reading, in order; most twins have one or two of these.
  struct slot {
    std::uint32_t name = 0;
    domain::value_kind kind = domain::value_kind::none;
    std::uint32_t column = 0;
  };
  struct named_column {
    std::uint32_t name = 0;
    value_column content;
  };

  std::vector<std::int64_t> positions, indexes;               ///< per input
  std::vector<std::int64_t> ingest_times, counts;             ///< per input with readings
  std::vector<std::int64_t> event_times, sequences, shape_of; ///< per reading
  std::vector<std::int64_t> other_at, other_sizes;            ///< inputs that are not readings
  std::string other_bytes;                                    ///< messages::encode_input of each
  std::vector<std::string> names;
  std::vector<std::vector<slot>> shapes;
  std::vector<named_column> columns; ///< in the order in which the shapes first name them
  std::size_t values = 0, heavy_bytes = 0;
  /// Of all inputs added or appended.
  std::int64_t least_ingest_ns = INT64_MAX, greatest_ingest_ns = INT64_MIN;

  [[nodiscard]] domain::input_id first() const noexcept { return id_of(0); }
  [[nodiscard]] domain::input_id last() const noexcept { return id_of(positions.size() - 1); }
  [[nodiscard]] domain::input_id id_of(std::size_t ordinal) const noexcept {
    return {{static_cast<std::uint64_t>(positions[ordinal])},
            static_cast<std::uint32_t>(indexes[ordinal])};
  }
  /// Nothing of the input is referred to afterwards.
  void add(const domain::input& in);
  /// Adds the inputs from number `from` up to `to` (not that one) of decoded columns, with the same
  /// outcome as adding each. Errors: corrupt (an input that is not readings).
  [[nodiscard]] status append(const input_columns& decoded, std::size_t from, std::size_t to);
  /// Empty; the memory is kept.
  void clear();
  /// Fills `columns` (without content) and the slots' columns from the names and types of `shapes`.
  void name_columns();
  /// Decoded columns only. Every index must have been checked: see fits(). What the visited
  /// input points to lives as long as this. Errors: corrupt (an input that is not readings).
  [[nodiscard]] status visit(const std::function<void(const domain::input&)>& visit) const;
  /// True when the columns fit together, except that `columns` have still to be filled.
  [[nodiscard]] bool fits() const;
  /// How many values each of `columns` has.
  [[nodiscard]] std::vector<std::size_t> column_sizes() const {
    return column_sizes(0, shape_of.size());
  }
  /// The same of readings `from` to `to` (not that one).
  [[nodiscard]] std::vector<std::size_t> column_sizes(std::size_t from, std::size_t to) const;
  /// Where the inputs from number `from` up to `to` lie in the other columns.
  struct span {
    std::size_t first_other = 0, others = 0, first_other_byte = 0, other_bytes = 0;
    std::size_t first_with_readings = 0, with_readings = 0, first_reading = 0, readings = 0;
  };
  [[nodiscard]] span span_of(std::size_t from, std::size_t to) const;

private:
  void add_reading(const domain::input& in, const domain::reading& r);
  [[nodiscard]] std::size_t find_shape(const domain::field* fields, std::size_t count);
  [[nodiscard]] std::size_t find_shape(std::vector<slot> shape);
  void append_readings(const input_columns& decoded, const span& s);
  [[nodiscard]] status note_ingest_times(const input_columns& decoded, const span& s);
  [[nodiscard]] bool is_shape(const std::vector<slot>& shape, const domain::field* fields,
                              std::size_t count) const;
  [[nodiscard]] std::uint32_t find_name(std::string_view name);
  [[nodiscard]] std::uint32_t find_column(std::uint32_t name, domain::value_kind kind);
  std::vector<named_column> spare_; ///< of the memory of columns that were
  std::size_t last_shape_ = 0;
  std::unordered_map<std::string, std::uint32_t> name_index_;
  std::unordered_map<std::string, std::size_t> shape_index_; ///< by names and types as bytes
};

} // namespace pollux::persistence
