// SPDX-License-Identifier: Apache-2.0
// Sessions and state windows, which end by what the readings say, against slow and obvious ones.
#include "tests/unit/domain/window/closing_fixture.hpp"

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

TEST_CASE("property: sessions give what the obvious ones give") {
  for (unsigned seed = 0; seed < 12; ++seed) {
    CAPTURE(seed);
    library models;
    models.add("m", model_with(window(R"("kind": "session", "gap": "15s")")));
    hand device(models, "m");
    std::mt19937 random{seed};
    std::vector<told_window> got;
    std::vector<samples> want;
    samples running;
    std::int64_t before = std::numeric_limits<std::int64_t>::min();
    for (const auto& r : some_stream(seed, 300, {10 * s, 0})) {
      if (r.t <= before) continue;
      before = r.t;
      if (!running.empty() && r.t >= running.back().t + 15 * s) {
        want.push_back(running);
        running.clear();
      }
      running.push_back(r);
      keep(feed(device, r.t, "x", r.v), got);
      if (seed % 2 == 1 && random() % 6 == 0) device.reload();
      CHECK(offered(device, "w.open_count") == static_cast<double>(running.size()));
    }
    REQUIRE(got.size() == want.size());
    CHECK(got.size() > 20);
    for (std::size_t i = 0; i < got.size(); ++i)
      check_told(got[i], want[i].front().t, want[i].back().t + 15 * s, want[i]);
  }
}

TEST_CASE("a reading exactly one gap later begins the next session") {
  library models;
  models.add("m", model_with(window(R"("kind": "session", "gap": "10s")", R"(["count","ewma"])")));
  hand device(models, "m");
  feed(device, 0, "x", 1);
  CHECK(feed(device, 10 * s - 1, "x", 1).empty());
  CHECK(feed(device, 20 * s - 1, "x", 1).size() == 1);
  CHECK(offered(device, "w.count") == 2);
  CHECK(feed(device, 15 * s, "x", 1).empty()); // late: that session is closed
  CHECK(offered(device, "w.late") == 1);
  CHECK(feed(device, 30 * s, "y", 1).size() == 1); // silence of x ends its session
}

TEST_CASE("property: state windows hold the readings while the condition is true") {
  for (unsigned seed = 0; seed < 12; ++seed) {
    CAPTURE(seed);
    library models;
    models.add("m", model_with(window(R"("kind": "state", "while": "door > 0 && y < 9")")));
    hand device(models, "m");
    std::mt19937 random{seed};
    std::vector<told_window> got;
    struct open_window {
      std::int64_t from, to;
      samples inside;
    };
    std::vector<open_window> want;
    bool known_door = false, known_y = false, is = false;
    double door = 0, y = 0;
    std::int64_t t = -500 * s;
    for (int i = 0; i < 600; ++i) {
      t += 1 + static_cast<std::int64_t>(random() % (5 * s));
      const auto which = random() % 6;
      const char* name = which == 0 ? "door" : which == 1 ? "y" : "x";
      const double v = static_cast<double>(random() % (which == 0 ? 2 : which == 1 ? 12 : 100));
      known_door = known_door || which == 0;
      known_y = known_y || which == 1;
      if (which == 0) door = v;
      if (which == 1) y = v;
      const bool now = known_door && known_y ? door > 0 && y < 9 : is;
      if (now && !is) want.push_back({t, never, {}});
      if (!now && is) want.back().to = t;
      is = now;
      if (is && which > 1) want.back().inside.push_back({t, v});
      keep(feed(device, t, name, v), got);
      if (seed % 2 == 1 && random() % 9 == 0) device.reload();
      CHECK(offered(device, "w.open_count").has_value() == is);
    }
    if (!want.empty() && want.back().to == never) want.pop_back();
    REQUIRE(got.size() == want.size());
    CHECK(got.size() > 5);
    for (std::size_t i = 0; i < got.size(); ++i)
      check_told(got[i], want[i].from, want[i].to, want[i].inside);
  }
}
