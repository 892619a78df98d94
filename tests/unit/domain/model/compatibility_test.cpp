// SPDX-License-Identifier: Apache-2.0
// What is told of a change of models, and that twins keep exactly that.
#include "domain/model/compatibility.hpp"
#include "domain/model/operator.hpp"
#include "tests/unit/domain/twin/twin_fixture.hpp"
#include <algorithm>

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

constexpr std::string_view base = R"({"name": "m",
  "telemetry": {"x": {"unit": "mm"}, "y": {}, "flag": {"type": "boolean"}},
  "commands": {"set": {"argument": "v", "min": 0, "max": 10}, "stop": {}},
  "operators": [
    {"name": "x_1m", "type": "window", "of": "x", "span": "1m"},
    {"name": "x_far", "type": "z_score", "window": "x_1m", "min_samples": 5, "min_stddev": 0.1},
    {"name": "x_high", "type": "threshold", "value": "x", "above": 50, "message": "x is high"},
    {"name": "y_high", "type": "threshold", "value": "y", "above": 50},
    {"name": "x_mean", "type": "threshold", "value": "x_1m.mean", "above": 40}]})";

std::string with(std::string_view what, std::string_view instead) {
  std::string text(base);
  const auto at = text.find(what);
  if (at == std::string::npos) throw std::runtime_error("not in the model: " + std::string(what));
  return text.replace(at, what.size(), instead);
}

model made(std::string_view text) {
  auto compiled = compile(model_text::read(text));
  if (!compiled) throw std::runtime_error(compiled.error().what);
  return std::move(*compiled);
}

model_difference change(const std::string& to) { return compare(made(base), made(to)); }

operator_change of(const model_difference& d, std::string_view name) {
  const auto found = std::find_if(d.operators.begin(), d.operators.end(),
                                  [&](const auto& o) { return o.name == name; });
  if (found == d.operators.end()) throw std::runtime_error("no operator " + std::string(name));
  return *found;
}

void change_to(hand& device, std::string_view hash, std::string_view twins = {}) {
  auto& in = device.begin(input_kind::model_changed);
  in.model_name = "m";
  in.model_hash = hash;
  in.detail = twins;
  device.apply();
}

bool alerting(const hand& device, std::string_view rule) {
  return device.why(rule).starts_with("alerting");
}

} // namespace

TEST_CASE("the same model again changes nothing") {
  const auto d = change(std::string(base));
  CHECK(d.keeps_everything());
  for (const auto& o : d.operators) {
    CHECK(o.fate == operator_fate::kept);
    CHECK_FALSE(o.revised);
  }
  for (const auto& t : d.telemetry) CHECK(t.fate == item_fate::same);
  for (const auto& c : d.commands) CHECK(c.fate == item_fate::same);
}

TEST_CASE("words and severity are no definition: the operator is kept and said to be revised") {
  for (const auto& to :
       {with(R"("message": "x is high")", R"("message": "x is very high")"),
        with(R"("message": "x is high")", R"("severity": "critical")"),
        with(R"("message": "x is high")", R"("description": "why", "message": "x is high")")}) {
    const auto d = change(to);
    CHECK(d.keeps_everything());
    CHECK(of(d, "x_high").fate == operator_fate::kept);
    CHECK(of(d, "x_high").revised);
    CHECK_FALSE(of(d, "y_high").revised);
  }
}

TEST_CASE("what depends on a changed operator begins anew, and only that") {
  const auto d = change(with(R"("span": "1m")", R"("span": "2m")"));
  CHECK(of(d, "x_1m").fate == operator_fate::reads_anew);
  CHECK(of(d, "x_1m").why == break_reason::definition);
  for (const auto* name : {"x_far", "x_mean"}) {
    CHECK(of(d, name).fate == operator_fate::anew);
    CHECK(of(d, name).why == break_reason::dependency);
    CHECK(of(d, name).cause == "x_1m");
    CHECK(wording(of(d, name)).find("withdrawn") != std::string::npos);
  }
  CHECK(of(d, "x_high").fate == operator_fate::kept);
  CHECK(of(d, "y_high").fate == operator_fate::kept);
  CHECK(d.telemetry[0].span_was_ns == 60 * ns_per_s);
  CHECK(d.telemetry[0].span_is_ns == 120 * ns_per_s);
  CHECK_FALSE(d.keeps_everything());
}

TEST_CASE("telemetry of another type begins anew with all that reads it") {
  const auto d = change(with(R"("x": {"unit": "mm"})", R"("x": {"type": "integer"})"));
  CHECK(d.telemetry[0].fate == item_fate::changed);
  for (const auto* name : {"x_1m", "x_far", "x_high", "x_mean"}) {
    CHECK(of(d, name).why == break_reason::telemetry);
    CHECK(of(d, name).cause == "x");
  }
  CHECK(of(d, "y_high").fate == operator_fate::kept);
}

TEST_CASE("operators, telemetry and commands that come, go and change are told apart") {
  auto to = with(R"("y": {}, )", R"("z": {}, "y": {"max": 99}, )");
  const auto replace = [&](std::string_view what, std::string_view instead) {
    to.replace(to.find(what), what.size(), instead);
  };
  replace(R"("max": 10}, "stop": {})", R"("max": 20}, "go": {})");
  replace(R"("type": "threshold", "value": "y", "above": 50)",
          R"("type": "absence", "of": "y", "for": "1m")");
  replace(R"("x_mean", "type")", R"("x_level", "type")");
  const auto d = change(to);
  CHECK(of(d, "y_high").why == break_reason::type);
  CHECK(of(d, "x_mean").fate == operator_fate::gone);
  CHECK(of(d, "x_mean").alerts);
  CHECK(of(d, "x_level").fate == operator_fate::added);
  CHECK(d.telemetry[1].name == "z");
  CHECK(d.telemetry[1].fate == item_fate::added);
  CHECK(d.telemetry[2].limits);
  CHECK(d.commands[0].fate == item_fate::changed);
  CHECK(d.commands[1].fate == item_fate::added);
  CHECK(d.commands[2].fate == item_fate::gone);
}

TEST_CASE("an open alert stays open where its rule is kept, else it is withdrawn with the reason") {
  library models;
  models.add("1", base);
  models.add("words",
             with(R"("message": "x is high")", R"("message": "other", "severity": "info")"));
  models.add("limit", with(R"("y", "above": 50)", R"("y", "above": 60)"));
  hand device(models, "1");
  device.reading(1, {{"x", 60}, {"y", 70}});
  REQUIRE(alerting(device, "x_high"));
  REQUIRE(alerting(device, "y_high"));
  change_to(device, "words");
  CHECK(device.out.empty());
  CHECK(alerting(device, "x_high"));
  change_to(device, "limit"); // and back to the first words in the same step
  REQUIRE(device.out.size() == 1);
  CHECK(device.out[0].alert.rule == "y_high");
  CHECK(device.out[0].alert.transition == alert_transition::cleared);
  CHECK(device.out[0].alert.proof.explanation.find("was changed by model version limit") !=
        std::string::npos);
  CHECK(alerting(device, "x_high"));
  device.reading(2, {{"y", 70}}); // the new rule judges by itself
  REQUIRE(device.out.size() == 1);
  CHECK(device.out[0].alert.transition == alert_transition::raised);
  device.reading(3, {{"x", 1}}); // the kept one still knows its incident
  const auto cleared = std::find_if(device.out.begin(), device.out.end(),
                                    [](const effect& e) { return e.alert.rule == "x_high"; });
  REQUIRE(cleared != device.out.end());
  CHECK(cleared->alert.transition == alert_transition::cleared);
}

TEST_CASE("a window that shrinks or grows keeps the readings that are still there") {
  library models;
  models.add("1m", base);
  models.add("20s", with(R"("span": "1m")", R"("span": "20s")"));
  models.add("5m", with(R"("span": "1m")", R"("span": "5m")"));
  hand device(models, "1m");
  for (int i = 0; i < 100; ++i) device.reading(i, {{"x", i % 7}});
  const auto count = [&] { return device.seen().windows[0].statistics.count; };
  CHECK(count() == 60);
  change_to(device, "20s");
  CHECK(count() == 20);
  change_to(device, "5m"); // what left does not come back
  CHECK(count() <= 21);
  CHECK(count() >= 20);
  for (int i = 100; i < 150; ++i) device.reading(i, {{"x", i % 7}});
  CHECK(count() >= 70);
  device.reload();
  CHECK(count() >= 70);
}

TEST_CASE("two changes at once come to the same as the states they pass through allow") {
  library models;
  models.add("1", base);
  models.add("2", with(R"("y", "above": 50)", R"("y", "above": 60)"));
  models.add("3", with(R"("message": "x is high")", R"("message": "again")"));
  hand device(models, "1");
  for (int i = 0; i < 30; ++i) device.reading(i, {{"x", 10 + i % 3}, {"y", 70}});
  const auto before = device.seen().windows[0].statistics;
  change_to(device, "2");
  CHECK(device.out.size() == 1); // y_high withdrawn
  change_to(device, "3");
  CHECK(device.out.empty());
  change_to(device, "3");
  CHECK(device.out.empty());
  CHECK(device.state.model_hash() == "3");
  const auto after = device.seen().windows[0].statistics;
  CHECK(after.count == before.count);
  CHECK(after.mean == before.mean);
  CHECK_FALSE(device.reading(31, {{"x", 1000}}).empty()); // the baseline is warm
}

TEST_CASE("a change for some twins reaches those whose id matches, and no others") {
  library models;
  models.add("1", base);
  models.add("2", with(R"("y", "above": 50)", R"("y", "above": 60)"));
  hand device(models, "1"); // test:twin
  change_to(device, "2", "plant1:*");
  CHECK(device.state.model_hash() == "1");
  change_to(device, "2", "test:*");
  CHECK(device.state.model_hash() == "2");
  change_to(device, "1");
  CHECK(device.state.model_hash() == "1");
}

TEST_CASE("a corrected operator breaks with its old state, and so does what refers to it") {
  const auto was = made(base);
  const auto is = made(base);
  // As if the code of the window had been corrected: the revision is part of what it is.
  const auto& old_window = *was.find_operator("x_1m");
  CHECK(was.find_operator("x_far")->identity().definition.find(
            "window@" + std::to_string(old_window.identity().revision)) != std::string::npos);
  CHECK(counterpart(was, old_window, is) == is.find_operator("x_1m"));
}
