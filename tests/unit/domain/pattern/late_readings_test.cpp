// SPDX-License-Identifier: Apache-2.0
// Patterns and time: the order in which readings arrive does not matter while they are amended, and
// a crash anywhere is as no crash.
#include "tests/unit/domain/twin/random_stream.hpp"

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

std::string model_with_patterns(random_stream& random, const std::string& block) {
  static const char* skips[] = {"none", "next", "past_last", "to_last b"};
  const auto skip = [&] { return std::string(" skip ") + skips[random.chance(4)]; };
  return R"({"name":"m","event_time":)" + block +
         R"(,"telemetry":{"x":{},"y":{},"label":{"type":"text"}},"operators":[
    {"name":"xs","type":"window","of":"x","span":"30s"},
    {"name":"z","type":"z_score","window":"xs","limit":2,"sides":"both","min_samples":4,"emit":"each"},
    {"name":"steps","type":"pattern","emit":"both","pattern":"a: x above 51 then b: [y < 19 && y < prev(y)] thenAny within 20s c: [x > last(a.x)] within )" +
         std::to_string(10 + random.chance(50)) + "s" + skip() + R"("},
    {"name":"row","type":"pattern","pattern":"a: rising(x, 2) then b: changed(y){1,3} greedy next upper(z) within 40s)" +
         skip() + R"("},
    {"name":"calm","type":"pattern","emit":"both","pattern":"b: spike(x, 2 sigma) over 30s then not [x > 51] within )" +
         std::to_string(5 + random.chance(20)) + "s" + skip() + R"("}]})";
}

} // namespace

TEST_CASE("property: patterns on a shuffled stream end as on the stream in order") {
  std::map<std::string, int> met;
  for (unsigned seed = 0; seed < 40; ++seed) {
    CAPTURE(seed);
    random_stream random(seed + 5000);
    const int disorder = random.chance(3) == 0 ? 0 : random.chance(20);
    const int lateness = random.chance(60);
    library models;
    models.add("m", model_with_patterns(random, R"({"disorder":")" + std::to_string(disorder) +
                                                    R"(s","lateness":")" +
                                                    std::to_string(lateness) + R"(s"})"));
    const auto in_order = random.readings(150 + std::size_t(random.chance(200)));
    auto shuffled = in_order;
    random.shuffle(shuffled, (disorder + lateness) * ns_per_s);
    const auto feed = [&](const std::vector<sent_reading>& all, listener& who, fed_twin& twin,
                          bool reloads) {
      for (std::size_t i = 0; i < all.size(); ++i) {
        who.hear(twin.feed(all, i, i + 1));
        if (reloads && random.chance(5) == 0) twin.reload();
      }
      who.hear(twin.tick(3600 * ns_per_s));
    };
    fed_twin straight(models, "m"), late(models, "m"), crashing(models, "m");
    listener hears_straight, hears_late, hears_crashing;
    feed(in_order, hears_straight, straight, false);
    feed(shuffled, hears_late, late, false);
    feed(shuffled, hears_crashing, crashing, true);
    CHECK(late.line().lanes.too_late == 0);
    REQUIRE(hears_late.view() == hears_straight.view());
    REQUIRE(hears_crashing.view() == hears_straight.view());
    REQUIRE(saved(crashing.state) == saved(late.state));
    REQUIRE(content_of(late.state) == content_of(straight.state));
    for (const auto& [what, n] : hears_late.met) met[what] += n;
  }
  CHECK(met["emitted"] > 300);
  CHECK(met["late emitted"] > 100);
  CHECK(met["late retracted"] + met["retracted"] > 20);
}
