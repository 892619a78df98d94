// SPDX-License-Identifier: Apache-2.0
// The `multivariate` operator: its algebra against plain elimination, what it finds that no limit
// on one telemetry could, and its memory.
#include "domain/anomaly/multivariate_state.hpp"
#include "tests/unit/domain/twin/twin_fixture.hpp"
#include <algorithm>
#include <cmath>
#include <random>

using namespace pollux;
using namespace pollux::domain;
using namespace pollux::domain::testing;

namespace {

constexpr std::string_view pump = R"({
  "name": "m", "telemetry": {"flow": {}, "current": {}, "door": {"type": "boolean"}},
  "operators": [{"name": "odd", "type": "multivariate", "of": ["flow", "current"], "learn": 200,
                 "smoothing": 4, "shrinkage": 0.01, "limit": 12, "clear": 4,
                 "relearn_after": "200s"}]})";

double noise(std::mt19937& random) { return std::normal_distribution<double>(0, 1)(random); }

// z' A^-1 z by Gauss' elimination with pivots.
double slow_length(std::vector<std::vector<double>> a, std::vector<double> z) {
  const auto rhs = z;
  const std::size_t n = z.size();
  for (std::size_t c = 0; c < n; ++c) {
    std::size_t p = c;
    for (std::size_t r = c; r < n; ++r)
      if (std::fabs(a[r][c]) > std::fabs(a[p][c])) p = r;
    std::swap(a[p], a[c]);
    std::swap(z[p], z[c]);
    for (std::size_t r = 0; r < n; ++r) {
      if (r == c) continue;
      const double f = a[r][c] / a[c][c];
      for (std::size_t k = c; k < n; ++k) a[r][k] -= f * a[c][k];
      z[r] -= f * z[c];
    }
  }
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += rhs[i] * z[i] / a[i][i];
  return sum;
}

// More flow takes more current.
void normal(hand& twin, int t, std::mt19937& random) {
  const double load = noise(random);
  twin.reading(t, {{"flow", 30 + 2 * load + 0.1 * noise(random)},
                   {"current", 1 + 0.2 * load + 0.01 * noise(random)}});
}

} // namespace

TEST_CASE("T2 by Cholesky is z' R^-1 z by elimination, from moments in two passes") {
  for (unsigned seed = 0; seed < 40; ++seed) {
    std::mt19937 random(seed);
    const std::size_t n = 2 + random() % 7, rows = 20 + random() % 100;
    std::vector<std::vector<double>> data(rows, std::vector<double>(n));
    comoments learnt(n);
    for (auto& row : data) {
      const double common = noise(random);
      for (std::size_t i = 0; i < n; ++i)
        row[i] = 1000.0 * static_cast<double>(i) + common * static_cast<double>(i) + noise(random);
      learnt.add(row.data());
    }
    std::vector<double> mean(n, 0);
    for (const auto& row : data)
      for (std::size_t i = 0; i < n; ++i) mean[i] += row[i] / static_cast<double>(rows);
    const auto moment = [&](std::size_t i, std::size_t j) {
      double sum = 0;
      for (const auto& row : data) sum += (row[i] - mean[i]) * (row[j] - mean[j]);
      return sum / static_cast<double>(rows);
    };
    const double shrinkage = 0.01 + 0.1 * static_cast<double>(random() % 10);
    std::vector<std::vector<double>> a(n, std::vector<double>(n, 1));
    for (std::size_t i = 0; i < n; ++i) {
      CHECK(learnt.mean(i) == doctest::Approx(mean[i]).epsilon(1e-12));
      CHECK(learnt.deviation(i) == doctest::Approx(std::sqrt(moment(i, i))).epsilon(1e-9));
      for (std::size_t j = 0; j < n; ++j)
        if (i != j)
          a[i][j] = (1 - shrinkage) * moment(i, j) / std::sqrt(moment(i, i) * moment(j, j));
    }
    std::vector<double> z(n), work(n);
    for (auto& v : z) v = noise(random);
    const cholesky factor(learnt, shrinkage);
    CHECK(factor.squared_length(z.data(), work.data()) ==
          doctest::Approx(slow_length(a, z)).epsilon(1e-8));
  }
}

TEST_CASE("multivariate finds a pair of values of which each alone is usual") {
  library models;
  models.add("h", pump);
  hand twin(models, "h");
  std::mt19937 random(1);
  int t = 0;
  for (; t < 600; ++t) {
    normal(twin, t, random);
    REQUIRE(twin.out.empty());
  }
  // both within two standard deviations, but against each other
  for (int i = 0; i < 8 && twin.out.empty(); ++i)
    twin.reading(t++, {{"flow", 32}, {"current", 0.8}});
  REQUIRE(twin.out.size() == 1);
  const auto proof = twin.out[0].alert.proof;
  CHECK(twin.out[0].alert.transition == alert_transition::raised);
  CHECK(std::fabs(number(proof, "z.flow")) < 3);
  CHECK(std::fabs(number(proof, "z.current")) < 3);
  CHECK(number(proof, "score") > 12);
  CHECK(number(proof, "t2") == doctest::Approx(2 * number(proof, "score")));
  bool cleared = false;
  for (int i = 0; i < 40; ++i) {
    normal(twin, t++, random);
    for (const auto& e : twin.out) cleared |= e.alert.transition == alert_transition::cleared;
  }
  CHECK(cleared);
}

TEST_CASE("multivariate learns first, and says how far it is") {
  library models;
  models.add("h", pump);
  hand twin(models, "h");
  std::mt19937 random(2);
  CHECK(twin.why("odd") == "no data: no row with all its telemetry yet");
  for (int t = 0; t < 50; ++t) normal(twin, t, random);
  CHECK(twin.why("odd") == "learning: 46 of 200 rows");
  for (int t = 50; t < 205; ++t) normal(twin, t, random);
  CHECK(twin.why("odd").starts_with("ok: score "));
}

TEST_CASE("rows that lack one of the telemetries are passed over") {
  library models;
  models.add("h", pump);
  hand twin(models, "h");
  for (int t = 0; t < 50; ++t) twin.reading(t, {{"flow", 1.0 * t}});
  CHECK(twin.why("odd") == "no data: no row with all its telemetry yet");
}

TEST_CASE("a machine that is normal in a new way is learnt anew") {
  library models;
  models.add("h", pump);
  hand twin(models, "h");
  std::mt19937 random(3);
  int t = 0;
  for (; t < 300; ++t) normal(twin, t, random);
  int raised = 0, cleared = 0;
  std::string why;
  for (; t < 1000; ++t) {
    const double load = noise(random);
    twin.reading(t, {{"flow", 90 + 2 * load}, {"current", 3 + 0.1 * noise(random)}});
    for (const auto& e : twin.out) {
      raised += e.alert.transition == alert_transition::raised;
      if (e.alert.transition != alert_transition::cleared) continue;
      ++cleared;
      why = e.alert.proof.explanation;
    }
  }
  CHECK(raised == 1);
  CHECK(cleared == 1);
  CHECK(why.starts_with("taken for normal after"));
  CHECK(twin.why("odd").starts_with("ok: score "));
}

TEST_CASE("telemetry that did not vary while learning raises nothing by itself") {
  library models;
  models.add("h", pump);
  hand twin(models, "h");
  std::mt19937 random(4);
  for (int t = 0; t < 400; ++t) {
    twin.reading(t, {{"flow", 30 + noise(random)}, {"current", t < 300 ? 1.0 : 1.5}});
    CHECK(twin.out.empty());
  }
}

TEST_CASE("numbers beyond all measure are passed over") {
  library models;
  models.add("h", pump);
  hand twin(models, "h");
  std::mt19937 random(5);
  for (int t = 0; t < 600; ++t) {
    if (t % 10 == 0)
      twin.reading(t, {{"flow", 1.7e308}, {"current", -1.7e308}});
    else
      normal(twin, t, random);
    twin.reload();
    CHECK(twin.out.empty());
  }
  CHECK(twin.why("odd").starts_with("ok: score "));
}

TEST_CASE("a twin with multivariate that is saved and loaded at any time is one that never was") {
  library models;
  models.add("h", pump);
  for (unsigned seed = 0; seed < 6; ++seed) {
    std::mt19937 values(seed), same(seed), random(seed + 100);
    hand lived(models, "h"), loaded(models, "h");
    std::size_t alerts = 0;
    for (int t = 0; t < 900; ++t) {
      if (t % 300 > 250) {
        lived.reading(t, {{"flow", 40}, {"current", 0.5}});
        loaded.reading(t, {{"flow", 40}, {"current", 0.5}});
      } else {
        normal(lived, t, values);
        normal(loaded, t, same);
      }
      REQUIRE(lived.out.size() == loaded.out.size());
      alerts += lived.out.size();
      for (std::size_t i = 0; i < lived.out.size(); ++i)
        REQUIRE(number(lived.out[i].alert.proof, "score") ==
                number(loaded.out[i].alert.proof, "score"));
      if (random() % 7 == 0) loaded.reload();
    }
    CHECK(alerts > 0);
    CHECK(saved(lived.state) == saved(loaded.state));
  }
}

TEST_CASE("a damaged multivariate state is refused") {
  multivariate_rule rule;
  rule.slots = {0, 1};
  rule.fields = {"a", "b"};
  rule.learn = 10;
  rule.smoothing = 2;
  multivariate_state state(2);
  std::mt19937 random(6);
  for (int i = 0; i < 30; ++i) {
    const double row[] = {noise(random), noise(random)};
    state.add(rule, row);
  }
  std::string bytes;
  byte_writer out(bytes);
  state.save(out);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    multivariate_state again(2);
    byte_reader in(std::string_view(bytes).substr(0, size));
    CHECK_FALSE(again.load(rule, in));
  }
  multivariate_state again(2);
  byte_reader in(bytes);
  REQUIRE(again.load(rule, in));
  CHECK(again.score == state.score);
  for (std::size_t i = 0; i < bytes.size() * 8; ++i) { // any one bit
    auto bad = bytes;
    bad[i / 8] = static_cast<char>(bad[i / 8] ^ (1 << i % 8));
    multivariate_state third(2);
    byte_reader from(bad);
    if (third.load(rule, from)) CHECK(third.learnt.count() <= rule.learn);
  }
}

TEST_CASE("multivariate refuses what it cannot be, with the reason") {
  const auto error = [](const std::string& of, const std::string& keys = "") {
    return compile_error(R"({"name": "m", "telemetry": {"a": {}, "b": {}, "s": {"type": "text"}},
      "operators": [{"name": "n", "type": "multivariate", "of": )" +
                         of + keys + "}]}");
  };
  CHECK(error(R"(["a", "b"])") == "");
  CHECK(error(R"(["a"])").find("2 to 32") != std::string::npos);
  CHECK(error(R"(["a", "a"])").find("stands twice") != std::string::npos);
  CHECK(error(R"(["a", "s"])").find("not a number") != std::string::npos);
  CHECK(error(R"(["a", "c"])").find("no telemetry \"c\"") != std::string::npos);
  CHECK(error(R"(["a", 3])").find("telemetry names") != std::string::npos);
  CHECK(error(R"(["a", "b"])", R"(, "learn": 3)").find("10 to 1000000") != std::string::npos);
  CHECK(error(R"(["a", "b"])", R"(, "shrinkage": 0)").find("0.001 and 1") != std::string::npos);
}

TEST_CASE("an alert's severity goes by the score where the model says so") {
  library models;
  models.add("h", R"({"name": "m", "telemetry": {"a": {}, "b": {}}, "operators": [
    {"name": "odd", "type": "multivariate", "of": ["a", "b"], "learn": 100, "smoothing": 1,
     "limit": 10, "levels_by": "score",
     "levels": [{"above": 10, "severity": "warning"}, {"above": 500, "severity": "critical"}]}]})");
  hand twin(models, "h");
  std::mt19937 random(7);
  int t = 0;
  for (; t < 150; ++t) twin.reading(t, {{"a", noise(random)}, {"b", noise(random)}});
  twin.reading(t++, {{"a", 8}, {"b", 0}});
  REQUIRE(twin.out.size() == 1);
  CHECK(twin.out[0].alert.level == severity::warning);
  twin.reading(t++, {{"a", 100}, {"b", 0}});
  REQUIRE(twin.out.size() == 1);
  CHECK(twin.out[0].alert.level == severity::critical);
}
