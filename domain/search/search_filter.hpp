// SPDX-License-Identifier: Apache-2.0
// A filter over twins in RQL: gt(telemetry/temperature,80), and(...), within_radius(...). Compiled
// once, then asked of one twin after the other (docs/search.md).
#pragma once
#include "domain/search/geo.hpp"
#include "domain/search/searched_twin.hpp"
#include <string>
#include <string_view>
#include <vector>

namespace pollux::domain {

inline constexpr std::size_t max_filter_bytes = 4096;
inline constexpr std::size_t max_filter_depth = 16;
inline constexpr std::size_t max_filter_terms = 100;

enum class search_test : std::uint8_t {
  and_,
  or_,
  not_,
  eq,
  ne,
  gt,
  ge,
  lt,
  le,
  in,
  like,
  ilike,
  exists,
  empty,
  within_box,
  within_radius,
  within_polygon
};

/// Where a twin is: two numbers, or one property with both. Indices into the paths; -1: not this.
struct place_source {
  int latitude = -1, longitude = -1, whole = -1;
};

/// A literal of a filter; it owns its text.
struct search_literal {
  found_value value;
  std::string text;
  [[nodiscard]] found_value get() const noexcept {
    auto out = value;
    if (out.kind == found_kind::text) out.text = text;
    return out;
  }
};

struct search_term {
  search_test test = search_test::and_;
  std::size_t path = 0;                ///< into the question's paths
  std::vector<search_term> of;         ///< of and, or, not
  std::vector<search_literal> against; ///< of comparisons
  std::vector<place_source> places;    ///< of geo tests: the first that is known counts
  std::vector<double> numbers;    ///< box: south, west, north, east; radius: its chord2, degrees
                                  ///< of latitude and of longitude, bounds of the cosines' product
  std::vector<geo_place> corners; ///< polygon: its corners; radius: its centre
  sphere_point centre;            ///< of a radius
};

/// Compiles a filter; what it names is added to `paths` (each once). Only blanks: holds for all.
/// Errors: invalid_argument "column 12: ...", columns counted in characters from 1.
[[nodiscard]] result<search_term> parse_filter(std::string_view text,
                                               std::vector<search_path>& paths);

/// Where the reader's twin is, as far as one of the sources tells.
[[nodiscard]] std::optional<geo_place> place_of(const std::vector<place_source>& sources,
                                                path_reader& from);

/// Whether the filter holds for the twin the reader looks at. Comparisons with what is missing, or
/// of another type, do not hold; `ne` is the opposite of `eq`.
[[nodiscard]] bool holds(const search_term& filter, path_reader& from);

/// The index of a path, added when it is new.
[[nodiscard]] std::size_t index_of(const search_path& path, std::vector<search_path>& paths);

/// The sources that stand for "where the twin is" when a question names none: telemetry lat and
/// lon, latitude and longitude, properties/location.
[[nodiscard]] std::vector<place_source> usual_places(std::vector<search_path>& paths);

} // namespace pollux::domain
