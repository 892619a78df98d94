// SPDX-License-Identifier: Apache-2.0
#include "domain/search/search_filter.hpp"
#include "domain/base/glob.hpp"
#include "domain/base/math.hpp"
#include <algorithm>
#include <cmath>

namespace pollux::domain {

namespace {

std::optional<double> member_number(std::string_view json, std::string_view pointer) {
  std::string scratch;
  return json_value(find_json(json, pointer), scratch).as_number();
}

/// {"lat":..,"lon":..} in the usual spellings, or a GeoJSON point, which has longitude first.
std::optional<geo_place> place_in(std::string_view json) {
  constexpr const char* ways[][2] = {{"/lat", "/lon"},
                                     {"/latitude", "/longitude"},
                                     {"/lat", "/lng"},
                                     {"/coordinates/1", "/coordinates/0"}};
  for (const auto& way : ways) {
    const auto latitude = member_number(json, way[0]), longitude = member_number(json, way[1]);
    if (latitude && longitude) return geo_place{*latitude, *longitude};
  }
  return std::nullopt;
}

/// Most places are too far to the north or south, east or west already, or near enough whatever the
/// cosine of their latitude is within the radius: the chord's square is
/// 4 sin^2(north / 2) + 4 cos cos sin^2(east / 2), and x^2 - x^4 / 12 <= 4 sin^2(x / 2) <= x^2.
bool in_radius(const search_term& f, const geo_place& place, path_reader& from) {
  const auto north = std::fabs(place.latitude - f.corners.front().latitude);
  if (north > f.numbers[1]) return false;
  const auto turn = std::fabs(place.longitude - f.corners.front().longitude);
  const auto east = std::min(turn, 360 - turn);
  if (east > f.numbers[2]) return false;
  constexpr double radians = math::pi / 180, little = 1e-9;
  const auto y = north * north * radians * radians, x = east * east * radians * radians;
  const auto limit = f.numbers[0];
  if (y + f.numbers[4] * x <= limit * (1 - little)) return true;
  if (y * (1 - y / 12) + f.numbers[3] * x * (1 - x / 12) > limit * (1 + little) + 1e-15)
    return false;
  return chord2(from.sphere_of(place), f.centre) <= limit;
}

bool geo_holds(const search_term& f, path_reader& from) {
  const auto place = place_of(f.places, from);
  if (!place) return false;
  if (f.test == search_test::within_polygon) return in_polygon(*place, f.corners);
  if (f.test == search_test::within_radius) return in_radius(f, *place, from);
  return in_box(*place, f.numbers[0], f.numbers[1], f.numbers[2], f.numbers[3]);
}

bool equal(const found_value& found, const search_literal& to) {
  if (to.value.kind == found_kind::null) return found.missing();
  return compare(found, to.get()) == 0;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool is_like(const search_term& f, const found_value& found) {
  if (found.kind != found_kind::text && found.kind != found_kind::severity) return false;
  const auto& pattern = f.against.front().text;
  if (f.test == search_test::like) return matches_glob(pattern, found.text);
  thread_local std::string folded;
  folded.assign(found.text);
  std::ranges::transform(folded, folded.begin(), lower);
  return matches_glob(pattern, folded);
}

} // namespace

std::optional<geo_place> place_of(const std::vector<place_source>& sources, path_reader& from) {
  for (const auto& s : sources) {
    std::optional<geo_place> found;
    if (s.whole >= 0) {
      const auto value = from.get(static_cast<std::size_t>(s.whole));
      if (value.kind == found_kind::json) found = place_in(value.text);
    } else {
      const auto latitude = from.get(static_cast<std::size_t>(s.latitude)).as_number();
      const auto longitude = from.get(static_cast<std::size_t>(s.longitude)).as_number();
      if (latitude && longitude) found = geo_place{*latitude, *longitude};
    }
    if (found && is_on_earth(*found)) return found;
  }
  return std::nullopt;
}

bool holds(const search_term& f, path_reader& from) {
  switch (f.test) {
  case search_test::and_:
    return std::ranges::all_of(f.of, [&](const search_term& t) { return holds(t, from); });
  case search_test::or_:
    return std::ranges::any_of(f.of, [&](const search_term& t) { return holds(t, from); });
  case search_test::not_: return !holds(f.of.front(), from);
  case search_test::within_box:
  case search_test::within_radius:
  case search_test::within_polygon: return geo_holds(f, from);
  default: break;
  }
  const auto found = from.get(f.path);
  if (f.test == search_test::exists) return found.kind != found_kind::none;
  if (f.test == search_test::empty) return found.empty();
  if (f.test == search_test::eq) return equal(found, f.against.front());
  if (f.test == search_test::ne) return !equal(found, f.against.front());
  if (f.test == search_test::in)
    return std::ranges::any_of(f.against, [&](const auto& to) { return equal(found, to); });
  if (f.test == search_test::like || f.test == search_test::ilike) return is_like(f, found);
  const auto order = compare(found, f.against.front().get());
  if (!order) return false;
  switch (f.test) {
  case search_test::gt: return *order > 0;
  case search_test::ge: return *order >= 0;
  case search_test::lt: return *order < 0;
  default: return *order <= 0;
  }
}

std::size_t index_of(const search_path& path, std::vector<search_path>& paths) {
  const auto known = std::ranges::find(paths, path);
  if (known != paths.end()) return static_cast<std::size_t>(known - paths.begin());
  paths.push_back(path);
  return paths.size() - 1;
}

std::vector<place_source> usual_places(std::vector<search_path>& paths) {
  const auto add = [&](path_kind kind, const char* first, const char* text) {
    return static_cast<int>(index_of({kind, first, {}, text}, paths));
  };
  const auto pair = [&](const char* a, const char* a_text, const char* b, const char* b_text) {
    return place_source{add(path_kind::telemetry, a, a_text), add(path_kind::telemetry, b, b_text)};
  };
  place_source whole;
  whole.whole = add(path_kind::property, "/location", "properties/location");
  return {pair("lat", "telemetry/lat", "lon", "telemetry/lon"),
          pair("latitude", "telemetry/latitude", "longitude", "telemetry/longitude"), whole};
}

} // namespace pollux::domain
