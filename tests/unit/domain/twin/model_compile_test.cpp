// SPDX-License-Identifier: Apache-2.0
// Model files: what is read, and how a mistake is named.
#include "domain/base/ensure.hpp"
#include "domain/model/operator.hpp"
#include "domain/model/registry.hpp"
#include "tests/unit/domain/twin/twin_fixture.hpp"
#include <limits>

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

// A model with one operator of its own, below a window and a z-score.
std::string with_operator(const std::string& op) {
  return R"({"name": "m", "telemetry": {"x": {}, "y": {}, "s": {"type": "text"}}, "operators": [
{"name": "w", "type": "window", "of": "x", "span": "5m"},
{"name": "z", "type": "z_score", "window": "w"},
)" + op + "]}";
}

} // namespace

TEST_CASE("a model's parts arrive as declared") {
  auto compiled = compile(model_text::read(R"({"$schema": "x", "description": "d", "name": "motor",
    "kind": "motor", "telemetry": {"vibration": {"unit": "mm/s", "min": 0, "max": 100}, "on": {"type": "boolean"}},
    "commands": {"set_speed": {"argument": "speed", "min": 1, "max": 9, "max_step": 2, "min_interval": "10s", "ttl": "5s"}, "stop": {}},
    "operators": [
      {"name": "a", "type": "window", "of": "vibration", "span": "5m", "max_entries": 1000},
      {"name": "b", "type": "window", "of": "vibration", "span": "1h"},
      {"name": "silent", "type": "absence", "of": "*", "for": "45s"}]})"));
  REQUIRE(compiled.ok());
  const auto& m = *compiled;
  CHECK(m.kind == "motor");
  CHECK(m.telemetry[0].unit == "mm/s");
  CHECK(m.telemetry[1].type == telemetry_type::boolean);
  CHECK(m.telemetry[1].max == std::numeric_limits<double>::infinity());
  CHECK(m.commands[0].max_step == 2);
  CHECK(m.commands[0].default_ttl_ns == 5 * ns_per_s);
  CHECK(m.find_command("stop")->default_ttl_ns == 30 * ns_per_s);
  CHECK(m.series_span_ns == std::vector<std::int64_t>{3600 * ns_per_s, 0});
  CHECK(m.series_count == 1);
  CHECK(m.timed.size() == 1);
  CHECK(operator_revisions(m) == "window@2 absence@1");
  CHECK(m.telemetry_slot("on") == 1);
  CHECK(m.telemetry_slot("on", 7) == 1);
  CHECK(m.telemetry_slot("off") == -1);
}

TEST_CASE("mistakes are named with their place and the nearest right word") {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"nam": "m"})", "1:9: model has no key \"nam\"; did you mean \"name\"?"},
      {R"({"name": "two words"})", "1:10: a model's name is"},
      {R"({"name": "m", "telemetry": {"x": {"unti": "C"}}})", "did you mean \"unit\"?"},
      {R"({"name": "m", "telemetry": {"x": {"type": "nmber"}}})", "did you mean \"number\"?"},
      {R"({"name": "m", "telemetry": {"x": {"min": 2, "max": 1}}})", "1:34: min is above max"},
      {R"({"name": "m", "telemetry": {"x": {}, "x": {}}})", "\"x\" is declared twice"},
      {R"({"name": "m", "commands": {"c": {"max_stp": 2}}})", "did you mean \"max_step\"?"},
      {R"({"name": "m", "commands": {"c": {"min": 2}}})", "name it by \"argument\""},
      {R"({"name": "m", "operators": [{"name": "a", "type": "treshold"}]})",
       "1:51: no operator type \"treshold\"; did you mean \"threshold\"?"},
  };
  for (const auto& [json, error] : cases) {
    CAPTURE(json);
    const auto got = compile_error(json);
    CAPTURE(got);
    CHECK(got.find(error) != std::string::npos);
  }
}

TEST_CASE("mistakes in operators are named with their place and the nearest right word") {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"name": "z", "type": "window", "of": "x", "span": "5m"})",
       "4:10: an operator \"z\" stands above already"},
      {R"({"name": "a", "type": "window", "of": "yy", "span": "5m"})",
       "4:39: no telemetry \"yy\"; did you mean \"y\"?"},
      {R"({"name": "a", "type": "window", "of": "s", "span": "5m"})", "\"s\" is not a number"},
      {R"({"name": "a", "type": "window", "of": "x", "span": "5 min"})", "span"},
      {R"({"name": "a", "type": "window", "of": "x", "span": "5m", "max_entries": 0})",
       "max_entries lies"},
      {R"({"name": "a", "type": "z_score", "window": "v"})",
       "4:44: no window \"v\" above this operator; did you mean \"w\"?"},
      {R"({"name": "a", "type": "z_score", "window": "z"})", "no window \"z\""},
      {R"({"name": "a", "type": "z_score", "window": "w", "limt": 2})", "did you mean \"limit\"?"},
      {R"({"name": "a", "type": "z_score", "window": "w", "limit": 0})", "limit must be above 0"},
      {R"({"name": "a", "type": "z_score", "window": "w", "min_samples": 1})", "min_samples lies"},
      {R"({"name": "a", "type": "z_score", "window": "w", "sides": "up"})", "upper"},
      {R"({"name": "a", "type": "threshold", "value": "x > q", "above": 1})", "q"},
      {R"({"name": "a", "type": "threshold", "value": "w.men", "above": 1})", "w.mean"},
      {R"({"name": "a", "type": "threshold", "value": "s", "above": 1})", "s"},
      {R"({"name": "a", "type": "threshold", "value": "1 + 2", "above": 1})", "names no telemetry"},
      {R"({"name": "a", "type": "threshold", "value": "x", "above": 1, "below": 0})", "not both"},
      {R"({"name": "a", "type": "threshold", "value": "x", "above": 1, "clear": 2})",
       "clear must not be above"},
      {R"({"name": "a", "type": "threshold", "value": "x", "below": 1, "clear": 0})",
       "clear must not be below"},
      {R"({"name": "a", "type": "threshold", "value": "x", "clear": 0})",
       "clear needs above or below"},
      {R"({"name": "a", "type": "threshold", "value": "x", "above": 1, "severity": "bad"})",
       "warning"},
      {R"({"name": "a", "type": "sequence", "rises": {"of": "x", "abov": 4}, "then": "z", "within": "1m"})",
       "4:64: rises has no key \"abov\"; did you mean \"above\"?"},
      {R"({"name": "a", "type": "sequence", "rises": {"of": "x", "above": 4, "count": 64}, "then": "z", "within": "1m"})",
       "between 1 and 63"},
      {R"({"name": "a", "type": "sequence", "rises": {"of": "x", "above": 4}, "then": "w", "within": "1m"})",
       "no z_score operator \"w\""},
      {R"({"name": "a", "type": "absence", "of": "x"})", "\"for\""},
      {R"({"name": "a", "type": "absence", "of": "q", "for": "1m"})", "no telemetry \"q\""},
      {R"({"name": "a", "type": "crash_probe", "of": "x"})", "\"value\""},
  };
  for (const auto& [op, error] : cases) {
    CAPTURE(op);
    const auto got = compile_error(with_operator(op));
    CAPTURE(got);
    CHECK(got.find(error) != std::string::npos);
  }
  CHECK(compile_error(with_operator(
            R"({"name": "a", "type": "threshold", "value": "w.mean", "above": 1})")) == "");
}

TEST_CASE(
    "every operator type stands once in the table and says why it is quiet in an empty twin") {
  library models;
  models.add("m", with_operator(R"({"name": "t", "type": "threshold", "value": "x", "above": 1},
    {"name": "q", "type": "sequence", "rises": {"of": "x", "above": 4}, "then": "z", "within": "1m"},
    {"name": "e", "type": "ewma", "of": "x", "half_life": "1h"},
    {"name": "u", "type": "cusum", "of": "x"},
    {"name": "h", "type": "seasonal", "of": "x"},
    {"name": "r", "type": "robust", "of": "x", "span": "1h"},
    {"name": "n", "type": "nearest", "of": "x"},
    {"name": "v", "type": "multivariate", "of": ["x", "y"]},
    {"name": "p", "type": "pattern", "pattern": "a: x above 1 then b: [y < 0] within 1m"},
    {"name": "l", "type": "machine_alert"},
    {"name": "m", "type": "state_machine", "initial": "on", "states": [{"name": "on", "alert": "l"}]},
    {"name": "a", "type": "absence", "of": "x", "for": "1m"},
    {"name": "j", "type": "as_of", "of": "x", "with": ["y"], "tolerance": "5s"},
    {"name": "c", "type": "crash_probe", "of": "y", "value": 666})"));
  std::map<std::string_view, int> used;
  for (const auto& op : models.find("m")->operators) ++used[op->identity().type];
  for (const auto& type : operator_types()) CHECK(used[type.name] == 1);
  hand device(models, "m");
  for (const auto& rule : device.seen().rules) {
    CAPTURE(rule.name);
    CHECK_FALSE(rule.state.empty());
    CHECK_FALSE(rule.explanation.empty());
  }
}

TEST_CASE("a crash probe throws at its value only, and only where a model asks for it") {
  library models;
  models.add("with", R"({"name": "m", "telemetry": {"x": {}}, "operators": [
    {"name": "boom", "type": "crash_probe", "of": "x", "value": 666}]})");
  models.add("without", R"({"name": "m", "telemetry": {"x": {}}})");
  hand device(models, "with"), calm(models, "without");
  CHECK_NOTHROW(device.reading(1, {{"x", 665}}));
  CHECK_THROWS_AS(device.reading(2, {{"x", 666}}), broken_invariant);
  CHECK_NOTHROW(calm.reading(2, {{"x", 666}}));
}
