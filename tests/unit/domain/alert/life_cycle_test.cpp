// SPDX-License-Identifier: Apache-2.0
#include "domain/alert/alert_table.hpp"
#include "domain/alert/maintenance_plan.hpp"
#include "tests/unit/domain/twin/twin_fixture.hpp"
#include <random>

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

std::string error_of(const std::string& keys, const std::string& top = {}) {
  return compile_error(R"({"name": "press", "telemetry": {"x": {}}, )" + top + R"("operators": [
    {"name": "hot", "type": "threshold", "value": "x", "above": 90, )" +
                       keys + "}]}");
}

void refused(const std::string& keys, const std::string& part, const std::string& top = {}) {
  const auto error = error_of(keys, top);
  CAPTURE(keys);
  CAPTURE(error);
  CHECK(error.find(part) != std::string::npos);
}

} // namespace

TEST_CASE("a life cycle that makes no sense is refused with the reason") {
  CHECK(error_of(R"("latch": true, "dedup": "5m")") == "");
  refused(R"("flapping": {"changes": 2, "within": "1m"})", "between 3 and 64");
  refused(R"("flapping": {"changes": 6})", "needs \"within\"");
  refused(R"("levels": [{"severity": "critical"}])", "above or below");
  refused(R"("levels": [{"above": 1, "below": 2, "severity": "critical"}])", "not both");
  refused(R"("levels": [{"above": 1}])", "needs \"severity\"");
  refused(R"("levels": [{"above": 9, "severity": "info"}, {"above": 9, "severity": "critical"}])",
          "from the mildest");
  refused(R"("levels": [{"above": 9, "clear": 10, "severity": "info"}])", "mild side");
  refused(R"("levels": [])", "1 to 16");
  refused(R"("levels_by": "z")", "needs levels");
  refused(
      R"("escalate": [{"after": "2m", "severity": "info"}, {"after": "1m", "severity": "info"}])",
      "soonest");
  refused(R"("escalation": [{"after": "2m"}])", "needs \"to\"");
  refused(R"("escalation": ["boss"])", "must be an object");
  refused(R"("suppress_while": "y > 1")", "y");
  refused(R"("lach": true)", "latch");
  refused(R"("latch": true)", "longer than", R"("maintenance": [
    {"from": "2026-01-01T00:00:00Z", "for": "2h", "every": "1h"}], )");
  refused(R"("latch": true)", "from", R"("maintenance": [{"for": "2h"}], )");
}

TEST_CASE("a life cycle decides no verdict: changed, it costs neither state nor alert") {
  const auto text = [](const char* life) {
    return std::string(R"({"name": "press", "telemetry": {"x": {}}, "operators": [
      {"name": "hot", "type": "threshold", "value": "x", "above": 90)") +
           life + "}]}";
  };
  library models;
  models.add("one", text(""));
  models.add("two", text(R"(, "latch": true, "escalation": [{"after": "1m", "to": "boss"}])"));
  hand d(models, "one");
  d.now_s = 10;
  REQUIRE(d.reading(10, {{"x", 95}}).size() == 1);
  auto& in = d.begin(input_kind::model_changed);
  in.model_hash = "two";
  in.model_name = "press";
  CHECK(d.apply().empty());
  CHECK(d.state.active_alerts() == 1);
  d.now_s = 70;
  const auto told = d.tick();
  REQUIRE(told.size() == 1);
  CHECK(told.front().alert.transition == alert_transition::escalated);
  CHECK(d.reading(71, {{"x", 5}}).front().alert.transition == alert_transition::latched);
}

TEST_CASE("two hundred transitions of an incident are told, then only its end") {
  library models;
  models.add("one", R"({"name": "press", "telemetry": {"x": {}}, "operators": [
    {"name": "hot", "type": "threshold", "value": "x", "above": 90, "latch": true}]})");
  hand d(models, "one");
  std::size_t told = 0;
  std::string incident;
  for (int i = 1; i < 500; ++i) {
    d.now_s = i;
    const auto& out = d.reading(i, {{"x", i % 2 == 0 ? 5.0 : 95.0}});
    told += out.size();
    if (i == 1) incident = to_string(out.front().id);
  }
  CHECK(told == max_incident_effects);
  auto& in = d.begin(input_kind::alert_action);
  in.verb = alert_verb::comment;
  in.incident = incident;
  in.detail = "one more";
  CHECK(d.apply().front().fault.what.find("no room") != std::string::npos);
  auto& clear = d.begin(input_kind::alert_action);
  clear.verb = alert_verb::clear;
  clear.incident = incident;
  CHECK(d.apply().front().alert.transition == alert_transition::cleared);
}

TEST_CASE("planned maintenance is what counting from one beginning to the next gives") {
  std::mt19937 random(11);
  const auto upto = [&](unsigned n) { return static_cast<std::int64_t>(random() % n); };
  for (int i = 0; i < 200; ++i) {
    maintenance_plan plan;
    plan.from_ns = upto(50) - 25;
    plan.for_ns = 1 + upto(10);
    plan.every_ns = random() % 4 == 0 ? 0 : plan.for_ns + 1 + upto(10);
    plan.until_ns = random() % 2 == 0 ? never : plan.from_ns + upto(60) - 5;
    const auto slow = [&](std::int64_t now) {
      for (auto t = plan.from_ns; t <= now && t < plan.until_ns; t += plan.every_ns) {
        if (now < t + plan.for_ns) return true;
        if (plan.every_ns == 0) break;
      }
      return false;
    };
    for (std::int64_t now = -40; now < 120; ++now) {
      REQUIRE(plan.holds(now) == slow(now));
      const auto next = plan.next_change_ns(now);
      REQUIRE(next > now);
      auto t = now + 1;
      while (t < 200 && slow(t) == slow(now)) ++t;
      if (t < 200) REQUIRE(next == t);
    }
  }
}
