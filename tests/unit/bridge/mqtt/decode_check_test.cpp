// SPDX-License-Identifier: Apache-2.0
// Readings against the declarations of a model.
#include "bridge/mqtt/decode.hpp"
#include "domain/model/model.hpp"
#include <doctest/doctest.h>
#include <limits>

using namespace pollux;
using namespace pollux::bridge;
using domain::telemetry_type;
using domain::value_kind;
using domain::value_view;

namespace {

domain::telemetry_spec spec(const char* name, telemetry_type type, double min, double max) {
  domain::telemetry_spec out;
  out.name = name;
  out.unit = "C";
  out.type = type;
  out.min = min;
  out.max = max;
  return out;
}

domain::model motor() {
  constexpr double any = std::numeric_limits<double>::infinity();
  domain::model out;
  out.name = "motor";
  out.telemetry = {spec("temperature", telemetry_type::number, -40, 150),
                   spec("starts", telemetry_type::integer, 0, any),
                   spec("on", telemetry_type::boolean, -any, any),
                   spec("state", telemetry_type::text, -any, any),
                   spec("wave", telemetry_type::samples, -any, any)};
  return out;
}

struct checked {
  domain::input in;
  rejections rejected;
  std::size_t removed = 0;

  explicit checked(std::vector<std::vector<domain::field>> rows) {
    for (const auto& row : rows) {
      in.readings.push_back({1, 0, static_cast<std::uint32_t>(in.fields.size()),
                             static_cast<std::uint32_t>(row.size())});
      in.fields.insert(in.fields.end(), row.begin(), row.end());
    }
    removed = check_against(motor(), in, rejected);
  }
};

} // namespace

TEST_CASE("what fits the declarations, and what is not declared, stays as it is") {
  checked c({{{"temperature", value_view::of(150.0)},
              {"temperature", value_view::of(std::int64_t{-40})},
              {"starts", value_view::of(3.0)},
              {"on", value_view::of(std::int64_t{1})},
              {"on", value_view::of(true)},
              {"state", value_view::text("x")},
              {"wave", value_view::samples(value_kind::samples_i16, "ab")},
              {"undeclared", value_view::text("anything")}}});
  CHECK(c.removed == 0);
  CHECK(c.rejected.empty());
  CHECK(c.in.fields.size() == 8);
}

TEST_CASE("a value out of its range or of another type is removed and said") {
  checked c({{{"temperature", value_view::of(150.5)}, {"state", value_view::text("x")}},
             {{"temperature", value_view::text("hot")}},
             {{"starts", value_view::of(2.5)},
              {"starts", value_view::of(std::int64_t{-1})},
              {"on", value_view::of(std::int64_t{2})},
              {"temperature", value_view::of(20.0)}}});
  CHECK(c.removed == 5);
  REQUIRE(c.in.readings.size() == 2);
  REQUIRE(c.in.fields.size() == 2);
  CHECK(c.in.fields[0].name == "state");
  CHECK(c.in.readings[1].first == 1);
  CHECK(c.in.readings[1].count == 1);
  CHECK(c.in.fields[1].value.f64 == 20.0);
  REQUIRE(c.rejected.items().size() == 5);
  CHECK(c.rejected.items()[0].detail ==
        "field temperature: 150.5 is outside -40 to 150 C, which model motor declares");
  CHECK(c.rejected.items()[1].detail == "field temperature: model motor declares a number");
  for (const auto& r : c.rejected.items())
    CHECK(r.reason == messages::quarantine_reason::invalid_value);
}

TEST_CASE("an input of which nothing is left is empty") {
  checked c({{{"temperature", value_view::of(1e9)}}});
  CHECK(c.in.readings.empty());
  CHECK(c.in.fields.empty());
}
