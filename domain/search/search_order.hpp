// SPDX-License-Identifier: Apache-2.0
// The order of a search's answer, and the place in it where the next page goes on. Ties are broken
// by id, so that an order is total and a page repeats and skips nothing that has not changed.
#pragma once
#include "domain/search/search_filter.hpp"

namespace pollux::domain {

inline constexpr std::size_t max_sort_terms = 8;

struct sort_term {
  std::size_t path = 0;
  bool descending = false;
  bool nearest = false; ///< by the distance from `centre` (its key: chord2), not by a path
  std::vector<place_source> places;
  sphere_point centre;
  double latitude = 0; ///< of the centre
};

/// What a twin is sorted by: one for each term.
struct sort_key {
  found_value value;
  std::string text; ///< owned; `value.text` is not used
};

/// "+path,-path,nearest(lat,lon)", also as sort(...); nearest may begin with where the twin is.
/// Blank: by id only. Errors: invalid_argument, by column.
[[nodiscard]] result<std::vector<sort_term>> parse_sort(std::string_view text,
                                                        std::vector<search_path>& paths);

/// Fills `keys` from the reader's twin.
void read_keys(const std::vector<sort_term>& terms, path_reader& from, std::vector<sort_key>& keys);

/// The reader's twin certainly comes after `last`, whose keys are these: told without working out
/// how far away it is, which is most of the cost of sorting by distance.
[[nodiscard]] bool is_farther(const std::vector<sort_term>& terms, path_reader& from,
                              const std::vector<sort_key>& last);

/// Below 0: the first comes first. What is missing comes last, whichever the direction.
[[nodiscard]] int compare_keys(const std::vector<sort_term>& terms, const std::vector<sort_key>& a,
                               std::string_view a_id, const std::vector<sort_key>& b,
                               std::string_view b_id) noexcept;

/// Where a page ended. `now_ns` is that of the first page: ages stay comparable.
struct search_cursor {
  std::int64_t now_ns = 0;
  std::vector<sort_key> keys;
  std::string id;
};
[[nodiscard]] std::string write_cursor(const search_cursor& at);
/// Errors: invalid_argument for what write_cursor() did not make for this many terms.
[[nodiscard]] result<search_cursor> read_cursor(std::string_view text, std::size_t terms);

/// One key as text, unlike every other key's; the form of cursors and groups.
void append_key(std::string& out, const found_value& value);

} // namespace pollux::domain
