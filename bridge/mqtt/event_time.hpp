// SPDX-License-Identifier: Apache-2.0
// A device's idea of a time, as a number in some unit, to nanoseconds UTC.
#pragma once
#include "bridge/mqtt/decode.hpp"
#include <cstdint>
#include <optional>

namespace pollux::bridge {

/// nullopt when it does not fit int64 nanoseconds (1677 to 2262).
[[nodiscard]] std::optional<std::int64_t> event_time(std::int64_t number, time_unit unit) noexcept;

/// The same for decimals. A double cannot tell nanoseconds of today apart, so seconds and
/// milliseconds are rounded to the microsecond: up to six (three) decimals come out exactly.
[[nodiscard]] std::optional<std::int64_t> event_time(double number, time_unit unit) noexcept;

} // namespace pollux::bridge
