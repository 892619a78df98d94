// SPDX-License-Identifier: Apache-2.0
// Times are int64 nanoseconds since 1970-01-01T00:00:00Z, without leap seconds (1677 to 2262).
// The domain never asks a clock: every time arrives as data.
#pragma once
#include "domain/base/result.hpp"
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace pollux {

inline constexpr std::int64_t ns_per_us = 1'000;
inline constexpr std::int64_t ns_per_ms = 1'000'000;
inline constexpr std::int64_t ns_per_s = 1'000'000'000;
inline constexpr std::int64_t no_time = std::numeric_limits<std::int64_t>::min(); ///< "never yet"
inline constexpr std::int64_t never =
    std::numeric_limits<std::int64_t>::max(); ///< "no wake-up wanted"

/// RFC 3339 in UTC with Z; 0, 3, 6 or 9 fractional digits, as few as lose nothing.
[[nodiscard]] std::string format_rfc3339(std::int64_t time_ns);

/// Parses RFC 3339 (offset or Z required, up to 9 fractional digits; a space may stand for T).
/// Errors: invalid_argument, naming the place; out of range when it does not fit int64 ns.
[[nodiscard]] result<std::int64_t> parse_rfc3339(std::string_view text);

/// Parses "250ms", "45s", "5m", "2h", "7d", "1.5s" to nanoseconds. Errors: invalid_argument.
[[nodiscard]] result<std::int64_t> parse_duration(std::string_view text);

/// The shortest exact form with a whole part above zero, which parse_duration reads back:
/// 300000000000 -> "5m", 1500000000 -> "1.5s", 100000000 -> "100ms".
[[nodiscard]] std::string format_duration(std::int64_t duration_ns);

/// a + b, held at the ends of int64 instead of overflowing.
[[nodiscard]] std::int64_t saturating_add(std::int64_t a, std::int64_t b) noexcept;

} // namespace pollux
