// SPDX-License-Identifier: Apache-2.0
// What is left out early in geo questions, against questions that leave out nothing.
#include "tests/unit/domain/search/search_fixture.hpp"
#include <algorithm>
#include <doctest/doctest.h>
#include <random>

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

/// Near poles and the date line more often than elsewhere.
geo_place somewhere(std::mt19937& dice) {
  const auto part = [&] { return static_cast<double>(dice() % 1'000'001) / 1e6; };
  geo_place out{part() * 180 - 90, part() * 360 - 180};
  if (dice() % 4 == 0) out.latitude = (dice() % 2 == 0 ? 1 : -1) * (90 - part() * part());
  if (dice() % 4 == 0) out.longitude = (dice() % 2 == 0 ? 1 : -1) * (180 - part());
  return out;
}

geo_place near_to(const geo_place& p, std::mt19937& dice) {
  const auto off = [&] { return (static_cast<double>(dice() % 2001) - 1000) / 250; };
  geo_place out{std::clamp(p.latitude + off(), -90.0, 90.0), p.longitude + off()};
  if (out.longitude > 180) out.longitude -= 360;
  if (out.longitude < -180) out.longitude += 360;
  return out;
}

std::string text_of(const geo_place& p) {
  std::string out;
  append_json(out, p.latitude);
  out += ",";
  append_json(out, p.longitude);
  return out;
}

} // namespace

TEST_CASE("a radius holds for the places on the globe within it, and for no others") {
  const search_models models;
  std::mt19937 dice(7);
  made_twin twin(models, "a:b", "motor");
  int inside = 0;
  for (int i = 0; i < 4000; ++i) {
    const auto centre = somewhere(dice);
    const auto place = dice() % 3 == 0 ? somewhere(dice) : near_to(centre, dice);
    const auto metres = static_cast<double>(dice() % (dice() % 2 == 0 ? 500'000 : 20'000'000));
    twin.reading(
        {{"lat", value_view::of(place.latitude)}, {"lon", value_view::of(place.longitude)}});
    const bool wanted = chord2(on_sphere(place), on_sphere(centre)) <= chord2_of(metres);
    std::string filter = "within_radius(" + text_of(centre) + ",";
    append_json(filter, metres);
    filter += ")";
    CAPTURE(filter);
    CAPTURE(text_of(place));
    CHECK(found(twin, filter) == int{wanted});
    inside += wanted;
  }
  CHECK(inside > 800);
  CHECK(inside < 3200);
}

TEST_CASE("what is told to be farther is farther") {
  const search_models models;
  std::mt19937 dice(8);
  made_twin one(models, "a:a", "motor"), other(models, "a:b", "motor");
  int told = 0;
  for (int i = 0; i < 2000; ++i) {
    const auto centre = somewhere(dice), a = near_to(centre, dice), b = near_to(centre, dice);
    one.reading({{"lat", value_view::of(a.latitude)}, {"lon", value_view::of(a.longitude)}});
    other.reading({{"lat", value_view::of(b.latitude)}, {"lon", value_view::of(b.longitude)}});
    std::vector<search_path> paths;
    const auto order = parse_sort("nearest(" + text_of(centre) + "),id", paths);
    REQUIRE(order);
    path_reader reader(paths, 0);
    std::vector<sort_key> last, keys;
    const searched_twin of_one(one.state.get()), of_other(other.state.get());
    reader.look_at(of_one);
    read_keys(*order, reader, last);
    reader.look_at(of_other);
    read_keys(*order, reader, keys);
    if (!is_farther(*order, reader, last)) continue;
    ++told;
    CHECK(keys.front().value.number > last.front().value.number);
  }
  CHECK(told > 300);
}
