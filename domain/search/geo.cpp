// SPDX-License-Identifier: Apache-2.0
#include "domain/search/geo.hpp"
#include "domain/base/math.hpp"
#include <algorithm>
#include <cmath>

namespace pollux::domain {

namespace {

/// The shorter way from one longitude to another: -180..180.
double turn(double from, double to) noexcept {
  const auto d = to - from;
  return d > 180 ? d - 360 : d < -180 ? d + 360 : d;
}

} // namespace

bool is_on_earth(const geo_place& p) noexcept {
  return std::fabs(p.latitude) <= 90 && std::fabs(p.longitude) <= 180;
}

sphere_point on_sphere(const geo_place& p) noexcept {
  const auto lat = math::of_degrees(p.latitude), lon = math::of_degrees(p.longitude);
  return {lat.cosine * lon.cosine, lat.cosine * lon.sine, lat.sine};
}

double chord2(const sphere_point& a, const sphere_point& b) noexcept {
  const auto x = a.x - b.x, y = a.y - b.y, z = a.z - b.z;
  return x * x + y * y + z * z;
}

double chord2_of(double metres) noexcept {
  const auto half = std::min(metres / (2 * earth_radius_m), math::pi / 2);
  const auto sine = math::sin(half);
  return 4 * sine * sine;
}

double distance_m(const geo_place& a, const geo_place& b) noexcept {
  const auto h = std::min(chord2(on_sphere(a), on_sphere(b)) / 4, 1.0);
  return 2 * earth_radius_m * math::atan2(std::sqrt(h), std::sqrt(1 - h));
}

bool in_box(const geo_place& p, double south, double west, double north, double east) noexcept {
  if (p.latitude < south || p.latitude > north) return false;
  if (west <= east) return p.longitude >= west && p.longitude <= east;
  return p.longitude >= west || p.longitude <= east;
}

// Corners stand in a row from the first one, each a turn from the one before, so the date line is
// nothing special; the place is then looked for once around the globe.
bool in_polygon(const geo_place& p, const std::vector<geo_place>& corners) noexcept {
  if (corners.empty()) return false;
  bool inside[] = {false, false, false};
  auto x1 = turn(p.longitude, corners.front().longitude);
  for (std::size_t i = 0; i < corners.size(); ++i) {
    const auto& from = corners[i];
    const auto& to = corners[i + 1 == corners.size() ? 0 : i + 1];
    const auto x2 = x1 + turn(from.longitude, to.longitude);
    const auto y1 = from.latitude - p.latitude, y2 = to.latitude - p.latitude;
    if ((y1 > 0) != (y2 > 0)) {
      const auto crossing = x1 - y1 * (x2 - x1) / (y2 - y1);
      for (int around = -1; around <= 1; ++around)
        if (crossing > 360.0 * around) inside[around + 1] = !inside[around + 1];
    }
    x1 = x2;
  }
  return inside[0] || inside[1] || inside[2];
}

} // namespace pollux::domain
