// SPDX-License-Identifier: Apache-2.0
#include "domain/base/math.hpp"
#include "domain/base/time.hpp"
#include "domain/search/rql_reader.hpp"
#include <algorithm>
#include <cmath>

namespace pollux::domain {

namespace {

struct function {
  std::string_view name;
  search_test test;
};
constexpr function functions[] = {
    {"and", search_test::and_},
    {"or", search_test::or_},
    {"not", search_test::not_},
    {"eq", search_test::eq},
    {"ne", search_test::ne},
    {"gt", search_test::gt},
    {"ge", search_test::ge},
    {"lt", search_test::lt},
    {"le", search_test::le},
    {"in", search_test::in},
    {"like", search_test::like},
    {"ilike", search_test::ilike},
    {"exists", search_test::exists},
    {"empty", search_test::empty},
    {"within_box", search_test::within_box},
    {"within_radius", search_test::within_radius},
    {"within_polygon", search_test::within_polygon},
};

class filter_parser {
public:
  filter_parser(std::string_view text, std::vector<search_path>& paths)
      : in_(text), paths_(paths) {}

  result<search_term> parse() {
    if (in_.at_end()) return search_term{};
    auto out = term(1);
    if (out && !in_.at_end())
      return in_.wrong("the filter goes on after its end; and(...) joins two");
    return out;
  }

private:
  result<search_term> term(std::size_t depth) {
    const auto begin = in_.mark();
    const auto name = in_.word();
    const auto found =
        std::ranges::find_if(functions, [&](const function& f) { return f.name == name; });
    if (found == std::end(functions)) return in_.wrong(begin, no_function(name));
    if (++terms_ > max_filter_terms) return in_.wrong(begin, "more than 100 functions");
    if (depth > max_filter_depth) return in_.wrong(begin, "more than 16 functions in each other");
    if (auto open = in_.expect('(', "after " + std::string(name)); !open) return open.error();
    search_term out;
    out.test = found->test;
    if (auto read = arguments(out, depth); !read) return read.error();
    if (auto close = in_.expect(')', "to end " + std::string(name)); !close) return close.error();
    return out;
  }

  static std::string no_function(std::string_view name) {
    std::string out = name.empty() ? "a function is needed; there are"
                                   : "no function '" + std::string(name) + "'; there are";
    for (const auto& f : functions) out += " " + std::string(f.name);
    return out;
  }

  status arguments(search_term& out, std::size_t depth) {
    switch (out.test) {
    case search_test::and_:
    case search_test::or_:
    case search_test::not_: return children(out, depth);
    case search_test::within_box: return box(out);
    case search_test::within_radius: return radius(out);
    case search_test::within_polygon: return polygon(out);
    default: return comparison(out);
    }
  }

  status children(search_term& out, std::size_t depth) {
    do {
      auto child = term(depth + 1);
      if (!child) return child.error();
      out.of.push_back(std::move(*child));
    } while (out.test != search_test::not_ && in_.take(','));
    return {};
  }

  status comparison(search_term& out) {
    auto path = in_.path(paths_);
    if (!path) return path.error();
    out.path = *path;
    if (out.test == search_test::exists || out.test == search_test::empty) return {};
    if (auto comma = in_.expect(',', "before the value"); !comma) return comma;
    do {
      if (auto value = add_literal(out); !value) return value;
    } while (out.test == search_test::in && in_.take(','));
    return {};
  }

  status add_literal(search_term& out) {
    const auto begin = in_.mark();
    auto value = in_.literal();
    if (!value) return value.error();
    const bool is_pattern = out.test == search_test::like || out.test == search_test::ilike;
    if (is_pattern && value->value.kind != found_kind::text)
      return in_.wrong(begin, "a pattern in quotes is needed, as in \"press-*\"");
    const bool ordered = out.test >= search_test::gt && out.test <= search_test::le;
    if (ordered && value->value.kind == found_kind::null)
      return in_.wrong(begin, "nothing is greater or less than null");
    if (!is_pattern && value->value.kind == found_kind::text)
      if (auto fits = special_text(paths_[out.path].kind, begin, *value); !fits) return fits;
    if (out.test == search_test::ilike)
      for (auto& c : value->text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    out.against.push_back(std::move(*value));
    return {};
  }

  /// Severities and times are compared as what they are.
  status special_text(path_kind kind, std::size_t begin, search_literal& literal) {
    if (kind == path_kind::alert_severity) {
      const auto rank = severity_rank(literal.text);
      if (rank == 0) return in_.wrong(begin, "a severity is info, warning or critical");
      literal.value = found_severity(rank);
    } else if (kind == path_kind::last_event_time) {
      const auto time = parse_rfc3339(literal.text);
      if (!time) return in_.wrong(begin, time.error().what);
      literal.value = found_time(*time);
    }
    return {};
  }

  status places(search_term& out) {
    auto found = in_.places(paths_);
    if (!found) return found.error();
    out.places = std::move(*found);
    return {};
  }

  status box(search_term& out) {
    if (auto found = places(out); !found) return found;
    const auto low = in_.point();
    if (!low) return low.error();
    if (auto comma = in_.expect(',', "between the two corners"); !comma) return comma;
    const auto begin = in_.mark();
    const auto high = in_.point();
    if (!high) return high.error();
    if (high->latitude < low->latitude)
      return in_.wrong(begin, "a box is south,west,north,east: its north lies south of its south");
    out.numbers = {low->latitude, low->longitude, high->latitude, high->longitude};
    return {};
  }

  status radius(search_term& out) {
    if (auto found = places(out); !found) return found;
    const auto centre = in_.point();
    if (!centre) return centre.error();
    out.corners = {*centre};
    if (auto comma = in_.expect(',', "before the radius"); !comma) return comma;
    const auto metres = in_.number(0, 21e6, "a radius in metres");
    if (!metres) return metres.error();
    // the bands are a little too wide, so that rounding leaves nobody out; a way of so many degrees
    // nowhere crosses more longitudes than where it comes closest to a pole
    constexpr double degrees_a_metre = 180 / (math::pi * earth_radius_m);
    const auto north = *metres * degrees_a_metre * (1 + 1e-9) + 1e-9;
    const auto farthest = std::fabs(centre->latitude) + north;
    const auto east = farthest < 89.9 ? north / math::of_degrees(farthest).cosine + 1e-9 : 360.0;
    const auto here = math::of_degrees(centre->latitude).cosine;
    const auto least = farthest < 90 ? math::of_degrees(farthest).cosine : 0.0;
    const auto most = math::of_degrees(std::max(0.0, std::fabs(centre->latitude) - north)).cosine;
    out.numbers = {chord2_of(*metres), north, east, here * least, here * most};
    out.centre = on_sphere(*centre);
    return {};
  }

  status polygon(search_term& out) {
    if (auto found = places(out); !found) return found;
    do {
      const auto corner = in_.point();
      if (!corner) return corner.error();
      out.corners.push_back(*corner);
    } while (in_.take(','));
    if (out.corners.size() < 3) return in_.wrong("a polygon has at least three corners");
    return {};
  }

  rql_reader in_;
  std::vector<search_path>& paths_;
  std::size_t terms_ = 0;
};

} // namespace

result<search_term> parse_filter(std::string_view text, std::vector<search_path>& paths) {
  if (text.size() > max_filter_bytes)
    return failure{errc::invalid_argument, "column 4097: a filter has at most 4096 bytes"};
  return filter_parser(text, paths).parse();
}

} // namespace pollux::domain
