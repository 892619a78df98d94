// SPDX-License-Identifier: Apache-2.0
// The inputs of one twin as columns: what a cold frame is written from and read into. Bit for bit:
// what is added is what is visited.
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

  /// Nothing of the input is referred to afterwards.
  void add(const domain::input& in);
  void clear();
  /// Fills `columns` (without content) and the slots' columns from the names and types of `shapes`.
  void name_columns();
  /// Decoded columns only. Every index must have been checked: see fits(). What the visited
  /// input points to lives as long as this. Errors: corrupt (an input that is not readings).
  [[nodiscard]] status visit(const std::function<void(const domain::input&)>& visit) const;
  /// True when the columns fit together, except that `columns` have still to be filled.
  [[nodiscard]] bool fits() const;
  /// How many values each of `columns` has.
  [[nodiscard]] std::vector<std::size_t> column_sizes() const;

private:
  void add_reading(const domain::input& in, const domain::reading& r);
  [[nodiscard]] std::size_t find_shape(const domain::field* fields, std::size_t count);
  [[nodiscard]] bool is_shape(const std::vector<slot>& shape, const domain::field* fields,
                              std::size_t count) const;
  [[nodiscard]] std::uint32_t find_name(std::string_view name);
  [[nodiscard]] std::uint32_t find_column(std::uint32_t name, domain::value_kind kind);
  std::size_t last_shape_ = 0;
  std::unordered_map<std::string, std::uint32_t> name_index_;
  std::unordered_map<std::string, std::size_t> shape_index_; ///< by names and types as bytes
};

} // namespace pollux::persistence
