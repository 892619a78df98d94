// SPDX-License-Identifier: Apache-2.0
// The retention block of a model, and ages in whole UTC days.
#include "domain/model/retention.hpp"
#include "messages/model_codec.hpp"
#include <doctest/doctest.h>

using namespace pollux;

namespace {
std::string model_with(const std::string& retention) {
  return "{\"name\": \"m\",\n \"retention\": " + retention + "}";
}
std::string error_of(const std::string& retention) {
  const auto parsed = messages::parse_model(model_with(retention), "m.json");
  REQUIRE_FALSE(parsed.ok());
  return parsed.error().what;
}
} // namespace

TEST_CASE("retention: a month hot, a year warm and for ever, unless the model says otherwise") {
  const auto plain = messages::parse_model("{\"name\": \"m\"}", "m.json");
  REQUIRE(plain.ok());
  CHECK((*plain)->retention == domain::retention_rule{30, 365, 0});
  const auto own = messages::parse_model(
      model_with("{\"hot_days\": 7, \"warm_days\": 90, \"keep_days\": 1825}"), "m.json");
  REQUIRE(own.ok());
  CHECK((*own)->retention == domain::retention_rule{7, 90, 1825});
  const auto part = messages::parse_model(model_with("{\"hot_days\": 0}"), "m.json");
  REQUIRE(part.ok());
  CHECK((*part)->retention == domain::retention_rule{0, 365, 0});
}

TEST_CASE("retention: errors name their place") {
  CHECK(error_of("{\"hot_days\": 1.5}").find("m.json:2:28: \"hot_days\" is a whole number") == 0);
  CHECK(error_of("{\"keep_days\": -1}").find("\"keep_days\" is a whole number") !=
        std::string::npos);
  CHECK(error_of("{\"keep_days\": 36501}").find("36500") != std::string::npos);
  CHECK(error_of("{\"warm_days\": 3}").find("m.json:2:29: \"warm_days\" is below") == 0);
  CHECK(error_of("{\"hot_days\": 400}").find("\"hot_days\" is above") != std::string::npos);
  CHECK(error_of("{\"hot_day\": 4}").find("hot_days") != std::string::npos); // did you mean
}

TEST_CASE("retention: an age is the days between two UTC midnights") {
  constexpr std::int64_t day = 86'400'000'000'000;
  CHECK(domain::age_in_days(0, 0) == 0);
  CHECK(domain::age_in_days(day - 1, day) == 1);
  CHECK(domain::age_in_days(0, day - 1) == 0);
  CHECK(domain::age_in_days(-1, 0) == 1);
  CHECK(domain::age_in_days(-day, -1) == 0);
  CHECK(domain::age_in_days(day, 0) == -1);
}
