// SPDX-License-Identifier: Apache-2.0
// Filters, orders, fields, figures and cursors of a search, and properties read as JSON text: what
// is accepted is asked of a twin, awake and asleep, which must agree; a refusal says where.
#include "fuzz.hpp"
#include "tests/unit/domain/search/search_fixture.hpp"
#include <cstdlib>

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

void must(bool holds) {
  if (!holds) std::abort();
}

const made_twin& one_twin() {
  static const search_models models;
  static const auto twin = [] {
    auto out = std::make_unique<made_twin>(models, "a:b", "motor");
    out->reading({{"t", value_view::of(95.0)},
                  {"lat", value_view::of(1.0)},
                  {"lon", value_view::of(2.0)},
                  {"state", value_view::text("on")}});
    out->properties(R"({"x":{"y":[1,"\u00e4\n",null]},"location":{"lat":1,"lon":2}})");
    return out;
  }();
  return *twin;
}

void filter(std::string_view text) {
  std::vector<search_path> paths;
  const auto parsed = parse_filter(text, paths);
  if (!parsed) return must(parsed.error().what.starts_with("column "));
  must(found(one_twin(), text) >= 0);
}

void order(std::string_view text) {
  std::vector<search_path> paths;
  const auto terms = parse_sort(text, paths);
  if (!terms) return must(terms.error().what.starts_with("column "));
  path_reader reader(paths, one_twin().now_ns());
  const searched_twin view(one_twin().state.get());
  reader.look_at(view);
  search_cursor at{1, {}, "a:b"};
  read_keys(*terms, reader, at.keys);
  const auto again = read_cursor(write_cursor(at), terms->size());
  must(again.ok() && compare_keys(*terms, at.keys, at.id, again->keys, again->id) == 0);
}

void answer(std::string_view text) {
  std::vector<search_path> paths;
  auto fields = search_fields::parse(text, paths);
  auto figures = search_figures::parse({}, {std::string(text)}, paths);
  path_reader reader(paths, one_twin().now_ns());
  const searched_twin view(one_twin().state.get());
  reader.look_at(view);
  std::string out;
  if (fields) fields->write(out, reader);
  if (figures) must(figures->add(reader) && !figures->document().empty());
}

void json(std::string_view text) {
  std::string scratch;
  for (const char* pointer : {"", "/x", "/x/y/1", "/location/lat", "/a~1b~0"}) {
    std::string out;
    append_json(out, json_value(find_json(text, pointer), scratch));
    must(!out.empty());
  }
}

} // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::bytes_of(data, size);
  filter(text);
  order(text);
  answer(text);
  json(text);
  (void)read_cursor(text, 2);
  return 0;
}
