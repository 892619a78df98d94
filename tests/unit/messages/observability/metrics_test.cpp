// SPDX-License-Identifier: Apache-2.0
#include "domain/base/ensure.hpp"
#include "messages/observability/metrics.hpp"
#include "messages/observability/prometheus_text.hpp"
#include "tests/support/temporary_folder.hpp"
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <doctest/doctest.h>
#include <fstream>
#include <limits>
#include <random>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace pollux;
using namespace pollux::messages;

namespace {
bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

metrics& filled(metrics& m) {
  m.make_counter("pollux_inputs_total", "Inputs.", {{"class", "d1"}}).add(3);
  m.make_gauge("pollux_twins", "Twins.").set(2.5);
  m.make_counter("pollux_inputs_total", "Inputs.", {{"class", "d\"0\\\n"}}).add(1);
  m.make_histogram("pollux_commit_seconds", "Commits, in seconds.").observe(0.002);
  m.make_gauge_callback("pollux_free_bytes", "Free space, in bytes.", [] { return 1e12; });
  return m;
}
} // namespace

TEST_CASE("the same name and labels give the same instrument, in any order of the labels") {
  metrics m;
  auto& a = m.make_counter("pollux_a_total", "A.", {{"x", "1"}, {"y", "2"}});
  auto& b = m.make_counter("pollux_a_total", "A.", {{"y", "2"}, {"x", "1"}});
  auto& c = m.make_counter("pollux_a_total", "A.", {{"x", "1"}});
  CHECK(&a == &b);
  CHECK(&a != &c);
  a.add(2);
  c.add(3);
  CHECK(m.total("pollux_a_total") == 5);
  CHECK(m.total("pollux_unknown") == 0);
}

TEST_CASE("one name for two types is a defect") {
  metrics m;
  m.make_counter("pollux_a_total", "A.");
  CHECK_THROWS_AS(m.make_gauge("pollux_a_total", "A."), broken_invariant);
}

TEST_CASE("samples of one name stand together, with labels escaped") {
  metrics m;
  const auto text = filled(m).render();
  CHECK(contains(text, "# HELP pollux_inputs_total Inputs.\n# TYPE pollux_inputs_total counter\n"
                       "pollux_inputs_total{class=\"d1\"} 3\n"
                       "pollux_inputs_total{class=\"d\\\"0\\\\\\n\"} 1\n"));
  CHECK(contains(text, "\npollux_twins 2.5\n"));
  CHECK(contains(text, "\npollux_free_bytes 1e+12\n"));
  CHECK(contains(text, "process_resident_memory_bytes "));
  CHECK(contains(text, "process_cpu_seconds_total "));
  CHECK(contains(text, "process_open_fds "));
  CHECK(contains(text, "process_start_time_seconds "));
}

TEST_CASE("in OpenMetrics a counter's family goes without _total, and the text ends with EOF") {
  metrics m;
  filled(m).make_counter_callback("pollux_reads_total", "\"Reads\".", [] { return 5.0; });
  const auto text = m.render({exposition::openmetrics});
  CHECK(contains(text, "# HELP pollux_inputs Inputs.\n# TYPE pollux_inputs counter\n"
                       "pollux_inputs_total{class=\"d1\"} 3\n"));
  CHECK(contains(text, "# HELP pollux_reads \\\"Reads\\\".\n# TYPE pollux_reads counter\n"
                       "pollux_reads_total 5\n"));
  CHECK(contains(text, "# TYPE process_cpu_seconds counter\nprocess_cpu_seconds_total "));
  CHECK(text.ends_with("\n# EOF\n"));
  CHECK_FALSE(contains(m.render(), "# EOF"));
  CHECK(m.total("pollux_reads_total") == 5);
}

TEST_CASE("promtool finds nothing to say about what is rendered") {
  if (::access("/usr/bin/promtool", X_OK) != 0) {
    MESSAGE("skipped: promtool is not installed (Debian package prometheus)");
    return;
  }
  metrics m;
  const tests::temporary_folder folder;
  const auto file = folder.path() + "/metrics.txt";
  std::ofstream(file) << filled(m).render();
  const auto check = [&] {
    const auto command =
        "/usr/bin/promtool check metrics < " + file + " > " + folder.path() + "/said 2>&1";
    const int ended = std::system(command.c_str());
    return WIFEXITED(ended) ? WEXITSTATUS(ended) : -1;
  };
  CHECK(check() == 0);
  std::ofstream(file, std::ios::app) << "# TYPE broken counter\nbroken 1\n"; // no HELP, no _total
  CHECK(check() != 0);
}

TEST_CASE("a histogram's buckets are cumulative, end with +Inf and agree with the count") {
  metrics m;
  auto& h = m.make_histogram("pollux_h_seconds", "H.");
  h.observe(0.5e-6);
  h.observe(1e-6); // a bound belongs to its bucket
  h.observe(3e-6);
  h.observe(1e9);
  h.observe(std::numeric_limits<double>::quiet_NaN());
  h.observe(-1);
  const auto text = m.render();
  CHECK(contains(text, "pollux_h_seconds_bucket{le=\"1e-06\"} 3\n"));
  CHECK(contains(text, "pollux_h_seconds_bucket{le=\"4e-06\"} 4\n"));
  CHECK(contains(text, "pollux_h_seconds_bucket{le=\"+Inf\"} 6\n"));
  CHECK(contains(text, "pollux_h_seconds_count 6\n"));
  CHECK(h.count() == 6);
  CHECK(histogram::bound(histogram::buckets) == HUGE_VAL);
}

TEST_CASE("property: every observation lands in the first bucket whose bound is not below it") {
  std::mt19937 random{9};
  std::uniform_real_distribution<double> exponent{-8, 4};
  for (int i = 0; i < 500; ++i) {
    const double value = std::pow(10.0, exponent(random));
    CAPTURE(value);
    histogram h;
    h.observe(value);
    std::size_t expected = 0;
    while (expected < histogram::buckets && value > histogram::bound(expected)) ++expected;
    CHECK(h.count_below(expected) == 1);
    CHECK(h.sum() == doctest::Approx(value));
  }
}

TEST_CASE("octaves are exported; all buckets of a histogram only when they are asked for") {
  metrics m;
  m.make_histogram("pollux_h_seconds", "H.").observe(0.0012);
  const auto octaves = m.render(), all = m.render({exposition::prometheus, true});
  CHECK(contains(octaves, "pollux_h_seconds_bucket{le=\"0.001024\"} 0\n"
                          "pollux_h_seconds_bucket{le=\"0.002048\"} 1\n"));
  CHECK(contains(all, "pollux_h_seconds_bucket{le=\"0.001152\"} 0\n"
                      "pollux_h_seconds_bucket{le=\"0.00128\"} 1\n"));
  CHECK(contains(all, "pollux_h_seconds_bucket{le=\"67.108864\"} 1\n"
                      "pollux_h_seconds_bucket{le=\"+Inf\"} 1\n"));
}

TEST_CASE("property: a quantile is within an eighth of that of the sorted observations") {
  std::mt19937 random{10};
  std::uniform_real_distribution<double> exponent{-6, 1.5};
  for (int round = 0; round < 50; ++round) {
    histogram h;
    std::vector<double> sorted;
    for (std::size_t i = 0, n = 1 + random() % 3'000; i < n; ++i) {
      sorted.push_back(std::pow(10.0, exponent(random)));
      h.observe(sorted.back());
    }
    std::sort(sorted.begin(), sorted.end());
    for (const double q : {0.001, 0.5, 0.9, 0.99, 0.999, 1.0}) {
      const auto rank = static_cast<std::size_t>(std::ceil(q * static_cast<double>(sorted.size())));
      const auto exact = sorted[rank - 1];
      CAPTURE(q);
      CAPTURE(sorted.size());
      REQUIRE(h.quantile(q) <= exact * 1.125);
      REQUIRE(h.quantile(q) >= exact / 1.125);
    }
  }
  CHECK(std::isnan(histogram{}.quantile(0.5)));
  histogram far;
  far.observe(1e6);
  CHECK(far.quantile(0.5) == histogram::bound(histogram::buckets - 1));
}

TEST_CASE("exported quantiles are of the last minutes, also when nobody asked for long") {
  std::int64_t now = 7;
  metrics m([&] { return now; });
  auto& h = m.make_histogram("pollux_h_seconds", "H.");
  for (int i = 0; i < 100; ++i) h.observe(0.5);
  const auto p50 = [&] {
    const auto text = m.render();
    const std::string sample = "pollux_h_quantile_seconds{quantile=\"0.5\"} ";
    const auto at = text.find(sample);
    REQUIRE(at != std::string::npos);
    return text.substr(at + sample.size(), text.find('\n', at) - at - sample.size());
  };
  CHECK(contains(m.render(), "# TYPE pollux_h_quantile_seconds summary\n"));
  CHECK(std::stod(p50()) == doctest::Approx(0.5).epsilon(0.125));
  now += metrics::slice_ns; // the slice before still counts
  CHECK(std::stod(p50()) == doctest::Approx(0.5).epsilon(0.125));
  h.observe(0.001);
  now += metrics::slice_ns;
  CHECK(std::stod(p50()) == doctest::Approx(0.001).epsilon(0.125));
  now += 3'600'000'000'000;
  CHECK(p50() == "NaN");
  CHECK(contains(m.render(), "pollux_h_seconds_count 101\n"));
}

TEST_CASE("counting from many threads loses nothing, also while rendering") {
  metrics m;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&] {
      auto& c = m.make_counter("pollux_n_total", "N.");
      auto& h = m.make_histogram("pollux_t_seconds", "T.");
      for (int i = 0; i < 2'000; ++i) {
        c.add();
        h.observe(1e-6);
      }
    });
  for (int i = 0; i < 20; ++i) CHECK(contains(m.render(), "process_"));
  for (auto& t : threads) t.join();
  CHECK(m.total("pollux_n_total") == 16'000);
  CHECK(m.total("pollux_t_seconds") == 16'000);
}

TEST_CASE("a callback may ask the registry, and may be replaced") {
  metrics m;
  m.make_counter("pollux_n_total", "N.").add(4);
  m.make_gauge_callback("pollux_g", "G.", [&] { return m.total("pollux_n_total") / 2; });
  CHECK(contains(m.render(), "\npollux_g 2\n"));
  m.make_gauge_callback("pollux_g", "G.", [] { return 7.0; });
  CHECK(m.total("pollux_g") == 7);
}

TEST_CASE("numbers are written as Prometheus reads them") {
  CHECK(prometheus_number(0.1) == "0.1");
  CHECK(prometheus_number(HUGE_VAL) == "+Inf");
  CHECK(prometheus_number(-HUGE_VAL) == "-Inf");
  CHECK(prometheus_number(std::nan("")) == "NaN");
}
