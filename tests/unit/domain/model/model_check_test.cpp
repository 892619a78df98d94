// SPDX-License-Identifier: Apache-2.0
#include "domain/model/model_check.hpp"
#include "tests/unit/domain/twin/twin_fixture.hpp"
#include <algorithm>

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

std::string told(std::string_view text) {
  std::string out;
  for (const auto& f : check_model(model_text::read(text)))
    out += (f.error ? "error " : "warning ") + std::to_string(f.line) + ":" +
           std::to_string(f.column) + " " + f.what + "\n";
  return out;
}

std::size_t lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

} // namespace

TEST_CASE("all mistakes of a model are told at once, with their places") {
  const auto text = told(R"({"name": "m",
"telemetry": {"x": {"mim": 1}, "y": {}},
"commands": {"go": {"min": 3}},
"operators": [
{"name": "a", "type": "treshold", "value": "y", "above": 1},
{"name": "w", "type": "window", "of": "y", "span": "soon"},
{"name": "z", "type": "z_score", "window": "w"},
{"name": "ok", "type": "threshold", "value": "y", "above": 1},
{"name": "b", "type": "threshold", "value": "y +", "above": 1}]})");
  CAPTURE(text);
  CHECK(lines(text) == 5);
  CHECK(text.find("error 2:") != std::string::npos);
  CHECK(text.find("error 3:") != std::string::npos);
  CHECK(text.find("error 5:") != std::string::npos);
  CHECK(text.find("error 6:") != std::string::npos);
  CHECK(text.find("error 9:") != std::string::npos);
  // that z has no window above it only follows from the window's own mistake
  CHECK(text.find("error 7:") == std::string::npos);
}

TEST_CASE("a mistake at the top is told, and ends the search") {
  CHECK(told(R"({"name": "m", "operator": []})").find("operator") != std::string::npos);
  CHECK(lines(told(R"({"kind": "x"})")) == 1);
}

TEST_CASE("a sound model has nothing to be told") {
  CHECK(told(job_j) == "");
  CHECK(told(R"({"name": "m"})") == "");
}

TEST_CASE("what can never be is a warning") {
  const auto text = told(R"({"name": "m",
"telemetry": {"x": {"min": 0, "max": 100}, "on": {"type": "boolean"}},
"event_time": {"late": "amend", "disorder": "1s", "lateness": "10m"},
"operators": [
{"name": "w", "type": "window", "of": "x", "span": "1m", "max_entries": 10},
{"name": "idle", "type": "window", "of": "x", "span": "1h"},
{"name": "z", "type": "z_score", "window": "w", "min_samples": 20},
{"name": "never", "type": "threshold", "value": "x", "above": 100},
{"name": "never_mean", "type": "threshold", "value": "w.mean", "above": 200},
{"name": "never_on", "type": "threshold", "value": "on", "above": 1},
{"name": "stuck", "type": "threshold", "value": "x", "above": 50, "clear": -1},
{"name": "fine", "type": "threshold", "value": "x", "above": 99}]})");
  CAPTURE(text);
  CHECK(lines(text) == 7);
  CHECK(text.find("warning 5:") != std::string::npos); // lateness
  CHECK(text.find("warning 6:") != std::string::npos); // unused
  CHECK(text.find("warning 7:") != std::string::npos);
  CHECK(text.find("warning 8:") != std::string::npos);
  CHECK(text.find("warning 9:") != std::string::npos);
  CHECK(text.find("warning 10:") != std::string::npos);
  CHECK(text.find("warning 11:") != std::string::npos);
  CHECK(text.find("fine") == std::string::npos);
}

TEST_CASE("hostile models are refused with a place, quickly") {
  std::string many = R"({"name": "m", "telemetry": {"x": {}}, "operators": [)";
  for (int i = 0; i < 1000; ++i)
    many += (i != 0 ? std::string(",") : std::string()) + R"({"name": "r)" + std::to_string(i) +
            R"(", "type": "threshold", "value": "x", "above": 1})";
  CHECK(told(many + "]}").find("more than 256 operators") != std::string::npos);
  const std::string deep(5000, '(');
  CHECK(told(R"({"name": "m", "telemetry": {"x": {}}, "operators": [
{"name": "r", "type": "threshold", "value": ")" +
             deep + R"(x", "above": 1}]})")
            .starts_with("error 2:"));
  CHECK(told(R"({"name": "m", "telemetry": {"x": {}}, "operators": [
{"name": "a", "type": "threshold", "value": "b.value", "above": 1},
{"name": "b", "type": "threshold", "value": "a.value", "above": 1}]})")
            .starts_with("error 2:"));
}
