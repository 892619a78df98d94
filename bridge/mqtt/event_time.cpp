// SPDX-License-Identifier: Apache-2.0
#include "bridge/mqtt/event_time.hpp"
#include "domain/base/time.hpp"
#include <cmath>

namespace pollux::bridge {
namespace {

time_unit by_magnitude(double magnitude) noexcept {
  if (magnitude < 1e11) return time_unit::s;
  if (magnitude < 1e14) return time_unit::ms;
  return magnitude < 1e17 ? time_unit::us : time_unit::ns;
}

std::int64_t nanoseconds(time_unit unit) noexcept {
  switch (unit) {
  case time_unit::s: return ns_per_s;
  case time_unit::ms: return ns_per_ms;
  case time_unit::us: return ns_per_us;
  default: return 1;
  }
}

} // namespace

std::optional<std::int64_t> event_time(std::int64_t number, time_unit unit) noexcept {
  if (unit == time_unit::automatic) unit = by_magnitude(std::fabs(static_cast<double>(number)));
  std::int64_t out = 0;
  if (__builtin_mul_overflow(number, nanoseconds(unit), &out)) return std::nullopt;
  return out;
}

std::optional<std::int64_t> event_time(double number, time_unit unit) noexcept {
  if (unit == time_unit::automatic) unit = by_magnitude(std::fabs(number));
  const auto scale = static_cast<double>(nanoseconds(unit));
  if (!(std::fabs(number) * scale < 9.2e18)) return std::nullopt;
  const double whole = std::floor(number);
  const double step = unit == time_unit::s || unit == time_unit::ms ? 1e3 : 1.0;
  const double part = std::floor((number - whole) * (scale / step) + 0.5) * step;
  return static_cast<std::int64_t>(whole) * nanoseconds(unit) + static_cast<std::int64_t>(part);
}

} // namespace pollux::bridge
