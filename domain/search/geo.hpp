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

/// A place as a point of the unit sphere: two of them tell which of many is nearest, or within a
/// radius, for the price of two sines and two cosines a place.
struct sphere_point {
  double x = 0, y = 0, z = 0;
};
[[nodiscard]] sphere_point on_sphere(const geo_place& p) noexcept;
/// The square of the straight line through the ball, in its radii: grows with the distance.
[[nodiscard]] double chord2(const sphere_point& a, const sphere_point& b) noexcept;
/// The same of two places that are so far apart; from half around the globe on, the largest.
[[nodiscard]] double chord2_of(double metres) noexcept;

/// Along the great circle, metres.
[[nodiscard]] double distance_m(const geo_place& a, const geo_place& b) noexcept;

/// South and north inclusive; `west` beyond `east`: across the date line.
[[nodiscard]] bool in_box(const geo_place& p, double south, double west, double north,
                          double east) noexcept;

/// At least three corners; sides are straight in latitude and longitude, and run the shorter way
/// around the globe. Not for polygons around a pole.
[[nodiscard]] bool in_polygon(const geo_place& p, const std::vector<geo_place>& corners) noexcept;

} // namespace pollux::domain
