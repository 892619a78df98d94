// SPDX-License-Identifier: Apache-2.0
// Seasonal baselines against all readings kept and sorted into the hours of the week by hand.
#include "domain/base/calendar.hpp"
#include "tests/unit/domain/alert/limit_fixture.hpp"
#include <map>

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

constexpr const char* berlin = "CET-1CEST,M3.5.0,M10.5.0/3";
const double start_s = double(*parse_rfc3339("2024-03-01T00:00:00Z") / ns_per_s);

struct slow_part {
  std::vector<std::pair<double, double>> readings; ///< second, value
  void add(double t, double x) { readings.emplace_back(t, x); }
};
struct moments {
  double weight = 0, mean = 0, sd = 0;
};
/// Weighted moments of all readings of all parts, each written out. `now_s` is when they are used;
/// a part fades by its own clock, which is the same thing.
moments of(const std::vector<const slow_part*>& parts, double now_s, double half_life_s) {
  moments m;
  double sum = 0, squares = 0;
  const auto weight = [&](double t) {
    return half_life_s > 0 ? std::exp2(-(now_s - t) / half_life_s) : 1.0;
  };
  for (const auto* p : parts)
    for (const auto& [t, x] : p->readings) {
      m.weight += weight(t);
      sum += weight(t) * x;
    }
  m.mean = sum / m.weight;
  for (const auto* p : parts)
    for (const auto& [t, x] : p->readings) squares += weight(t) * (x - m.mean) * (x - m.mean);
  m.sd = std::sqrt(squares / (m.weight - 1));
  return m;
}

} // namespace

TEST_CASE("property: every hour of the week is judged by what is known of it, or of its like") {
  for (const double half_life_s : {0.0, 60 * 86400.0}) {
    CAPTURE(half_life_s);
    const auto models = rule_library(
        R"("type": "seasonal", "of": "x", "poison": "include", "min_samples": 8, "zone": ")" +
        std::string(berlin) + '"' + (half_life_s > 0 ? R"(, "half_life": "60d")" : ""));
    hand device(models, "m");
    const auto zone = *time_zone::parse(berlin);
    std::map<int, slow_part> parts;
    slow_part all;
    std::mt19937 random{5};
    normal_noise noise(5);
    int by_basis[4] = {};
    double t = start_s; // over the change to summer time
    for (int i = 0; i < 3000; ++i) {
      t += 600 + double(random() % 4000);
      const auto local = zone.local(static_cast<std::int64_t>(t) * ns_per_s);
      const int hour = local.second_of_day / 3600, id = local.weekday() * 24 + hour;
      const double x = 100 + 10 * hour + noise();
      (void)device.reading(t, {{"x", x}});
      moments m;
      int basis = 0;
      const auto enough = [&](const std::vector<const slow_part*>& from) {
        m = of(from, t, half_life_s);
        return m.weight >= 8;
      };
      std::vector<const slow_part*> days;
      for (int d = 0; d < 7; ++d) days.push_back(&parts[d * 24 + hour]);
      if (!enough({&parts[id]})) {
        basis = 1;
        if (!enough({&parts[id], &parts[(id + 167) % 168], &parts[(id + 1) % 168]})) {
          basis = 2;
          if (!enough(days)) {
            basis = 3;
            if (!enough({&all})) basis = -1;
          }
        }
      }
      if (basis >= 0) {
        ++by_basis[basis];
        REQUIRE(output(device, "mean") == doctest::Approx(m.mean).epsilon(1e-9));
        REQUIRE(output(device, "sd") == doctest::Approx(m.sd).epsilon(1e-6));
        REQUIRE(output(device, "upper") == doctest::Approx(m.mean + 3 * m.sd).epsilon(1e-9));
      } else {
        REQUIRE(std::isnan(output(device, "mean")));
      }
      parts[id].add(t, x);
      all.add(t, x);
      if (random() % 40 == 0) device.reload();
    }
    for (const int n : by_basis) CHECK(n > 0);
  }
}

TEST_CASE("what is normal at noon is not at midnight, by the clock on the wall") {
  const auto models = rule_library(
      R"("type": "seasonal", "of": "x", "cycle": "day", "min_samples": 10, "zone": ")" +
      std::string(berlin) + '"');
  hand device(models, "m");
  normal_noise noise(1);
  const auto zone = *time_zone::parse(berlin);
  const auto local_hour = [&](double t) {
    return zone.local(static_cast<std::int64_t>(t) * ns_per_s).second_of_day / 3600;
  };
  double t = start_s;
  std::size_t alerts = 0, early = 0;
  for (int i = 0; i < 60 * 96; ++i, t += 900) // 60 days, the change of the clock among them
    (i < 960 ? early : alerts) +=
        device.reading(t, {{"x", (local_hour(t) >= 8 && local_hour(t) < 18 ? 50 : 10) + noise()}})
            .size();
  CHECK(early < 60);  // ten days in which the hours are not known yet
  CHECK(alerts < 60); // 0.27 % of 4,800 readings, each raised and cleared, and some to spare
  while (local_hour(t) != 2) t += 900;
  const auto out = device.reading(t, {{"x", 50}});
  REQUIRE(transitions(out) == "raised");
  CHECK(number(out[0].alert.proof, "basis") == 0);
  CHECK(number(out[0].alert.proof, "mean") == doctest::Approx(10).epsilon(0.1));
  CHECK(out[0].alert.proof.explanation.find("the mean at this time of the day") !=
        std::string::npos);
}

TEST_CASE("a lasting change of level is learnt once, for all hours") {
  const auto models = rule_library(
      R"("type": "seasonal", "of": "x", "cycle": "day", "min_samples": 10, "relearn_after": "2h")");
  hand device(models, "m");
  normal_noise noise(2);
  double t = start_s;
  const auto run = [&](int days, double level) {
    std::size_t raised = 0;
    for (int i = 0; i < days * 96; ++i, t += 900) {
      const double hour = std::fmod(t / 3600, 24);
      raised += transitions(device.reading(t, {{"x", level + 5 * hour + noise()}})) == "raised";
    }
    return raised;
  };
  (void)run(30, 100);
  CHECK(run(1, 200) <= 3); // one alert, and by chance another
  device.reload();
  CHECK(run(10, 200) < 20);
  CHECK(output(device, "mean") == doctest::Approx(200 + 5 * 23.75).epsilon(0.03));
}

TEST_CASE("a seasonal baseline grows with the hours it has seen, and no further") {
  const auto models = rule_library(R"("type": "seasonal", "of": "x")");
  hand device(models, "m");
  const auto bytes = [&] {
    const auto& twin = device.state.get();
    return twin.ruling().find_operator("r")->state_bytes(*twin.states[0]);
  };
  (void)device.reading(0, {{"x", 1}});
  CHECK(bytes() < 400);
  for (int i = 0; i < 5000; ++i) (void)device.reading(1 + i * 1800, {{"x", 1}});
  CHECK(bytes() < 168 * 40 * 2 + 400);
}
