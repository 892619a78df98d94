// SPDX-License-Identifier: Apache-2.0
// Places on the globe, in degrees north and east (WGS 84 taken as a sphere: distances are right
// to 0.6 %).
#pragma once
#include <optional>
#include <vector>

namespace pollux::domain {

struct geo_place {
  double latitude = 0, longitude = 0;
};

inline constexpr double earth_radius_m = 6'371'008.8; ///< mean radius, IUGG

/// -90..90 and -180..180, and finite.
[[nodiscard]] bool is_on_earth(const geo_place& p) noexcept;

/// Along the great circle, metres.
[[nodiscard]] double distance_m(const geo_place& a, const geo_place& b) noexcept;

/// South and north inclusive; `west` beyond `east`: across the date line.
[[nodiscard]] bool in_box(const geo_place& p, double south, double west, double north,
                          double east) noexcept;

/// At least three corners; sides are straight in latitude and longitude, and run the shorter way
/// around the globe. Not for polygons around a pole.
[[nodiscard]] bool in_polygon(const geo_place& p, const std::vector<geo_place>& corners) noexcept;

} // namespace pollux::domain
