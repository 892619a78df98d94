// SPDX-License-Identifier: Apache-2.0
// What a search finds at a path of a twin, and how two such values are compared.
#pragma once
#include "domain/search/json_text.hpp"
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pollux::domain {

/// Not there, or a JSON null; the rest in the order in which unlike values are sorted.
enum class found_kind : std::uint8_t {
  none,
  null,
  boolean,
  integer,
  number,
  time, ///< `integer` is ns since 1970
  severity,
  text,
  json
};

/// `text` (of texts, severities and JSON) lives until the next value is looked for.
struct found_value {
  found_kind kind = found_kind::none;
  union {
    std::int64_t integer = 0; ///< a severity: its rank
    double number;
    bool boolean;
  };
  std::string_view text = {};

  static found_value of(std::int64_t v) {
    found_value x;
    x.kind = found_kind::integer;
    x.integer = v;
    return x;
  }
  static found_value of(double v) {
    found_value x;
    x.kind = found_kind::number;
    x.number = v;
    return x;
  }
  static found_value of(bool v) {
    found_value x;
    x.kind = found_kind::boolean;
    x.boolean = v;
    return x;
  }
  static found_value of(std::string_view v) {
    found_value x;
    x.kind = found_kind::text;
    x.text = v;
    return x;
  }
  [[nodiscard]] bool missing() const noexcept { return kind <= found_kind::null; }
  [[nodiscard]] std::optional<double> as_number() const noexcept;
  /// Missing, "", [] or {}.
  [[nodiscard]] bool empty() const noexcept;
};

/// Below 0, 0, above 0; nothing when the two cannot be compared (a text and a number). Integers
/// and numbers are compared exactly.
[[nodiscard]] std::optional<int> compare(const found_value& a, const found_value& b) noexcept;
/// The same for any two, so that everything has its place in a sorted list.
[[nodiscard]] int order(const found_value& a, const found_value& b) noexcept;

/// As JSON; missing: null.
void append_json(std::string& out, const found_value& v);
/// A JSON value's text as a value; strings with escapes are made in `scratch`.
[[nodiscard]] found_value json_value(std::string_view json, std::string& scratch);

/// info, warning, critical: 1, 2, 3; else 0.
[[nodiscard]] std::int64_t severity_rank(std::string_view word) noexcept;
[[nodiscard]] found_value found_severity(std::int64_t rank) noexcept;
[[nodiscard]] found_value found_time(std::int64_t time_ns) noexcept; ///< no_time: missing

} // namespace pollux::domain
