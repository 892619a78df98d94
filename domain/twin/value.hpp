// SPDX-License-Identifier: Apache-2.0
// One measured value, as a view into the bytes that carried it (decision 6).
#pragma once
#include <cstdint>
#include <string_view>

namespace pollux::domain {

/// Persisted and on the wire: never renumber.
enum class value_kind : std::uint8_t {
  none = 0,
  f64 = 1,
  i64 = 2,
  boolean = 3,
  text = 4,
  samples_f32 = 5,
  samples_i16 = 6
};

inline constexpr std::size_t max_text_bytes = 1024;
inline constexpr std::size_t max_sample_bytes = 256 * 1024;

/// A tagged view; `bytes` (text as UTF-8, samples little-endian) lives as long as its carrier.
/// Numbers are finite: NaN and infinities are quarantined before they get here.
struct value_view {
  value_kind kind = value_kind::none;
  union {
    double f64 = 0;
    std::int64_t i64;
    bool boolean;
  };
  std::string_view bytes = {};

  static value_view of(double v) {
    value_view x;
    x.kind = value_kind::f64;
    x.f64 = v;
    return x;
  }
  static value_view of(std::int64_t v) {
    value_view x;
    x.kind = value_kind::i64;
    x.i64 = v;
    return x;
  }
  static value_view of(bool v) {
    value_view x;
    x.kind = value_kind::boolean;
    x.boolean = v;
    return x;
  }
  static value_view text(std::string_view v) {
    value_view x;
    x.kind = value_kind::text;
    x.bytes = v;
    return x;
  }
  static value_view samples(value_kind k, std::string_view v) {
    value_view x;
    x.kind = k;
    x.bytes = v;
    return x;
  }

  [[nodiscard]] bool numeric() const noexcept {
    return kind >= value_kind::f64 && kind <= value_kind::boolean;
  }
  /// The value as a number for windows and rules: booleans are 0 or 1. Only when numeric().
  [[nodiscard]] double number() const noexcept {
    return kind == value_kind::f64   ? f64
           : kind == value_kind::i64 ? static_cast<double>(i64)
           : boolean                 ? 1.0
                                     : 0.0;
  }
};

} // namespace pollux::domain
