// SPDX-License-Identifier: Apache-2.0
// Corners of step() that no scenario shows.
#include "domain/base/ensure.hpp"
#include "tests/unit/domain/twin/twin_fixture.hpp"
#include <cmath>

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

constexpr std::string_view small =
    R"({"name": "m", "telemetry": {"x": {}, "block": {"type": "samples"}},
  "operators": [{"name": "high", "type": "threshold", "value": "x", "above": 5},
                {"name": "gone", "type": "absence", "of": "*", "for": "10s"}]})";

} // namespace

TEST_CASE("an input at or before the last one applied changes nothing") {
  library models;
  models.add("m", small);
  hand device(models, "m");
  auto& in = device.begin(input_kind::readings);
  in.fields.push_back({"x", value_view::of(9.0)});
  in.readings.push_back({1, 0, 0, 1});
  CHECK(device.apply().size() == 1);
  const auto bytes = saved(device.state);
  CHECK(device.apply().empty());
  CHECK(saved(device.state) == bytes);
}

TEST_CASE("effects carry their cause, their order and the model that ruled") {
  library models;
  models.add("m", small);
  hand device(models, "m");
  auto& in = device.begin(input_kind::readings);
  const auto cause = in.id;
  in.fields = {{"x", value_view::text("no")}, {"x", value_view::of(9.0)}};
  in.readings.push_back({1, 0, 0, 2});
  const auto& out = device.apply();
  REQUIRE(out.size() == 2);
  CHECK(out[0].kind == effect_kind::fault);
  CHECK(out[0].id == effect_id{cause, 0});
  CHECK(out[1].id == effect_id{cause, 1});
  CHECK(out[1].alert.incident == out[1].id);
  CHECK(out[1].model_hash == "m");
}

TEST_CASE("effect ids have exactly one text") {
  const effect_id id{{{0x123456789abcdef0}, 7}, 4294967295};
  CHECK(to_string(id) == "123456789abcdef0-7-4294967295");
  effect_id back;
  REQUIRE(parse_effect_id("123456789abcdef0-7-4294967295", back));
  CHECK(back == id);
  for (const auto* bad :
       {"", "1-2-3", "123456789abcdef0-7", "123456789abcdef0-7-", "123456789ABCDEF0-7-1",
        "123456789abcdef0-07-1", "123456789abcdef0-7-4294967296", "123456789abcdef0-7-1 ",
        "123456789abcdef0--1", "+23456789abcdef00-7-1"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_effect_id(bad, back));
  }
}

TEST_CASE("a stale tick is a no-op: wrong timer, earlier generation, or before its time") {
  library models;
  models.add("m", small);
  hand device(models, "m");
  device.now_s = 100;
  device.reading(1, {{"x", 1}});
  const auto generation = device.state.timer_generation();
  CHECK(device.state.next_wakeup_ns() == 110 * ns_per_s);
  CHECK(device.tick().empty()); // ten seconds early
  device.now_s = 105;
  device.reading(2, {{"x", 1}});
  device.now_s = 120;
  auto& in = device.begin(input_kind::tick);
  in.timer = device.state.next_timer();
  in.generation = generation; // the reading at 105 moved the timer
  CHECK(device.apply().empty());
  device.begin(input_kind::tick).timer = 77;
  CHECK(device.apply().empty());
  REQUIRE(device.tick().size() == 1);
  CHECK(device.state.next_wakeup_ns() == never);
  CHECK(device.tick().empty());
}

TEST_CASE("readings that are not well formed are a fault, not a crash") {
  library models;
  models.add("m", small);
  hand device(models, "m");
  for (const reading r : {reading{1, 0, 2, 1}, reading{1, 0, 0, 2},
                          reading{1, 0, 0xffffffff, 0xffffffff}, reading{no_time, 0, 0, 1}}) {
    auto& in = device.begin(input_kind::readings);
    in.fields.push_back({"x", value_view::of(1.0)});
    in.readings.push_back(r);
    REQUIRE(device.apply().size() == 1);
    CHECK(device.out[0].kind == effect_kind::fault);
  }
  CHECK(device.value(1, "x", value_view::of(std::nan(""))).size() == 1);
  CHECK(device.value(1, "y", value_view::of(std::nan(""))).size() == 1);
  CHECK(device.seen().readings == 0);
}

TEST_CASE("extreme event times neither overflow nor crash") {
  library models;
  models.add("j", job_j);
  hand device(models, "j");
  for (const std::int64_t t : {no_time + 1, std::int64_t{0}, never, never - 1, no_time + 2})
    for (int i = 0; i < 20; ++i) {
      auto& in = device.begin(input_kind::readings);
      in.ingest_time_ns = t;
      in.fields = {{"temperature", value_view::of(1.0 * i)},
                   {"vibration", value_view::of(4.0 + i)}};
      in.readings.push_back({t, 0, 0, 2});
      device.apply();
      device.reload();
    }
  CHECK(device.seen().last_event_time_ns == never);
}

TEST_CASE("at most 256 undeclared names are kept; one fault an input says so") {
  library models;
  hand device(models); // never created: no model, everything is undeclared
  std::deque<std::string> names;
  auto& in = device.begin(input_kind::readings);
  for (int i = 0; i < 300; ++i)
    in.fields.push_back({names.emplace_back("n" + std::to_string(i)), value_view::of(double(i))});
  in.readings.push_back({1, 0, 0, 300});
  REQUIRE(device.apply().size() == 1);
  CHECK(device.out[0].fault.what.find("256 undeclared") != std::string::npos);
  CHECK(device.seen().telemetry.size() == 256);
  device.reload();
  CHECK(device.seen().telemetry.size() == 256);
  CHECK(device.reading(2, {{"n7", 70}}).empty());
}

TEST_CASE("samples are noted, not kept; text is kept") {
  library models;
  models.add("m", small);
  hand device(models, "m");
  const std::string samples(100'000, '\1');
  device.value(1, "block", value_view::samples(value_kind::samples_i16, samples));
  device.value(2, "note", value_view::text("bearing changed"));
  device.reload();
  const auto seen = device.seen();
  CHECK(seen.telemetry[1].readings == 1);
  CHECK(seen.telemetry[1].event_time_ns == ns_per_s);
  CHECK(std::get<std::string>(seen.telemetry[2].value) == "bearing changed");
  CHECK_FALSE(seen.telemetry[2].declared);
  CHECK(seen.state_bytes < 4000);
  CHECK(device.value(3, "note", value_view::text(samples)).size() == 1);
}

TEST_CASE("a missing model is a fault, and the twin keeps its readings without rules") {
  library models;
  hand device(models, "nobody-knows");
  CHECK(device.out.size() == 1);
  CHECK(device.reading(1, {{"x", 1}}).empty());
  CHECK(device.seen().readings == 1);
  CHECK(device.state.model_hash().empty());
}

TEST_CASE("a wider window of a new model begins with the readings that are there") {
  library models;
  models.add("1m", R"({"name": "m", "telemetry": {"x": {}}, "operators": [
    {"name": "w", "type": "window", "of": "x", "span": "1m"}]})");
  models.add("1h", R"({"name": "m", "telemetry": {"y": {}, "x": {}}, "operators": [
    {"name": "w", "type": "window", "of": "x", "span": "1h"}]})");
  hand device(models, "1m");
  for (int i = 0; i < 100; ++i) device.reading(i, {{"x", i}});
  CHECK(device.seen().windows[0].statistics.count == 60);
  auto& in = device.begin(input_kind::model_changed);
  in.model_name = "m";
  in.model_hash = "1h";
  device.apply();
  CHECK(device.seen().windows[0].statistics.count == 60);
  CHECK(device.seen().windows[0].statistics.max == 99);
  for (int i = 100; i < 200; ++i) device.reading(i, {{"x", i}});
  CHECK(device.seen().windows[0].statistics.count == 160);
}
