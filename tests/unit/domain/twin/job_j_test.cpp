// SPDX-License-Identifier: Apache-2.0
// Job J (three anomaly rules and a sequence) against a slow, obvious program that keeps all
// readings.
#include "tests/unit/domain/twin/twin_fixture.hpp"
#include <cmath>
#include <random>

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

struct sample {
  std::int64_t ts_ms;
  double x[3]; // temperature, vibration, current
};

struct expected_alert {
  int field; // 0..2 anomaly, 3 sequence
  std::int64_t ts_ms;
  double value = 0, mean = 0, sd = 0;
  std::int64_t armed_ms = 0;
};

// The specification, word by word.
std::vector<expected_alert> slow_job_j(const std::vector<sample>& all) {
  std::vector<expected_alert> alerts;
  int rises = 0;
  std::int64_t armed = -1;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto& now = all[i];
    bool spike = false;
    for (int f = 0; f < 3; ++f) {
      std::vector<double> w;
      for (std::size_t j = 0; j < i; ++j)
        if (all[j].ts_ms > now.ts_ms - 300'000) w.push_back(all[j].x[f]);
      double mean = 0, squares = 0;
      for (const double v : w) mean += v / double(w.size());
      for (const double v : w) squares += (v - mean) * (v - mean);
      const double sd = w.empty() ? 0 : std::sqrt(squares / double(w.size()));
      if (w.size() >= 10 && sd > 0 && std::fabs(now.x[f] - mean) > 3 * sd) {
        alerts.push_back({f, now.ts_ms, now.x[f], mean, sd, 0});
        spike = spike || (f == 0 && now.x[f] > mean);
      }
    }
    if (spike && armed >= 0 && now.ts_ms - armed <= 600'000) {
      alerts.push_back({3, now.ts_ms, 0, 0, 0, armed});
      armed = -1;
    }
    const bool rise = i > 0 && now.x[1] > 4.0 && now.x[1] > all[i - 1].x[1];
    rises = rise ? rises + 1 : 0;
    if (rises >= 3) armed = now.ts_ms;
  }
  return alerts;
}

std::vector<sample> generate(unsigned seed) {
  std::mt19937 random{seed};
  std::normal_distribution<double> noise{0, 1};
  std::uniform_int_distribution<int> chance{0, 99};
  std::vector<sample> all;
  std::int64_t ts = 1'700'000'000'000;
  int rising = 0, quiet = 0;
  for (int i = 0; i < 600; ++i) {
    ts += 9'000 + std::int64_t(random() % 2'000) + (chance(random) == 0 ? 400'000 : 0);
    sample s{ts, {45 + noise(random), 2 + 0.3 * noise(random), 10 + 0.5 * noise(random)}};
    if (rising == 0 && chance(random) < 4) rising = 2 + int(random() % 3);
    if (rising > 0) {
      s.x[1] = 6.0 - 0.5 * rising + (chance(random) < 10 ? -3 : 0);
      if (--rising == 0) quiet = 1 + int(random() % 80);
    } else if (quiet > 0 && --quiet == 0) {
      s.x[0] += 18;
    }
    const int c = chance(random);
    if (c == 0) s.x[0] += 15; // spike
    if (c == 1) s.x[0] -= 15; // dip: an anomaly, not a spike
    if (c == 2) s.x[2] += 8;
    all.push_back(s);
  }
  return all;
}

} // namespace

TEST_CASE("property: job J's alerts are those of the obvious program, with its numbers") {
  library models;
  models.add("j", job_j);
  const char* names[] = {"temperature", "vibration", "current"};
  std::size_t anomalies = 0, sequences = 0;
  for (unsigned seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    const auto all = generate(seed);
    const auto expected = slow_job_j(all);
    hand device(models, "j");
    std::vector<alert_effect> got;
    for (const auto& s : all) {
      device.reading(double(s.ts_ms) / 1000,
                     {{names[0], s.x[0]}, {names[1], s.x[1]}, {names[2], s.x[2]}});
      for (const auto& e : device.out) {
        REQUIRE(e.kind == effect_kind::alert);
        got.push_back(e.alert);
      }
    }
    REQUIRE(got.size() == expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      const auto& g = got[i];
      const auto& e = expected[i];
      CHECK(g.transition == alert_transition::emitted);
      CHECK(std::llabs(g.event_time_ns - e.ts_ms * ns_per_ms) < ns_per_us);
      if (e.field == 3) {
        ++sequences;
        CHECK(g.rule == "wear_then_spike");
        CHECK(std::llabs(time(g.proof, "armed") - e.armed_ms * ns_per_ms) < ns_per_us);
        CHECK(g.proof.event_times_ns.size() == 4); // three rises and the spike
      } else {
        ++anomalies;
        CHECK(g.rule == std::string(names[e.field]) + "_anomaly");
        CHECK(g.proof.field == names[e.field]);
        CHECK(number(g.proof, "value") == e.value);
        CHECK(number(g.proof, "mean") == doctest::Approx(e.mean).epsilon(1e-9));
        CHECK(number(g.proof, "sd") == doctest::Approx(e.sd).epsilon(1e-9));
        CHECK(g.proof.event_times_ns.size() == number(g.proof, "n") + 1);
        CHECK(g.proof.event_times_ns.back() == g.event_time_ns);
      }
    }
  }
  CHECK(anomalies > 300); // the data must exercise both rules
  CHECK(sequences > 30);
}

TEST_CASE("job J: a twin without its windows is small") {
  library models;
  models.add("j", job_j);
  hand device(models, "j");
  for (int i = 0; i < 100; ++i)
    device.reading(1000 + i * 10,
                   {{"temperature", 45 + i % 3}, {"vibration", 2 + i % 2}, {"current", 10}});
  const auto seen = device.seen();
  MESSAGE("state " << seen.state_bytes << " bytes, of these windows " << seen.window_bytes);
  CHECK(seen.state_bytes - seen.window_bytes <= 640);
  CHECK(seen.windows[0].statistics.count == 30);
  CHECK(seen.windows[0].statistics.to_ns == seen.last_event_time_ns);
}

TEST_CASE("job J: `twin get` says why there is no alert") {
  library models;
  models.add("j", job_j);
  hand device(models, "j");
  CHECK(device.why("temperature_anomaly") == "no data: no reading of temperature yet");
  CHECK(device.why("wear_then_spike") == "no data: no reading of vibration yet");
  for (int i = 0; i < 4; ++i)
    device.reading(1000 + i, {{"temperature", 40 + i}, {"vibration", 4.5 + i}, {"current", 1}});
  CHECK(device.why("temperature_anomaly") == "warming up: 4 of 10 samples");
  CHECK(device.why("wear_then_spike") == "armed: waits for temperature_anomaly until "
                                         "1970-01-01T00:26:43Z");
  for (int i = 4; i < 12; ++i)
    device.reading(1000 + i, {{"temperature", 40 + i % 2}, {"vibration", 1}, {"current", 1}});
  CHECK(device.why("temperature_anomaly").starts_with("ok: fires below "));
  CHECK(device.why("current_anomaly") ==
        "flat: the baseline's standard deviation 0 is too small to judge by");
}
