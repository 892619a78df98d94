// SPDX-License-Identifier: Apache-2.0
// Event time where a script cannot reach: what people did to alerts, changes of the model, bounds.
#include "domain/twin/timeline.hpp"
#include "tests/unit/domain/twin/twin_fixture.hpp"

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

std::string model_with(const std::string& block) {
  return R"({"name":"m",)" + block + R"("telemetry":{"x":{},"note":{"type":"text"}},"operators":[
    {"name":"x_20s","type":"window","of":"x","span":"20s"},
    {"name":"hot","type":"threshold","value":"x","above":90}]})";
}

const std::string amend = R"("event_time":{"lateness":"1m"},)";

struct one_twin {
  explicit one_twin(const std::string& block = amend) {
    models.add("m", model_with(block));
    twin = std::make_unique<hand>(models, "m");
    twin->now_s = 1000;
  }
  const effects& at(double t, double x) { return twin->reading(t, {{"x", x}}); }
  void acknowledge(const effect_id& incident) {
    auto& in = twin->begin(input_kind::alert_acknowledged);
    const auto name = to_string(incident);
    in.incident = name;
    in.by = "ada";
    twin->apply();
  }
  library models;
  std::unique_ptr<hand> twin;
};

} // namespace

TEST_CASE("an acknowledgement survives a correction, and an alert that opens again") {
  one_twin t;
  t.at(100, 50);
  const auto incident = t.at(110, 95).at(0).alert.incident;
  t.acknowledge(incident);
  const auto corrected = t.at(105, 96);
  REQUIRE(corrected.size() == 1);
  CHECK(corrected[0].alert.transition == alert_transition::corrected);
  CHECK(corrected[0].alert.incident == incident);
  CHECK(corrected[0].alert.event_time_ns == 105 * ns_per_s);
  REQUIRE(t.twin->seen().alerts.size() == 1);
  CHECK(t.twin->seen().alerts[0].acknowledged);
  CHECK(t.twin->seen().alerts[0].raised_at_ns == 105 * ns_per_s);

  REQUIRE(t.at(120, 50).size() == 1); // cleared
  CHECK(t.twin->seen().alerts.empty());
  const auto again = t.at(120, 97); // it was not 50 after all
  REQUIRE(again.size() >= 1);
  CHECK(again[0].alert.transition == alert_transition::corrected);
  CHECK(again[0].alert.incident == incident);
  REQUIRE_FALSE(t.twin->seen().alerts.empty());
  CHECK(t.twin->seen().alerts[0].acknowledged);
  CHECK(t.twin->seen().alerts[0].acknowledged_by == "ada");
}

TEST_CASE("an alert that was ended by hand stays ended when a late reading comes") {
  one_twin t;
  t.at(100, 50);
  const auto incident = to_string(t.at(110, 95).at(0).alert.incident);
  auto& in = t.twin->begin(input_kind::alert_action);
  in.verb = alert_verb::clear;
  in.incident = incident;
  in.by = "ada";
  t.twin->apply();
  REQUIRE(t.twin->seen().alerts.empty());
  CHECK(t.at(109, 40).empty()); // changes nothing
  CHECK(t.twin->seen().alerts.empty());
  t.twin->reload();
  CHECK(t.at(111, 95).at(0).alert.transition ==
        alert_transition::raised); // as without the late one
  const auto late = t.at(108, 41);
  CHECK(late.empty());
  CHECK(t.twin->seen().alerts.size() == 1);
}

TEST_CASE("readings from before a change of the model are not worked in after it") {
  one_twin t;
  t.models.add("n", model_with(R"("event_time":{"lateness":"2m"},)"));
  t.at(100, 50);
  t.at(110, 51);
  auto& in = t.twin->begin(input_kind::model_changed);
  in.model_name = "m";
  in.model_hash = "n";
  t.twin->apply();
  CHECK(t.at(105, 95).empty());
  CHECK(t.twin->seen().event_time.too_late == 1);
  CHECK(t.twin->seen().event_time.watermark_ns == 110 * ns_per_s);
  t.at(120, 52);
  CHECK(t.at(115, 95).size() == 2); // raised and cleared
  t.twin->reload();
  const auto sooner = t.at(117, 40); // it was over at 117 already
  REQUIRE(sooner.size() == 1);
  CHECK(sooner[0].alert.transition == alert_transition::cleared);
}

TEST_CASE("a late reading moves the end of a latched alert, and it stays latched") {
  one_twin t;
  t.models.add("latched", R"({"name":"m","event_time":{"lateness":"1m"},"telemetry":{"x":{}},
    "operators":[{"name":"hot","type":"threshold","value":"x","above":90,"latch":true}]})");
  t.twin = std::make_unique<hand>(t.models, "latched");
  t.at(100, 50);
  const auto incident = t.at(110, 95).at(0).alert.incident;
  REQUIRE(t.at(120, 50).at(0).alert.transition == alert_transition::latched);
  const auto sooner = t.at(115, 40);
  REQUIRE(sooner.size() == 1);
  CHECK(sooner[0].alert.transition == alert_transition::latched);
  CHECK(sooner[0].alert.event_time_ns == 115 * ns_per_s);
  REQUIRE(t.at(130, 96).at(0).alert.transition == alert_transition::reopened);
  // The end of its first turn moves once more: the last word is that it stands.
  const auto past = t.at(112, 40);
  REQUIRE(past.size() == 2);
  CHECK(past[1].alert.transition == alert_transition::reopened);
  // It never came back: it waits for its reset again, and is not retracted.
  const auto never_back = t.at(130, 20);
  REQUIRE(never_back.size() == 1);
  CHECK(never_back[0].alert.transition == alert_transition::latched);
  CHECK(never_back[0].alert.incident == incident);
  REQUIRE(t.twin->seen().alerts.size() == 1);
  CHECK(t.twin->seen().alerts[0].latched);
}

TEST_CASE("a late reading may correct what was ended by hand, and it is over all the same") {
  one_twin t;
  t.at(100, 50);
  const auto incident = to_string(t.at(110, 95).at(0).alert.incident);
  auto& in = t.twin->begin(input_kind::alert_action);
  in.verb = alert_verb::clear;
  in.incident = incident;
  in.by = "ada";
  t.twin->apply();
  const auto late = t.at(105, 96); // it began sooner
  REQUIRE(late.size() == 2);
  CHECK(late[0].alert.transition == alert_transition::corrected);
  CHECK(late[1].alert.transition == alert_transition::cleared);
  CHECK(to_string(late[1].alert.incident) == incident);
  CHECK(t.twin->seen().alerts.empty());
}

TEST_CASE("what waits to be worked in when the model changes is worked in before rules go") {
  one_twin t(R"("event_time":{"lateness":"1h"},)");
  t.models.add("n", R"({"name":"m","telemetry":{"x":{}},"operators":[]})");
  t.at(100, 50);
  for (int i = 0; i < 3000; ++i) t.at(200 + i, 50);
  bool waits = false;
  for (int i = 0; i < 30 && !waits; ++i) {
    t.at(150 + i, 50);
    waits = t.twin->seen().event_time.pending;
  }
  REQUIRE(waits);
  REQUIRE(t.at(3300, 95).size() == 1);
  auto& in = t.twin->begin(input_kind::model_changed);
  in.model_name = "m";
  in.model_hash = "n";
  const auto& told = t.twin->apply();
  REQUIRE(told.size() == 1); // not taken back and left open by what comes after
  CHECK(told[0].alert.transition == alert_transition::cleared);
  CHECK(t.twin->seen().alerts.empty());
}

TEST_CASE("what is kept to go back is bounded by max_rows, and by the bytes of texts") {
  one_twin t(R"("event_time":{"lateness":"1h","max_rows":100},)");
  for (int i = 0; i < 1000; ++i) t.at(1000 + i, 50 + i % 7);
  CHECK(t.twin->seen().event_time.kept_readings <= 100);
  CHECK(t.twin->seen().event_time.bytes < 64 * 1024);
  t.at(1500, 99);
  CHECK(t.twin->seen().event_time.too_late == 1); // within the lateness, beyond the bound
  CHECK(t.at(1990, 99).size() >= 1);

  one_twin texts(R"("event_time":{"lateness":"1h"},)");
  const std::string note(1000, 'n');
  for (int i = 0; i < 2000; ++i) texts.twin->value(1000 + i, "note", value_view::text(note));
  CHECK(texts.twin->seen().event_time.bytes < 4 * max_row_text_bytes);
  CHECK(texts.twin->seen().event_time.kept_readings > 100);
}

TEST_CASE("without a block there is no timeline; with late = keep none to go back by") {
  one_twin plain(""), keep(R"("event_time":{"late":"keep"},)");
  for (int i = 0; i < 100; ++i) {
    plain.at(1000 + i, 50);
    keep.at(1000 + i, 50);
  }
  CHECK_FALSE(plain.twin->seen().event_time.configured);
  CHECK(plain.twin->state.get().line == nullptr);
  CHECK(keep.twin->seen().event_time.kept_readings == 0);
  CHECK(keep.twin->seen().event_time.bytes < 1024);
  CHECK(keep.at(1050.5, 95).empty());
  CHECK(keep.twin->seen().event_time.late_kept == 1);
}

TEST_CASE("mistakes in an event_time block are named with their place") {
  const auto error = [](const std::string& block) {
    return compile_error(model_with("\"event_time\":" + block + ","));
  };
  CHECK(error("{}").empty());
  CHECK(error(R"({"disorder":"0s","lateness":"0s","idle":"5m","future":"1h","late":"amend"})")
            .empty());
  CHECK(error(R"({"lateness":"1m","late":"drop"})").find("lateness goes with") !=
        std::string::npos);
  CHECK(error(R"({"lates":"1m"})").find("late") != std::string::npos);
  CHECK(error(R"({"late":"ammend"})").find("amend") != std::string::npos);
  CHECK(error(R"({"idle":"10ms"})").find("at least 1s") != std::string::npos);
  CHECK(error(R"({"lateness":"40d"})").find("30 days") != std::string::npos);
  CHECK(error(R"({"max_rows":3})").find("max_rows") != std::string::npos);
  CHECK(error(R"({"disorder":"soon"})").starts_with("1:"));
}

TEST_CASE("a state stored before there was event time is read; one with another timeline is not") {
  one_twin plain("");
  plain.at(100, 50);
  plain.at(110, 95);
  const auto now = saved(plain.twin->state);
  auto before = now;
  REQUIRE(before[0] == 4);
  before[0] = 3;
  before.resize(before.size() - 4 - 8); // properties: none, and how often they changed
  REQUIRE(before.back() == 0);          // no timeline
  auto third = load(plain.models, "test:twin", before);
  REQUIRE(third.ok());
  CHECK(saved(*third) == now);
  before[0] = 2;
  before.erase(1 + 4 + 1 + 12 + 8 + 16 + 40 + 24 + 16, 9); // what counts missing numbers
  auto second = load(plain.models, "test:twin", before);
  REQUIRE(second.ok());
  CHECK(saved(*second) == now);
  before[0] = 1;
  before.pop_back();
  auto loaded = load(plain.models, "test:twin", before);
  REQUIRE(loaded.ok());
  CHECK(saved(*loaded) == now);
  CHECK(loaded->active_alerts() == 1);

  auto odd = now;
  odd[odd.size() - 1 - 4 - 8] = 1; // a timeline that the model has none for
  CHECK(load(plain.models, "test:twin", odd).error().code == errc::corrupt);
  odd[0] = 5;
  CHECK(load(plain.models, "test:twin", odd).error().code == errc::version_mismatch);
}
