// SPDX-License-Identifier: Apache-2.0
// Models that someone wrote to hurt, or by mistake: each is refused with its place and the reason.
#include "domain/model/model.hpp"
#include "tests/unit/domain/twin/twin_fixture.hpp"
#include <limits>

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

std::string with(const std::string& operators) {
  return std::string(R"({"name": "m", "telemetry": {"x": {}, "y": {}}, "operators": [)") + "\n" +
         operators + "]}";
}
std::string rule(const std::string& value) {
  return with(R"({"name": "a", "type": "threshold", "value": ")" + value + R"("})");
}
void refused(const std::string& json, const std::string& place, const std::string& why) {
  CAPTURE(json.substr(0, 300));
  const auto error = compile_error(json);
  CAPTURE(error);
  CHECK(error.starts_with(place + ": "));
  CHECK(error.find(why) != std::string::npos);
}
std::string repeated(std::string_view part, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += part;
  return all;
}

} // namespace

TEST_CASE("a thousand rules on one twin are refused where they stand; 256 are not") {
  const auto many = [](int count) {
    std::string all;
    for (int i = 0; i < count; ++i)
      all += std::string(i == 0 ? "" : ",\n") + R"({"name": "r)" + std::to_string(i) +
             R"(", "type": "threshold", "value": "x", "above": )" + std::to_string(i) + "}";
    return with(all);
  };
  refused(many(1000), "1:61", "more than 256 operators");
  refused(many(257), "1:61", "more than 256 operators");
  CHECK(compile_error(many(256)) == "");
}

TEST_CASE("limits that are no finite numbers are refused") {
  const auto json = [](const char* number) {
    return with(R"({"name": "a", "type": "threshold", "value": "x", "above": )" +
                std::string(number) + "}");
  };
  for (const char* number : {"inf", "-inf", "nan", "1e999"})
    refused(json(number), "2:59", "\"above\" must be a finite number");
  for (const char* keys : {R"("below": inf)", R"("above": 1, "clear": nan)"}) {
    CAPTURE(keys);
    CHECK(compile_error(with(R"({"name": "a", "type": "threshold", "value": "x", )" +
                             std::string(keys) + "}"))
              .find("must be a finite number") != std::string::npos);
  }
  for (const char* range :
       {"[nan, 1]", "[0, inf]", "[-inf, inf]", "[1, 0]", "[1]", "[1, 2, 3]", R"(["a", 2])", "[]"}) {
    CAPTURE(range);
    refused(with(R"({"name": "a", "type": "threshold", "value": "x", "outside": )" +
                 std::string(range) + "}"),
            "2:61", "a range is [low, high]");
  }
  refused(R"({"name": "m", "telemetry": {"x": {"min": nan}}})", "1:42", "finite");
  for (const char* keys :
       {R"("type": "ewma", "half_life": "1m", "limit": nan)", R"("type": "cusum", "h": inf)",
        R"("type": "cusum", "target": nan, "sd": 1)",
        R"("type": "robust", "span": "1m", "limit": -inf)",
        R"("type": "seasonal", "min_stddev": nan)"}) {
    CAPTURE(keys);
    CHECK(compile_error(with(R"({"name": "a", "of": "x", )" + std::string(keys) + "}"))
              .find("must be a finite number") != std::string::npos);
  }
}

TEST_CASE("an operator names only those above it: itself, a later one or a ring are refused") {
  refused(with(R"({"name": "a", "type": "threshold", "value": "a.mean > 1"})"), "2:45",
          "unknown name \"a.mean\"");
  refused(with(R"({"name": "z", "type": "z_score", "window": "w"},
{"name": "w", "type": "window", "of": "x", "span": "1m"})"),
          "2:44", "no window \"w\" above this operator");
  refused(with(R"({"name": "a", "type": "threshold", "value": "b.score > 1"},
{"name": "b", "type": "robust", "of": "x", "span": "1m"})"),
          "2:45", "unknown name \"b.score\"");
  refused(with(R"({"name": "c", "type": "cusum", "window": "c"})"), "2:42", "no window \"c\"");
  refused(with(R"({"name": "w", "type": "window", "of": "w", "span": "1m"})"), "2:39",
          "no telemetry \"w\"");
}

TEST_CASE("expressions that are deep, long, or never end are refused without being followed") {
  refused(rule(repeated("(", 33) + "x" + repeated(")", 33)), "2:45", "nested deeper than 32");
  refused(rule(repeated("(", 400'000)), "2:45", "nested deeper than 32");
  refused(rule(repeated("-", 400'000) + "x"), "2:45", "nested deeper than 32");
  refused(rule(repeated("!", 400'000) + "x"), "2:45", "nested deeper than 32");
  refused(rule(repeated("abs(", 100'000)), "2:45", "nested deeper than 32");
  refused(rule("x" + repeated(" + x", 200'000)), "2:45", "longer than 256 instructions");
  refused(rule("max(x" + repeated(", x", 300) + ")"), "2:45", "longer than 256 instructions");
  refused(rule(std::string(900'000, 'a')), "2:45", "unknown name \"aaaa");
  refused(rule("'" + std::string(900'000, 'a')), "2:45", "does not end");
  refused(rule(std::string(900'000, ' ')), "2:45", "expected a number, a name or (");
  refused(rule(std::string(900'000, '9')), "2:45", "a number that a double holds");
  refused(rule("x <"), "2:45", "expected a number, a name or (");
  refused(rule("x > 1e999"), "2:45", "a number that a double holds");
  CHECK(compile_error(rule("x" + repeated(" + x", 127))) == "");
  CHECK(compile_error(rule(repeated("(", 31) + "x" + repeated(")", 31))) == "");
}

TEST_CASE("keys of the patient threshold that contradict each other are refused with the reason") {
  const std::pair<const char*, const char*> cases[] = {
      {R"("above": 1, "outside": [0, 1])", "make two operators"},
      {R"("inside": [0, 1], "outside": [0, 1])", "make two operators"},
      {R"("inside": [1, 1])", "nothing lies inside an empty range"},
      {R"("inside": [1, 4], "clear": [2, 3])", "clear must not be narrower than inside"},
      {R"("outside": [1, 4], "clear": [0, 5])", "clear must not be wider than outside"},
      {R"("outside": [1, 4], "clear": 2)", "\"clear\" must be an array, not a number"},
      {R"("above": 4, "clear": [2, 3])", "\"clear\" must be a number, not an array"},
      {R"("above": 4, "for": "0s")", "longer than nothing"},
      {R"("above": 4, "times": 0)", "times is a whole number, 1 to 64"},
      {R"("above": 4, "times": 65)", "times is a whole number, 1 to 64"},
      {R"("above": 4, "times": 2.5)", "times is a whole number, 1 to 64"},
      {R"("above": 4, "times": 1e300)", "times is a whole number, 1 to 64"},
      {R"("above": 4, "within": "5m")", "within needs times"},
      {R"("above": 4, "times": 2, "within": "5m", "for": "1m")", "exclude each other"},
      {R"("above": 4, "active": {"zone": "Europe/Berlin"})", "time zone \"Europe/Berlin\""},
      {R"("above": 4, "active": {"days": ["someday"]})", "a day is one of"},
      {R"("above": 4, "active": "always")", "\"active\" must be an object"},
      {R"("above": 4, "activ": {})", "did you mean \"active\"?"},
  };
  for (const auto& [keys, why] : cases) {
    CAPTURE(keys);
    const auto error = compile_error(
        with(R"({"name": "a", "type": "threshold", "value": "x", )" + std::string(keys) + "}"));
    CAPTURE(error);
    CHECK(error.starts_with("2:"));
    CHECK(error.find(why) != std::string::npos);
  }
}

TEST_CASE("keys of rules with their own limits are refused with the reason") {
  const std::pair<const char*, const char*> cases[] = {
      {R"("type": "ewma", "of": "x")", "needs \"half_life\""},
      {R"("type": "ewma", "of": "x", "half_life": "1m", "half_life_readings": 3)", "not both"},
      {R"("type": "ewma", "of": "x", "half_life_readings": 0)", "half_life_readings lies between"},
      {R"("type": "ewma", "of": "x", "half_life": "1m", "test": "mean", "poison": "include")",
       "nothing to poison"},
      {R"("type": "ewma", "of": "q", "half_life": "1m")", "no telemetry \"q\""},
      {R"("type": "ewma", "of": "x", "half_life": "1m", "limit": 0)", "limit lies between"},
      {R"("type": "ewma", "of": "x", "half_life": "1m", "min_samples": 1)",
       "min_samples lies between 2 and 1e+07"},
      {R"("type": "cusum", "of": "x", "limit": 3)", "no key \"limit\""},
      {R"("type": "cusum", "of": "x", "h": 0)", "h lies between"},
      {R"("type": "cusum", "of": "x", "target": 1)", "needs \"sd\""},
      {R"("type": "cusum", "of": "x", "target": 1, "sd": 0)", "sd lies between"},
      {R"("type": "cusum", "of": "x", "target": 1, "sd": 1, "baseline": "running")",
       "one baseline"},
      {R"("type": "cusum", "of": "x", "poison": "include")", "poison needs baseline = running"},
      {R"("type": "cusum", "of": "x", "reset": "zero", "emit": "transition")", "emit must be each"},
      {R"("type": "seasonal", "of": "x", "slots_per_day": 7)", "divides the 1440 minutes"},
      {R"("type": "seasonal", "of": "x", "slots_per_day": 97)", "slots_per_day lies between"},
      {R"("type": "seasonal", "of": "x", "zone": "Nowhere")", "time zone \"Nowhere\""},
      {R"("type": "robust", "of": "x")", "needs \"span\""},
      {R"("type": "robust", "of": "x", "span": "1m", "max_readings": 1e9)",
       "max_readings lies between 64 and 8192"},
      {R"("type": "robust", "of": "x", "span": "1m", "min_samples": 1000)",
       "at most half of max_readings"},
  };
  for (const auto& [keys, why] : cases) {
    CAPTURE(keys);
    const auto error = compile_error(with(R"({"name": "a", )" + std::string(keys) + "}"));
    CAPTURE(error);
    CHECK(error.starts_with("2:"));
    CHECK(error.find(why) != std::string::npos);
  }
}
