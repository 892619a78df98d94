// SPDX-License-Identifier: Apache-2.0
// The `nearest` operator: against a slow, obvious version; what it finds and what it does not mind;
// its memory.
#include "domain/anomaly/nearest.hpp"
#include "domain/anomaly/nearest_state.hpp"
#include "tests/unit/domain/twin/twin_fixture.hpp"
#include <algorithm>
#include <cmath>
#include <random>

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

constexpr std::string_view small = R"({
  "name": "m", "telemetry": {"v": {}},
  "operators": [{"name": "new", "type": "nearest", "of": "v", "lengths": [3, 10], "neighbours": 3,
                 "history": 200, "min_samples": 40, "limit": 1.5, "clear": 1, "quiet": 5}]})";

double slow_distance(const std::vector<double>& x, std::size_t m, std::size_t k) {
  const auto n = static_cast<std::ptrdiff_t>(x.size());
  const auto length = static_cast<std::ptrdiff_t>(m);
  std::vector<double> all;
  for (std::ptrdiff_t j = length - 1; j <= n - 1 - length; ++j) {
    double sum = 0;
    for (std::ptrdiff_t i = 0; i < length; ++i) {
      const double e = x[std::size_t(n - 1 - i)] - x[std::size_t(j - i)];
      sum += e * e;
    }
    all.push_back(std::sqrt(sum));
  }
  if (all.size() < k) return -1;
  std::sort(all.begin(), all.end());
  double sum = 0;
  for (std::size_t i = 0; i < k; ++i) sum += all[i];
  return sum / static_cast<double>(k);
}

// A rhythm of 20 readings with a little noise.
double rhythm(int t, std::mt19937& random) {
  return 10 * (t % 20 < 10 ? t % 20 : 20 - t % 20) +
         std::uniform_real_distribution<double>(-1, 1)(random);
}

int count(const effects& all, alert_transition t) {
  return static_cast<int>(std::count_if(all.begin(), all.end(), [&](const effect& e) {
    return e.kind == effect_kind::alert && e.alert.transition == t;
  }));
}

} // namespace

TEST_CASE("distances to the nearest stretches are those of comparing with every one") {
  for (unsigned seed = 0; seed < 60; ++seed) {
    std::mt19937 random(seed);
    nearest_rule rule;
    rule.length_count = 1 + random() % 3;
    std::uint32_t length = 0;
    for (std::size_t l = 0; l < rule.length_count; ++l)
      rule.lengths[l] = length += 1 + static_cast<std::uint32_t>(random() % 9);
    rule.neighbours = 1 + static_cast<std::uint32_t>(random() % 6);
    std::vector<double> x;
    for (std::size_t n = 1; n <= 600; n += 1 + random() % 40) {
      while (x.size() < n) x.push_back(std::uniform_real_distribution<double>(-9, 9)(random));
      const auto fast = nearest_distances(rule, x.data(), x.size());
      for (std::size_t l = 0; l < rule.length_count; ++l) {
        const double slow = slow_distance(x, rule.lengths[l], rule.neighbours);
        REQUIRE(fast[l] == doctest::Approx(slow).epsilon(1e-12));
      }
    }
  }
}

TEST_CASE("nearest finds a beat that is missing from a rhythm, once, and forgets it again") {
  library models;
  models.add("h", small);
  hand twin(models, "h");
  std::mt19937 random(1);
  int raised = 0, cleared = 0, raised_at = 0;
  for (int t = 0; t < 600; ++t) {
    const double v = t >= 405 && t < 425 ? 50 : rhythm(t, random);
    const auto& out = twin.reading(t, {{"v", v}});
    if (count(out, alert_transition::raised) > 0) {
      ++raised;
      raised_at = t;
    }
    cleared += count(out, alert_transition::cleared);
  }
  CHECK(raised == 1);
  CHECK(cleared == 1);
  CHECK(raised_at >= 405);
  CHECK(raised_at < 420);
  CHECK(twin.why("new").starts_with("ok: score"));
}

TEST_CASE("nearest says nothing before it has something to compare with") {
  library models;
  models.add("h", small);
  hand twin(models, "h");
  CHECK(twin.why("new") == "no data: no reading of v yet");
  std::mt19937 random(2);
  for (int t = 0; t < 60; ++t) {
    twin.reading(t, {{"v", t == 30 ? 1e9 : rhythm(t, random)}});
    CHECK(twin.out.empty());
  }
  CHECK(twin.why("new").starts_with("warming up: 60 readings"));
}

TEST_CASE("nearest lives with a flat line, and a step in it is news") {
  library models;
  models.add("h", small);
  hand twin(models, "h");
  int raised = 0;
  for (int t = 0; t < 300; ++t) raised += int(twin.reading(t, {{"v", 45.1}}).size());
  CHECK(raised == 0);
  const auto& out = twin.reading(300, {{"v", 45.2}});
  REQUIRE(out.size() == 1);
  const auto& alert = out[0].alert;
  CHECK(alert.transition == alert_transition::raised);
  CHECK(number(alert.proof, "value") == 45.2);
  CHECK(number(alert.proof, "score") > 1.5);
  CHECK(number(alert.proof, "limit") == 1.5);
  CHECK(alert.proof.field == "v");
  CHECK(alert.proof.event_times_ns == std::vector<std::int64_t>{300'000'000'000});
}

TEST_CASE("the largest numbers there are do not upset nearest") {
  library models;
  models.add("h", small);
  hand twin(models, "h");
  std::mt19937 random(3);
  for (int t = 0; t < 400; ++t) {
    const double v = random() % 2 == 0 ? 1.7e308 : -1.7e308;
    twin.reading(t, {{"v", v}});
    twin.reload();
  }
  CHECK(twin.seen().rules.size() == 1);
}

TEST_CASE("a late reading is no news to nearest") {
  library models;
  models.add("h", small);
  hand twin(models, "h"), other(models, "h");
  std::mt19937 random(4);
  for (int t = 0; t < 300; ++t) {
    const double v = rhythm(t, random);
    twin.reading(t, {{"v", v}});
    other.reading(t, {{"v", v}});
    other.reading(t - 0.5, {{"v", 1e6}});
    CHECK(other.out.empty());
  }
  CHECK(twin.why("new") == other.why("new"));
}

TEST_CASE("a twin with nearest that is saved and loaded at any time is one that never was") {
  library models;
  models.add("h", small);
  for (unsigned seed = 0; seed < 4; ++seed) {
    std::mt19937 random(seed), values(seed);
    hand lived(models, "h"), loaded(models, "h");
    for (int t = 0; t < 500; ++t) {
      const double v = values() % 60 == 0 ? 300 : rhythm(t, values);
      lived.reading(t, {{"v", v}});
      loaded.reading(t, {{"v", v}});
      REQUIRE(lived.out.size() == loaded.out.size());
      for (std::size_t i = 0; i < lived.out.size(); ++i)
        REQUIRE(number(lived.out[i].alert.proof, "score") ==
                number(loaded.out[i].alert.proof, "score"));
      if (random() % 9 == 0) loaded.reload();
    }
    CHECK(saved(lived.state) == saved(loaded.state));
  }
}

TEST_CASE("what nearest remembers is bounded by its history") {
  nearest_rule rule;
  rule.lengths = {4, 8};
  rule.length_count = 2;
  rule.history = 500;
  nearest_state state(rule);
  std::mt19937 random(5);
  std::size_t full = 0;
  for (int t = 0; t < 5000; ++t) {
    state.add(rule, static_cast<double>(random() % 1000));
    if (t == 1200) full = state.heap_bytes();
  }
  CHECK(state.size() == 500);
  CHECK(state.heap_bytes() == full);
  CHECK(full <= 500 * (10 + 2 * 16) + 500);
}

TEST_CASE("the score of nearest can be named in expressions") {
  library models;
  models.add("h", R"({"name": "m", "telemetry": {"v": {}}, "operators": [
    {"name": "new", "type": "nearest", "of": "v", "lengths": [2], "neighbours": 2, "history": 100,
     "min_samples": 10},
    {"name": "very", "type": "threshold", "value": "new.score", "above": 50}]})");
  hand twin(models, "h");
  std::mt19937 random(6);
  for (int t = 0; t < 90; ++t) twin.reading(t, {{"v", static_cast<double>(random() % 5)}});
  const auto& out = twin.reading(90, {{"v", 1e6}});
  CHECK(out.size() == 2);
}

TEST_CASE("nearest refuses what it cannot be, with the reason") {
  const auto error = [](const std::string& keys) {
    return compile_error(R"({"name": "m", "telemetry": {"v": {}, "s": {"type": "text"}},
      "operators": [{"name": "n", "type": "nearest", "of": "v")" +
                         keys + "}]}");
  };
  CHECK(error("") == "");
  CHECK(error(R"(, "lengths": [])").find("lengths has 1 to 4 numbers") != std::string::npos);
  CHECK(error(R"(, "lengths": [8, 8])").find("ascending") != std::string::npos);
  CHECK(error(R"(, "lengths": [0.5])").find("whole number") != std::string::npos);
  CHECK(error(R"(, "lengths": [2000])").find("1 to 1024") != std::string::npos);
  CHECK(error(R"(, "neighbours": 0)").find("1 to 64") != std::string::npos);
  CHECK(error(R"(, "history": 60)").find("history must hold") != std::string::npos);
  CHECK(error(R"(, "lengths": [1024])").find("history must hold") != std::string::npos);
  CHECK(error(R"(, "min_samples": 5000)").find("history must hold") != std::string::npos);
  CHECK(error(R"(, "quantile": 0.5)").find("above 0.5") != std::string::npos);
  CHECK(error(R"(, "limit": 0)").find("above 0") != std::string::npos);
  CHECK(error(R"(, "clear": 2)").find("not above the limit") != std::string::npos);
  CHECK(error(R"(, "recovery": 1)").find("share") != std::string::npos);
  CHECK(error(R"(, "quiet": 1.5)").find("whole number") != std::string::npos);
  CHECK(error(R"(, "quite": 2)").find("quiet") != std::string::npos);
}

TEST_CASE("an alert's severity follows the score of nearest while it lasts") {
  std::string text{small};
  text.insert(text.find("\"quiet\": 5"),
              "\"levels_by\": \"score\", \"levels\": [{\"above\": 1.5, \"severity\": \"info\"}, "
              "{\"above\": 4, \"severity\": \"critical\"}], ");
  library models;
  models.add("h", text);
  hand twin(models, "h");
  std::mt19937 random(5);
  std::vector<severity> levels;
  std::vector<double> scores;
  for (int t = 0; t < 260; ++t) {
    const double beyond = t < 200 ? 0 : t < 202 ? 40 : t < 206 ? 400 : 0;
    for (const auto& e : twin.reading(t, {{"v", rhythm(t, random) + beyond}})) {
      if (e.alert.transition == alert_transition::cleared) continue;
      levels.push_back(e.alert.level);
      scores.push_back(number(e.alert.proof, "score"));
    }
  }
  REQUIRE(levels.size() >= 3);
  for (std::size_t i = 0; i < levels.size(); ++i)
    CHECK((levels[i] == severity::critical) == (scores[i] > 4));
  CHECK(levels[0] == severity::info);
  CHECK(levels[1] == severity::critical);
  CHECK(levels[2] == severity::info);
}
