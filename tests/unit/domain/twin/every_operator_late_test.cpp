// SPDX-License-Identifier: Apache-2.0
// Every kind of operator under late readings: going back and forward again must leave what the
// order would have left. An operator that keeps to operator.hpp needs nothing of its own for that.
#include "tests/unit/domain/twin/random_stream.hpp"

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

struct kind_of_operator {
  const char* what;
  const char* operators;
};

const kind_of_operator kinds[] = {
    {"tumbling", R"({"name":"w","type":"window","of":"x","kind":"tumbling","size":"7s"},
                    {"name":"o","type":"threshold","value":"w.mean","above":50.5})"},
    {"hopping", R"({"name":"w","type":"window","of":"x","kind":"hopping","size":"20s","hop":"5s"},
                   {"name":"o","type":"threshold","value":"w.max","above":55})"},
    {"session", R"({"name":"w","type":"window","of":"x","kind":"session","gap":"4s"},
                   {"name":"o","type":"threshold","value":"w.count","above":4})"},
    {"count", R"({"name":"w","type":"window","of":"x","kind":"count","last":7},
                 {"name":"o","type":"threshold","value":"w.mean","above":50.5})"},
    {"pattern", R"({"name":"o","type":"pattern","within":"20s","stages":[
                    {"name":"a","where":"x > 50.5"},{"name":"b","where":"y < 18"}]})"},
    {"ewma", R"({"name":"o","type":"ewma","of":"x","half_life":"20s","limit":2,"min_samples":5})"},
    {"ewma chart", R"({"name":"o","type":"ewma","of":"x","half_life_readings":5,"test":"mean",
                       "limit":2,"min_samples":8,"emit":"each"})"},
    {"cusum", R"({"name":"o","type":"cusum","of":"x","target":50,"sd":1})"},
    {"robust", R"({"name":"o","type":"robust","of":"x","span":"40s","limit":2,"min_samples":5})"},
    {"seasonal", R"({"name":"o","type":"seasonal","of":"x","limit":2,"min_samples":4})"},
    {"multivariate",
     R"({"name":"o","type":"multivariate","of":["x","y"],"learn":10,"smoothing":1,"limit":2})"},
    {"nearest", R"({"name":"o","type":"nearest","of":"x","lengths":[3],"neighbours":2})"},
    {"as of", R"({"name":"j","type":"as_of","of":"x","with":["y"],"tolerance":"9s"},
                 {"name":"o","type":"threshold","value":"x + j.y","above":71})"},
    {"patient",
     R"({"name":"o","type":"threshold","value":"x","above":50.3,"for":"3s","clear_for":"2s"})"},
    {"counting", R"({"name":"o","type":"threshold","value":"x","above":50.3,"times":3})"},
};

} // namespace

TEST_CASE("property: operators of every kind end as if late readings had come in order") {
  for (const auto& kind : kinds) {
    CAPTURE(std::string(kind.what));
    const std::string text =
        R"({"name":"m","event_time":{"disorder":"4s","lateness":"30s"},
            "telemetry":{"x":{},"y":{},"label":{"type":"text"}},"operators":[)" +
        std::string(kind.operators) + "]}";
    REQUIRE(compile_error(text) == "");
    library models;
    models.add("m", text);
    int told = 0;
    for (unsigned seed = 0; seed < 12; ++seed) {
      CAPTURE(seed);
      random_stream random(seed);
      const auto in_order = random.readings(300);
      auto shuffled = in_order;
      random.shuffle(shuffled, 34 * ns_per_s);
      fed_twin straight(models, "m"), late(models, "m");
      listener hears_straight, hears_late;
      for (std::size_t i = 0; i < in_order.size(); ++i) {
        hears_straight.hear(straight.feed(in_order, i, i + 1));
        hears_late.hear(late.feed(shuffled, i, i + 1));
        if (i % 50 == 0) late.reload();
      }
      hears_straight.hear(straight.tick(longest_wait_ns));
      hears_late.hear(late.tick(longest_wait_ns));
      REQUIRE(content_of(late.state) == content_of(straight.state));
      REQUIRE(hears_late.view() == hears_straight.view());
      told += int(hears_straight.view().size());
    }
    CHECK(told > 0);
  }
}
