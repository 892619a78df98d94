// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/domain/search/search_fixture.hpp"
#include <doctest/doctest.h>

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

struct motor {
  search_models models;
  made_twin twin{models, "plant1:press-7", "motor"};
  motor() {
    twin.reading({{"t", value_view::of(70.5)},
                  {"lat", value_view::of(52.5)},
                  {"lon", value_view::of(13.4)},
                  {"state", value_view::text("Running")},
                  {"on", value_view::of(true)},
                  {"extra", value_view::of(std::int64_t{5})}});
    twin.properties(R"({"line":"A\"1","floor":3,"none":null,"list":[],"tags":["x",{"y":2}],)"
                    R"("location":{"lat":48.1,"lon":11.5},"a/b":1})");
  }
};

} // namespace

TEST_CASE("each comparison holds for what it says, awake and asleep") {
  const motor m;
  const std::pair<const char*, int> cases[] = {
      {"", 1},
      {"eq(id,\"plant1:press-7\")", 1},
      {"eq(namespace,'plant1')", 1},
      {"eq(name,\"press-7\")", 1},
      {"eq(kind,\"machine\")", 1},
      {"ne(model,\"motor\")", 0},
      {"eq(model,\"motor\")", 1},
      {"gt(telemetry/t,70)", 1},
      {"gt(telemetry.t,70.5)", 0},
      {"ge(telemetry/t/value,70.5)", 1},
      {"lt(telemetry/t,70.5)", 0},
      {"le(telemetry/t,70.5)", 1},
      {"eq(telemetry/extra,5)", 1},
      {"eq(telemetry/extra,5.0)", 1},
      {"eq(telemetry/on,true)", 1},
      {"eq(telemetry/on,1)", 0},
      {"eq(telemetry/state,\"Running\")", 1},
      {"gt(telemetry/state,5)", 0},
      {"ne(telemetry/state,5)", 1},
      {"in(telemetry/state,\"Stopped\",\"Running\")", 1},
      {"in(telemetry/state,\"Stopped\")", 0},
      {"like(telemetry/state,\"run*\")", 0},
      {"like(telemetry/state,\"Run?ing\")", 1},
      {"ilike(telemetry/state,\"RUN*\")", 1},
      {"exists(telemetry/t)", 1},
      {"exists(telemetry/nothing)", 0},
      {"eq(telemetry/nothing,null)", 1},
      {"ne(telemetry/nothing,1)", 1},
      {"eq(properties/line,\"A\\\"1\")", 1},
      {"ge(properties/floor,3)", 1},
      {"exists(properties/none)", 1},
      {"empty(properties/none)", 1},
      {"empty(properties/list)", 1},
      {"empty(properties/floor)", 0},
      {"eq(properties/tags/1/y,2)", 1},
      {"eq(properties/tags/0,\"x\")", 1},
      {"exists(properties/tags/2)", 0},
      {"eq(properties/a~1b,1)", 1},
      {"eq(windows/w/count,1)", 1},
      {"eq(windows/w/mean,70.5)", 1},
      {"exists(windows/w/sd)", 0},
      {"eq(alerts/count,0)", 1},
      {"eq(alerts/hot/state,\"ok\")", 1},
      {"exists(alerts/severity)", 0},
      {"eq(connected,true)", 1},
      {"eq(readings,1)", 1},
      {"eq(revision,3)", 1},
      {"exists(parent)", 0},
      {"and(gt(telemetry/t,1),not(gt(telemetry/t,100)))", 1},
      {"or(gt(telemetry/t,100),eq(model,\"motor\"))", 1},
      {"not(or(gt(telemetry/t,100),eq(model,\"motor\")))", 0},
      {" and ( gt ( telemetry/t , 1 ) , lt ( telemetry/t , 99 ) ) ", 1},
  };
  for (const auto& [filter, holds] : cases) {
    CAPTURE(filter);
    CHECK(found(m.twin, filter) == holds);
  }
}

TEST_CASE("ages are seconds since the event time") {
  const motor m;
  const auto later = start_ns + 61 * ns_per_s; // the reading's event time is start + 1 s
  CHECK(found(m.twin, "eq(age,60)", later) == 1);
  CHECK(found(m.twin, "gt(telemetry/t/age,60)", later) == 0);
  CHECK(found(m.twin, "ge(telemetry/t/age,60)", later) == 1);
  CHECK(found(m.twin, "gt(last_event_time,\"2023-11-14T22:13:20Z\")") == 1);
  CHECK(found(m.twin, "gt(last_event_time,\"2023-11-14T22:13:21Z\")") == 0);
  CHECK(found(m.twin, "ge(last_event_time,\"2023-11-15T00:13:21+02:00\")") == 1);
}

TEST_CASE("an alert is found by its count, severity and state") {
  motor m;
  m.twin.reading({{"t", value_view::of(95.0)}});
  CHECK(found(m.twin, "eq(alerts/count,1)") == 1);
  CHECK(found(m.twin, "ge(alerts/severity,\"warning\")") == 1);
  CHECK(found(m.twin, "lt(alerts/severity,\"critical\")") == 0);
  CHECK(found(m.twin, "eq(alerts/hot/state,\"active\")") == 1);
  CHECK(found(m.twin, "exists(alerts/cold/state)") == 0);
  m.twin.reading({{"t", value_view::of(20.0)}});
  CHECK(found(m.twin, "eq(alerts/count,0)") == 1);
  CHECK(found(m.twin, "eq(alerts/hot/state,\"ok\")") == 1);
}

TEST_CASE("integers beyond 2^53 are compared exactly") {
  search_models models;
  made_twin twin(models, "a:b", "motor");
  twin.reading({{"n", value_view::of(std::int64_t{9007199254740993})}});
  CHECK(found(twin, "eq(telemetry/n,9007199254740993)") == 1);
  CHECK(found(twin, "eq(telemetry/n,9007199254740992)") == 0);
  CHECK(found(twin, "gt(telemetry/n,9007199254740992.0)") == 1);
}

TEST_CASE("geo functions take two numbers, one property, or where twins usually say it") {
  const motor m;
  CHECK(found(m.twin, "within_box(52,13,53,14)") == 1); // telemetry lat and lon come first
  CHECK(found(m.twin, "within_box(telemetry/lat,telemetry/lon,52,13,53,14)") == 1);
  CHECK(found(m.twin, "within_box(properties/location,48,11,49,12)") == 1);
  CHECK(found(m.twin, "within_box(properties/location,52,13,53,14)") == 0);
  CHECK(found(m.twin, "within_box(52,14,53,13)") == 0); // the other way around the globe
  // Berlin to Potsdam, 26 to 27 km
  CHECK(found(m.twin, "within_radius(52.4,13.06,27000)") == 1);
  CHECK(found(m.twin, "within_radius(52.4,13.06,20000)") == 0);
  CHECK(found(m.twin, "within_polygon(52,13,53,13,53,14,52,14)") == 1);
  CHECK(found(m.twin, "within_polygon(telemetry/lat,telemetry/lon,50,13,51,13,51,14)") == 0);
}

TEST_CASE("polygons and boxes cross the date line") {
  CHECK(in_box({0, 179.5}, -1, 179, 1, -179));
  CHECK(in_box({0, -179.5}, -1, 179, 1, -179));
  CHECK_FALSE(in_box({0, 0}, -1, 179, 1, -179));
  const std::vector<geo_place> fiji = {{-20, 177}, {-15, 177}, {-15, -178}, {-20, -178}};
  CHECK(in_polygon({-17, 179}, fiji));
  CHECK(in_polygon({-17, -179}, fiji));
  CHECK_FALSE(in_polygon({-17, 0}, fiji));
  CHECK_FALSE(in_polygon({-17, -1}, fiji));
  CHECK_FALSE(in_polygon({-17, 176}, fiji));
  CHECK(distance_m({0, 179.5}, {0, -179.5}) == doctest::Approx(111'195).epsilon(0.001));
}

TEST_CASE("what is wrong is told with its column") {
  const std::pair<const char*, const char*> cases[] = {
      {"gtt(telemetry/t,1)", "column 1: no function 'gtt'"},
      {"gt(telemetry/t 1)", "column 16: ',' is needed before the value, not '1'"},
      {"gt(telemetry/t,1", "column 17: ')' is needed to end gt, not the end"},
      {"gt(telemetry/t,warm)", "column 16: 'warm' is no value"},
      {"gt(temperature,1)", "column 4: no path 'temperature'"},
      {"eq(telemetry/t,\"open)", "column 16: this text has no end"},
      {"eq(\xc3\xa4,1)", "column 4: no path"},
      {"and(eq(id,\"\xc3\xa4\"),gt(x,1))", "column 19: no path 'x'"},
      {"gt(telemetry/t,1) x", "column 19: the filter goes on after its end"},
      {"gt(telemetry/t,null)", "column 16: nothing is greater"},
      {"like(id,5)", "column 9: a pattern in quotes"},
      {"eq(alerts/severity,\"bad\")", "column 20: a severity is info, warning or critical"},
      {"within_box(1,2,0,3)", "column 16: a box is south,west,north,east"},
      {"within_radius(91,0,5)", "column 15: a latitude is between -90 and 90"},
      {"within_polygon(1,2,3,4)", "column 23: a polygon has at least three corners"},
      {"within_box(telemetry/lat,1,2,3,4)", "column 12: one path alone must be a property"},
      {"eq(telemetry/t,1e999)", "column 16: '1e999' is no value"},
      {"not()", "column 5: a function is needed"},
  };
  for (const auto& [filter, says] : cases) {
    CAPTURE(filter);
    CHECK(fault(filter).starts_with(says));
  }
}

TEST_CASE("a filter is bounded in length, depth and number of functions") {
  const auto nested = [](int depth) {
    std::string out;
    for (int i = 1; i < depth; ++i) out += "not(";
    out += "exists(id)";
    return out + std::string(static_cast<std::size_t>(depth - 1), ')');
  };
  CHECK(fault(nested(16)) == "");
  CHECK(fault(nested(17)) == "column 65: more than 16 functions in each other");
  const auto wide = [](int terms) {
    std::string out = "and(exists(id)";
    for (int i = 2; i < terms; ++i) out += ",exists(id)";
    return out + ")";
  };
  CHECK(fault(wide(100)) == "");
  CHECK(fault(wide(101)).ends_with("more than 100 functions"));
  CHECK(fault("eq(id,\"" + std::string(4096, 'x') + "\")").starts_with("column 4097: "));
}
