// SPDX-License-Identifier: Apache-2.0
// Order, pages, fields and figures, and filters on random twins against a slow obvious version.
#include "tests/unit/domain/search/search_fixture.hpp"
#include <algorithm>
#include <cmath>
#include <doctest/doctest.h>
#include <functional>
#include <optional>
#include <random>

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

/// What the slow version knows of a twin.
struct plain_twin {
  std::optional<double> t, lat, lon;
  std::optional<std::string> state;
  std::string model;
};

struct fleet {
  search_models models;
  std::vector<std::unique_ptr<made_twin>> twins;
  std::vector<plain_twin> plain;

  explicit fleet(std::mt19937& dice, int count) {
    const auto chance = [&](int percent) { return static_cast<int>(dice() % 100) < percent; };
    for (int i = 0; i < count; ++i) {
      plain_twin p;
      p.model = chance(50) ? "motor" : "pump";
      twins.push_back(std::make_unique<made_twin>(models, "site:t" + std::to_string(i), p.model));
      std::vector<field> fields;
      if (chance(80)) p.t = std::floor(static_cast<double>(dice() % 20)) / 2;
      if (chance(70)) p.lat = static_cast<double>(dice() % 181) - 90;
      if (chance(70)) p.lon = static_cast<double>(dice() % 361) - 180;
      if (chance(60)) p.state = std::string(1, static_cast<char>('a' + dice() % 4));
      if (p.t) fields.push_back({"t", value_view::of(*p.t)});
      if (p.lat) fields.push_back({"lat", value_view::of(*p.lat)});
      if (p.lon) fields.push_back({"lon", value_view::of(*p.lon)});
      if (p.state) fields.push_back({"state", value_view::text(*p.state)});
      if (!fields.empty()) twins.back()->reading(std::move(fields));
      plain.push_back(std::move(p));
    }
  }
};

using verdict = std::function<bool(const plain_twin&)>;
struct random_filter {
  std::string text;
  verdict holds;
};

random_filter leaf(std::mt19937& dice) {
  const double limit = static_cast<double>(dice() % 20) / 2;
  const auto number = std::to_string(limit);
  const std::string letter(1, static_cast<char>('a' + dice() % 4));
  switch (dice() % 9) {
  case 0: return {"gt(telemetry/t," + number + ")", [=](auto& p) { return p.t && *p.t > limit; }};
  case 1: return {"le(telemetry/t," + number + ")", [=](auto& p) { return p.t && *p.t <= limit; }};
  case 2: return {"ne(telemetry/t," + number + ")", [=](auto& p) { return p.t != limit; }};
  case 3:
    return {"eq(telemetry/state,\"" + letter + "\")", [=](auto& p) { return p.state == letter; }};
  case 4: return {"exists(telemetry/t)", [](auto& p) { return p.t.has_value(); }};
  case 5:
    return {"lt(telemetry/state,'" + letter + "')",
            [=](auto& p) { return p.state && *p.state < letter; }};
  case 6: return {"eq(model,\"motor\")", [](auto& p) { return p.model == "motor"; }};
  case 7:
    return {"within_box(-30,-60,40,70)", [](auto& p) {
              return p.lat && p.lon && *p.lat >= -30 && *p.lat <= 40 && *p.lon >= -60 &&
                     *p.lon <= 70;
            }};
  default:
    // the spherical law of cosines: another way than the one that is tested
    return {"within_radius(10,20,4000000)", [](auto& p) {
              if (!p.lat || !p.lon) return false;
              const auto rad = [](double d) { return d * 3.14159265358979323846 / 180; };
              const auto c = std::sin(rad(*p.lat)) * std::sin(rad(10)) +
                             std::cos(rad(*p.lat)) * std::cos(rad(10)) * std::cos(rad(*p.lon - 20));
              return earth_radius_m * std::acos(std::clamp(c, -1.0, 1.0)) <= 4e6;
            }};
  }
}

random_filter random_tree(std::mt19937& dice, int depth) {
  if (depth == 0 || dice() % 3 == 0) return leaf(dice);
  auto a = random_tree(dice, depth - 1), b = random_tree(dice, depth - 1);
  switch (dice() % 3) {
  case 0: return {"not(" + a.text + ")", [a](auto& p) { return !a.holds(p); }};
  case 1:
    return {"and(" + a.text + "," + b.text + ")",
            [a, b](auto& p) { return a.holds(p) && b.holds(p); }};
  default:
    return {"or(" + a.text + "," + b.text + ")",
            [a, b](auto& p) { return a.holds(p) || b.holds(p); }};
  }
}

/// Ids in the order of `sort`, page by page of `limit`.
std::vector<std::string> ids(const fleet& all, std::string_view sort, std::size_t limit) {
  std::vector<search_path> paths;
  const auto terms = parse_sort(sort, paths);
  REQUIRE(terms.ok());
  path_reader reader(paths, start_ns);
  struct row {
    std::vector<sort_key> keys;
    std::string id;
  };
  std::vector<std::string> out;
  std::string cursor;
  for (;;) {
    std::vector<row> rows;
    std::optional<search_cursor> after;
    if (!cursor.empty()) {
      auto read = read_cursor(cursor, terms->size());
      REQUIRE(read.ok());
      after = std::move(*read);
    }
    for (const auto& t : all.twins) {
      const searched_twin twin(t->state.get());
      reader.look_at(twin);
      row r{{}, twin.id()};
      read_keys(*terms, reader, r.keys);
      if (!after || compare_keys(*terms, r.keys, r.id, after->keys, after->id) > 0)
        rows.push_back(std::move(r));
    }
    std::ranges::sort(rows, [&](const row& a, const row& b) {
      return compare_keys(*terms, a.keys, a.id, b.keys, b.id) < 0;
    });
    for (std::size_t i = 0; i < std::min(limit, rows.size()); ++i) out.push_back(rows[i].id);
    if (rows.size() <= limit) return out;
    cursor = write_cursor({start_ns, rows[limit - 1].keys, rows[limit - 1].id});
  }
}

} // namespace

TEST_CASE("filters on random twins say what a slow obvious version says") {
  std::mt19937 dice(20261);
  const fleet all(dice, 60);
  int held = 0;
  for (int i = 0; i < 400; ++i) {
    const auto filter = random_tree(dice, 4);
    CAPTURE(filter.text);
    for (std::size_t k = 0; k < all.twins.size(); ++k) {
      const auto is = found(*all.twins[k], filter.text);
      held += is == 1;
      REQUIRE(is == int{filter.holds(all.plain[k])});
    }
  }
  CHECK(held > 1000); // neither always nor never
  CHECK(held < 23000);
}

TEST_CASE("any order is total, has what is missing last, and pages repeat and skip nothing") {
  std::mt19937 dice(7);
  const fleet all(dice, 80);
  for (const char* sort : {"", "+telemetry/t", "-telemetry/t", "sort(-telemetry/state,+model)",
                           "nearest(10,20)", "-telemetry/state,telemetry/t,-id"}) {
    CAPTURE(sort);
    const auto whole = ids(all, sort, 1000);
    CHECK(whole.size() == 80);
    for (const std::size_t limit : {1, 7, 79, 80}) CHECK(ids(all, sort, limit) == whole);
  }
  const auto value = [&](const std::string& id) { return all.plain[std::stoul(id.substr(6))].t; };
  for (const bool down : {false, true}) {
    const auto sorted = ids(all, down ? "-telemetry/t" : "telemetry/t", 1000);
    for (std::size_t i = 1; i < sorted.size(); ++i) {
      const auto a = value(sorted[i - 1]), b = value(sorted[i]);
      if (!a) CHECK(!b);
      if (a && b) CHECK((down ? *a >= *b : *a <= *b));
    }
  }
}

TEST_CASE("sort orders and cursors that are wrong are refused") {
  std::vector<search_path> paths;
  CHECK(parse_sort("+x", paths).error().what.starts_with("column 2: no path 'x'"));
  CHECK(parse_sort("-nearest(1,2)", paths).error().what.starts_with("column 2: nearest has"));
  CHECK(parse_sort("id,", paths).error().what.starts_with("column 4: a path is needed"));
  CHECK(parse_sort("id,id,id,id,id,id,id,id,id", paths)
            .error()
            .what.ends_with("at most 8 things "
                            "to sort by"));
  for (const char* cursor :
       {"", "1", "1;", "1;=", "x;m=a", "1;i=a", "1;x5:ab=c", "1;mm=a", "1;q=a"})
    CHECK_FALSE(read_cursor(cursor, 1).ok());
  CHECK(read_cursor("1;m=a:b", 1)->id == "a:b");
}

TEST_CASE("fields share their objects, and what is missing is left out") {
  search_models models;
  made_twin twin(models, "a:b", "motor");
  twin.reading({{"t", value_view::of(1.5)}}).properties(R"({"x":{"y":[1]}})");
  const auto item = [&](std::string_view fields) {
    std::vector<search_path> paths;
    auto parsed = search_fields::parse(fields, paths);
    REQUIRE(parsed.ok());
    path_reader reader(paths, start_ns + 3 * ns_per_s);
    const searched_twin view(twin.state.get());
    reader.look_at(view);
    std::string out;
    parsed->write(out, reader);
    return out;
  };
  CHECK(item("") == R"({"id":"a:b","kind":"machine","model":"motor","awake":true,"readings":1,)"
                    R"("last_event_time":"2023-11-14T22:13:21Z","active_alerts":0})");
  CHECK(item("id,telemetry/t,telemetry/lat,properties/x/y") ==
        R"({"id":"a:b","telemetry":{"t":{"value":1.5,"event_time":"2023-11-14T22:13:21Z",)"
        R"("age_s":2}},"properties":{"x":{"y":[1]}}})");
  CHECK(item("telemetry/t/value,telemetry/t/age") ==
        R"({"telemetry":{"t":{"value":1.5,"age":2}}})");
  CHECK(item("properties/z") == "{}");
  CHECK(item("properties,properties/x") == R"({"properties":{"x":{"y":[1]}}})");
}

TEST_CASE("figures of groups are those of their twins") {
  std::mt19937 dice(11);
  const fleet all(dice, 100);
  std::vector<search_path> paths;
  auto figures = search_figures::parse(
      {"model"}, {"count", "mean(telemetry/t)", "min(telemetry/t)", "max(telemetry.t)"}, paths);
  REQUIRE(figures.ok());
  path_reader reader(paths, start_ns);
  std::map<std::string, std::vector<double>> plain;
  std::map<std::string, int> counts;
  for (std::size_t i = 0; i < all.twins.size(); ++i) {
    const searched_twin view(all.twins[i]->state.get());
    reader.look_at(view);
    REQUIRE(figures->add(reader));
    ++counts[all.plain[i].model];
    if (all.plain[i].t) plain[all.plain[i].model].push_back(*all.plain[i].t);
  }
  std::string expected = R"({"groups":[)";
  for (const auto& [model, values] : plain) {
    double sum = 0;
    for (const auto v : values) sum += v;
    std::string mean, least, most;
    append_json(mean, sum / static_cast<double>(values.size()));
    append_json(least, *std::ranges::min_element(values));
    append_json(most, *std::ranges::max_element(values));
    expected += expected.back() == '[' ? "{" : ",{";
    expected += R"("by":{"model":")" + model + R"("},"count":)" + std::to_string(counts[model]);
    expected += ",\"mean(telemetry/t)\":" + mean + ",\"min(telemetry/t)\":" + least;
    expected += ",\"max(telemetry/t)\":" + most + "}";
  }
  CHECK(figures->document() == expected + "]}");
  CHECK(search_figures::parse({}, {"median(telemetry/t)"}, paths)
            .error()
            .what.starts_with("values: column 1: no value 'median'"));
}
