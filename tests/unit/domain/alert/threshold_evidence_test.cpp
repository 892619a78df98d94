// SPDX-License-Identifier: Apache-2.0
// What a threshold's evidence says when what it judged has changed since, and which telemetry it
// names; and that what a window closes is judged at the reading that closes it.
#include "domain/alert/hold.hpp"
#include "tests/unit/domain/twin/twin_fixture.hpp"
#include <doctest/doctest.h>
#include <limits>

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

struct held_twin {
  explicit held_twin(std::string_view operators, std::string_view event_time = "") {
    models.add("m", R"({"name":"m",)" + std::string(event_time) +
                        R"("telemetry":{"x":{},"y":{},"note":{"type":"text"}},"operators":[)" +
                        std::string(operators) + "]}");
    twin = std::make_unique<hand>(models, "m");
    twin->now_s = 1000;
  }
  const effects& x(double t, double v) { return twin->reading(t, {{"x", v}}); }
  const effects& y(double t, double v) { return twin->reading(t, {{"y", v}}); }
  const effects& note(double t) { return twin->value(t, "note", value_view::text("so")); }
  library models;
  std::unique_ptr<hand> twin;
};

constexpr std::string_view held = R"({"name":"x_1m","type":"window","of":"x","span":"1m"},
  {"name":"hot","type":"threshold","value":"x_1m.mean","above":90,"for":"10s","clear_for":"10s"})";

} // namespace

TEST_CASE("a hold that falls due after a correction shows the value that was judged") {
  held_twin t(R"({"name":"hot","type":"threshold","value":"x + y","above":90,"for":"10s"})");
  t.y(99, 1);
  CHECK(t.x(100, 95).empty());
  CHECK(t.x(100, 20).empty()); // not judged again
  t.twin->reload();
  const auto& out = t.note(120);
  REQUIRE(out.size() == 1);
  CHECK(out[0].alert.event_time_ns == 110 * ns_per_s);
  CHECK(number(out[0].alert.proof, "value") == 96);
  CHECK(number(out[0].alert.proof, "x") == 95);
  CHECK(number(out[0].alert.proof, "y") == 1);
  CHECK(out[0].alert.proof.explanation == "x + y 96 above 90 for 10s");
}

TEST_CASE("a window that has changed since a hold's last reading is no proof of it") {
  held_twin t(held);
  t.x(100, 94);
  t.x(103, 96);
  CHECK(t.x(101, 20).empty()); // late: it joins the window, and is not judged
  const auto& raised = t.y(115, 0);
  REQUIRE(raised.size() == 1);
  CHECK(number(raised[0].alert.proof, "value") == 95);
  CHECK(number(raised[0].alert.proof, "x_1m.mean") == 95);
  CHECK(raised[0].alert.proof.windows.empty());
  CHECK(t.x(120, 30).empty());
  const auto& cleared = t.y(140, 0); // the way back likewise, and nothing came in between
  REQUIRE(cleared.size() == 1);
  CHECK(number(cleared[0].alert.proof, "value") == 60);
  REQUIRE(cleared[0].alert.proof.windows.size() == 1);
  CHECK(cleared[0].alert.proof.windows[0].mean == 60);
}

TEST_CASE("where late readings are worked in, a hold is judged with them") {
  held_twin t(held, R"("event_time":{"lateness":"1m"},)");
  t.x(100, 94);
  t.x(103, 96);
  CHECK(t.x(101, 20).empty());
  CHECK(t.y(115, 0).empty()); // the mean was 57 and 70: nothing was held
}

TEST_CASE("a hold stored before the judged value was kept goes by what is known now") {
  hold_rule rule;
  rule.for_ns = 10 * ns_per_s;
  hold_state state;
  CHECK_FALSE(state.note(rule, true, true, 100));
  std::string before, after;
  byte_writer old_form(before);
  state.save(old_form);
  state.judged = {96, std::numeric_limits<double>::quiet_NaN()};
  byte_writer new_form(after);
  state.save(new_form);
  CHECK(after.size() == before.size() + 2 + 2 * 8);
  hold_state again, older;
  byte_reader in(after), old_in(before);
  REQUIRE(again.load(in));
  REQUIRE(older.load(old_in));
  CHECK(older.judged.empty());
  CHECK(older.since_ns == 100);
  REQUIRE(again.judged.size() == 2);
  CHECK(again.judged[0] == 96);
  std::string form;
  byte_writer out(form);
  again.save(out);
  CHECK(form == after);
  for (std::size_t n = 0; n < after.size(); ++n) {
    hold_state damaged;
    byte_reader cut(std::string_view(after).substr(0, n));
    CHECK_FALSE(damaged.load(cut));
  }
}

TEST_CASE("the evidence names the one telemetry whose readings were judged") {
  const auto field = [](const std::string& window, const std::string& value) {
    held_twin t(window + R"(,{"name":"hot","type":"threshold","value":")" + value +
                R"(","above":10})");
    for (const double at : {100, 150, 200})
      for (const auto& e : t.x(at, at > 100 ? 60 : 0))
        if (e.alert.rule == "hot") return e.alert.proof.field;
    return std::string("nothing");
  };
  const std::string seven = R"({"name":"w","type":"window","kind":"count","of":"x","last":7})";
  CHECK(field(seven, "x") == "x");
  CHECK(field(seven, "w.mean") == "x");
  CHECK(field(R"({"name":"w","type":"window","of":"x","span":"1m"})", "w.mean + 1") == "x");
  CHECK(field(seven, "w.mean + x") == "");
  // Closed by whatever reading comes: of no one telemetry.
  const std::string ten = R"({"name":"w","type":"window","kind":"tumbling","of":"x","size":"10s"})";
  CHECK(field(ten, "w.mean") == "");
}

TEST_CASE("what a window closes is judged at the reading that closes it, a text alone, too") {
  for (const auto* block : {"", R"("event_time":{"lateness":"1m"},)"}) {
    held_twin t(R"({"name":"w","type":"window","kind":"tumbling","of":"x","size":"10s"},
      {"name":"hot","type":"threshold","value":"w.mean","above":50},
      {"name":"patient","type":"threshold","value":"w.mean","above":50,"times":2})",
                block);
    t.x(101, 60);
    CHECK(t.x(102, 70).empty());
    const auto& out = t.note(110);
    REQUIRE(out.size() == 1);
    CHECK(out[0].alert.rule == "hot");
    CHECK(out[0].alert.event_time_ns == 110 * ns_per_s);
    CHECK(number(out[0].alert.proof, "w.mean") == 65);
  }
}
