// SPDX-License-Identifier: Apache-2.0
// Order does not matter: the same readings in any order within disorder + lateness leave the same
// twin and, once corrections and retractions are taken in, the same alerts.
#include "tests/unit/domain/twin/random_stream.hpp"

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

// Feeds all, some readings together in one input, until nothing waits to be worked in.
void feed_all(fed_twin& twin, listener& who, const std::vector<sent_reading>& all,
              random_stream& random) {
  for (std::size_t i = 0; i < all.size();) {
    const auto n = std::min<std::size_t>(
        all.size() - i, random.chance(4) == 0 ? 1 + std::size_t(random.chance(6)) : 1);
    who.hear(twin.feed(all, i, i + n));
    i += n;
  }
  who.hear(twin.tick(longest_wait_ns));
  REQUIRE_FALSE(twin.line().pending());
}

std::string difference(const std::vector<std::string>& got, const std::vector<std::string>& want) {
  std::vector<std::string> odd;
  std::string text;
  std::set_difference(got.begin(), got.end(), want.begin(), want.end(), std::back_inserter(odd));
  for (const auto& o : odd) text += "too much: " + o + "\n";
  odd.clear();
  std::set_difference(want.begin(), want.end(), got.begin(), got.end(), std::back_inserter(odd));
  for (const auto& o : odd) text += "missing: " + o + "\n";
  return text;
}

} // namespace

TEST_CASE("property: a stream shuffled within disorder and lateness gives what it gives in order") {
  std::map<std::string, int> met;
  for (unsigned seed = 0; seed < 60; ++seed) {
    CAPTURE(seed);
    random_stream random(seed);
    const int disorder = random.chance(3) == 0 ? 0 : random.chance(20);
    const int lateness = random.chance(60);
    library models;
    models.add("m", random.model(R"({"disorder":")" + std::to_string(disorder) +
                                 R"(s","lateness":")" + std::to_string(lateness) + R"(s"})"));
    const auto in_order = random.readings(150 + std::size_t(random.chance(300)));
    auto shuffled = in_order;
    random.shuffle(shuffled, (disorder + lateness) * ns_per_s);

    fed_twin straight(models, "m"), late(models, "m");
    listener hears_straight, hears_late;
    feed_all(straight, hears_straight, in_order, random);
    feed_all(late, hears_late, shuffled, random);

    CHECK(late.line().lanes.too_late == 0);
    CHECK(late.line().lanes.late_dropped == 0);
    REQUIRE(content_of(late.state) == content_of(straight.state));
    const auto want = hears_straight.view(), got = hears_late.view();
    REQUIRE(difference(got, want) == "");
    for (const auto& [what, n] : hears_late.met) met[what] += n;
    met["amended"] += int(late.line().lanes.late_amended);
    met["reordered"] += int(late.line().lanes.reordered);
  }
  for (const auto* must : {"late raised", "late emitted", "late cleared", "late corrected",
                           "late retracted", "retracted", "amended", "reordered"}) {
    CAPTURE(must);
    CHECK(met[must] > 20);
  }
}

TEST_CASE("property: with late readings, too, a crash anywhere is as no crash") {
  for (unsigned seed = 100; seed < 130; ++seed) {
    CAPTURE(seed);
    random_stream random(seed);
    static const char* late[] = {"amend", "drop", "keep"};
    const auto* policy = late[random.chance(3)];
    library models;
    models.add("m",
               random.model(std::string(R"({"disorder":"3s","idle":"20s","future":"4m","late":")") +
                            policy + "\"" + (policy == late[0] ? R"(,"lateness":"15s")" : "") +
                            (random.chance(3) == 0 ? R"(,"max_rows":64)" : "") + "}"));
    auto all = random.readings(300);
    random.shuffle(all, 30 * ns_per_s); // some are too late
    fed_twin live(models, "m"), resumed(models, "m");
    std::string incident;
    for (std::size_t i = 0; i < all.size(); ++i) {
      for (auto* twin : {&live, &resumed}) {
        if (i % 7 == 0)
          twin->tick(random.chance(1) + 60 * ns_per_s);
        else if (i % 11 == 0 && !incident.empty())
          twin->acknowledge(incident);
        else
          twin->feed(all, i, i + 1);
      }
      REQUIRE(live.out.size() == resumed.out.size());
      listener a, b;
      for (std::size_t k = 0; k < live.out.size(); ++k) {
        CHECK(live.out[k].id == resumed.out[k].id);
        CHECK(live.out[k].alert.transition == resumed.out[k].alert.transition);
        CHECK(live.out[k].alert.incident == resumed.out[k].alert.incident);
        CHECK(digest_of(0, live.out[k].alert.proof) == digest_of(0, resumed.out[k].alert.proof));
        if (live.out[k].kind == effect_kind::alert)
          incident = to_string(live.out[k].alert.incident);
      }
      if (random.chance(9) != 0) continue;
      REQUIRE(saved(live.state) == saved(resumed.state));
      resumed.reload();
      REQUIRE(saved(live.state) == saved(resumed.state));
    }
    CHECK(saved(live.state) == saved(resumed.state));
  }
}

TEST_CASE("property: a damaged timeline is refused or loads, and never crashes") {
  random_stream random(5);
  library models;
  models.add("m", random.model(R"({"disorder":"3s","lateness":"30s","idle":"20s"})"));
  auto all = random.readings(300);
  random.shuffle(all, 30 * ns_per_s);
  fed_twin twin(models, "m");
  for (std::size_t i = 0; i < 250; ++i) twin.feed(all, i, i + 1);
  const auto whole = saved(twin.state);
  std::mt19937 dice{5};
  int refused = 0, taken = 0;
  for (int i = 0; i < 4000; ++i) {
    auto bytes = whole;
    for (int k = i % 3; k >= 0; --k) bytes[dice() % bytes.size()] = char(dice());
    if (i % 5 == 0) bytes.resize(dice() % bytes.size());
    auto loaded = load(models, "test:twin", bytes);
    if (!loaded) {
      ++refused;
      continue;
    }
    ++taken;
    const auto form = saved(*loaded);
    auto again = load(models, "test:twin", form);
    REQUIRE(again.ok());
    REQUIRE(saved(*again) == form);
    fed_twin next(models, "m");
    next.state = std::move(*loaded);
    for (std::size_t n = 250; n < 270; ++n) next.feed(all, n, n + 1);
    next.tick(never / 4);
  }
  CHECK(refused > 500);
  CHECK(taken > 100);
}
