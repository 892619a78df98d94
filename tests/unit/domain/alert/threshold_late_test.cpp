// SPDX-License-Identifier: Apache-2.0
// Which readings a threshold is judged at, without an event_time block, where what it looks at may
// change with any: those that bring something newer, and none that are late.
#include "tests/unit/domain/alert/hold_fixture.hpp"

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;
using list = std::vector<std::string>;

namespace {

library over_ten_seconds(const std::string& keys) {
  library models;
  models.add("m", R"({"name": "m", "telemetry": {"x": {}, "y": {}, "note": {"type": "text"}},
    "operators": [
    {"name": "w", "type": "window", "kind": "tumbling", "of": "x", "size": "10s"},
    {"name": "r", "type": "threshold", )" +
                      keys + "}]}");
  return models;
}

value_view text() { return value_view::text("so"); }

} // namespace

TEST_CASE("readings that bring nothing newer do not count among the times of a closing window") {
  const auto models = over_ten_seconds(R"("value": "w.mean", "above": 10, "times": 4)");
  hand device(models, "m");
  (void)device.reading(100, {{"x", 20}});
  CHECK(device.reading(112, {{"x", 20}, {"y", 1}}).empty()); // closes a window of 20: the first
  for (const double t : {105., 111., 112.})
    CHECK(device.reading(t, {{"x", t}}).empty()); // late, late into the open window, a correction
  CHECK(device.value(108, "undeclared", value_view::of(1.0)).empty());
  CHECK(device.why("r").find("1 of 4 readings") != std::string::npos);
  CHECK(device.value(109, "note", text()).empty()); // older than x, but the first of its name
  CHECK(device.why("r").find("2 of 4 readings") != std::string::npos);
  CHECK(device.value(109, "note", value_view::text("other")).empty()); // a correction
  CHECK(device.value(113, "undeclared", value_view::of(2.0)).empty()); // newer than all
  CHECK(device.value(113, "undeclared", value_view::of(3.0)).empty()); // a correction
  CHECK(device.why("r").find("3 of 4 readings") != std::string::npos);
  CHECK(told(device.reading(113, {{"y", 3}})) == list{"raised 113.0"}); // a newer y
}

TEST_CASE("a late reading neither raises nor clears, nor ends a run, whatever it changes") {
  const auto models = over_ten_seconds(R"("value": "w.late", "above": 0)");
  hand device(models, "m");
  (void)device.reading(100, {{"x", 1}});
  (void)device.reading(120, {{"x", 1}});
  CHECK(device.reading(105, {{"x", 1}}).empty()); // the window it belongs to is closed
  CHECK(told(device.reading(121, {{"y", 1}})) == list{"raised 121.0"});

  const auto held = over_ten_seconds(R"("value": "w.late", "below": 1, "clear": 1, "for": "30s")");
  hand patient(held, "m");
  (void)patient.reading(100, {{"x", 1}});
  CHECK(patient.reading(111, {{"x", 1}}).empty()); // none late since 100
  CHECK(patient.reading(105, {{"x", 1}}).empty());
  const auto& out = patient.reading(150, {{"y", 1}});
  REQUIRE(told(out) == list{"raised 130.0", "cleared 150.0"});
  CHECK(number(out[0].alert.proof, "value") == 0);
}

TEST_CASE("readings within a time count by their own times, whichever telemetry came first") {
  library models;
  models.add("m", R"({"name": "m", "telemetry": {"x": {}, "y": {}}, "operators": [
    {"name": "r", "type": "threshold", "value": "x + y", "above": 10, "times": 4, "within": "30s"}
    ]})");
  hand device(models, "m");
  (void)device.reading(50, {{"y", 1}});
  CHECK(device.reading(100, {{"x", 20}}).empty());
  CHECK(device.reading(80, {{"y", 20}}).empty()); // newer than y's last, older than x's
  CHECK(device.reading(60, {{"y", 20}}).empty()); // late
  device.reload();
  CHECK(device.reading(90, {{"y", 21}}).empty());
  CHECK(device.why("r").find("3 of 4 readings") != std::string::npos);
  device.reload();
  CHECK(device.reading(115, {{"x", 21}}).empty()); // the one at 80 is too old by now
  device.reload();
  const auto& out = device.reading(85, {{"y", 1}, {"x", 1}});
  CHECK(out.empty()); // both late
  const auto& raised = device.reading(95, {{"y", 22}});
  REQUIRE(told(raised) == list{"raised 95.0"});
  CHECK(raised[0].alert.proof.event_times_ns ==
        std::vector<std::int64_t>{90 * ns_per_s, 95 * ns_per_s, 100 * ns_per_s, 115 * ns_per_s});
}

TEST_CASE("where late readings are worked in, each counts at its place") {
  library models;
  models.add("m", R"({"name": "m", "event_time": {"lateness": "1m"},
    "telemetry": {"x": {}, "y": {}}, "operators": [
    {"name": "w", "type": "window", "kind": "tumbling", "of": "x", "size": "10s"},
    {"name": "r", "type": "threshold", "value": "w.mean", "above": 10, "times": 3}]})");
  hand device(models, "m");
  device.now_s = 200;
  (void)device.reading(100, {{"x", 20}});
  (void)device.reading(112, {{"x", 20}});
  CHECK(device.reading(118, {{"y", 1}}).empty());
  CHECK(told(device.reading(115, {{"y", 1}})) == list{"raised 118.0"});
}
