// SPDX-License-Identifier: Apache-2.0
// Random machines under random readings and ticks: the operator and a plain interpreter tell the
// same, and saving and loading in between changes nothing.
#include "domain/machine/state_machine.hpp"
#include "tests/unit/domain/machine/machine_fixture.hpp"
#include "tests/unit/domain/machine/plain_machine.hpp"

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

std::vector<std::string> told(const effects& out) {
  std::vector<std::string> all;
  for (const auto& e : out) {
    const bool alert = e.kind == effect_kind::alert;
    all.push_back(alert ? std::string(to_string(e.alert.transition)) + " " + e.alert.rule
                        : e.fault.what);
  }
  return all;
}

} // namespace

TEST_CASE("random machines do what a plain interpreter does, with a save and load anywhere") {
  std::mt19937 dice(20261120);
  std::size_t changes = 0, effects_seen = 0, ticks = 0;
  for (int round = 0; round < 400; ++round) {
    const auto rules = machine_maker(dice).make();
    const auto json = machine_maker::json(rules);
    CAPTURE(json);
    const one_model models(machine_model(json));
    driver d(models), saved_often(models);
    plain_machine plain(rules);
    std::int64_t now = 1000;
    for (int step = 0; step < 60; ++step) {
      CAPTURE(step);
      const auto due = d.state.next_wakeup_ns();
      if (due != never && dice() % 2 == 0) {
        now = std::max(now, (due + ns_per_ms - 1) / ns_per_ms) + (dice() % 4 == 0 ? 700 : 0);
        plain.tick(now);
        d.tick(now);
        saved_often.tick(now);
        ++ticks;
      } else {
        now += 1 + dice() % 3000;
        std::map<std::string, double> values;
        if (dice() % 3 != 0) values["x"] = double(dice() % 10);
        if (dice() % 3 == 0 || values.empty()) values["y"] = double(dice() % 10);
        std::vector<std::pair<std::string, value_view>> fields;
        for (const auto& [name, v] : values) fields.emplace_back(name, value_view::of(v));
        plain.reading(now, values);
        d.reading(now, fields);
        saved_often.reading(now, fields);
      }
      REQUIRE(told(d.out) == plain.told);
      REQUIRE(saved(d.state) == saved(saved_often.state));
      if (dice() % 3 == 0) saved_often.reload();
      const auto why = d.why("m");
      REQUIRE(why.substr(0, why.find(':')) == (plain.state.empty() ? "no data" : plain.state));
      const auto& op = *models.find("m")->find_operator("m");
      for (std::size_t i = 0; i < rules.variables.size(); ++i) {
        const auto has = op.output(d.state.get(), static_cast<std::uint32_t>(i + 1));
        const auto wanted = plain.variables.find(rules.variables[i]);
        REQUIRE(has == (wanted == plain.variables.end() || plain.state.empty()
                            ? std::nullopt
                            : std::optional(wanted->second)));
      }
      effects_seen += plain.told.size();
      changes += plain.state != "s0" && !plain.state.empty() ? 1 : 0;
    }
  }
  CHECK(changes > 1000); // the machines do move
  CHECK(effects_seen > 1000);
  CHECK(ticks > 500);
}
