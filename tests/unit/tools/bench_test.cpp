// SPDX-License-Identifier: Apache-2.0
// What `pollux bench` sends and how it adds up; the whole verb runs in tests/integration.
#include "config/config.hpp"
#include "tools/pollux/bench_figures.hpp"
#include "tools/pollux/bench_node.hpp"
#include "tools/pollux/bench_traffic.hpp"
#include <cmath>
#include <doctest/doctest.h>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

using namespace pollux;
using namespace pollux::bench;
using nlohmann::json;

namespace {

struct seen {
  std::int64_t ts;
  double value[3];
};

/// Job J's rules by the text of the job, over windows by time: the keys of all alerts of a device.
/// `nearest` becomes the least distance of a z-score from the limit of 3.
std::set<std::uint64_t> slow_alerts(std::uint64_t device, const std::vector<seen>& all,
                                    double& nearest) {
  std::set<std::uint64_t> out;
  int rises = 0;
  std::int64_t armed = -1;
  for (std::size_t k = 0; k < all.size(); ++k) {
    bool spike = false;
    for (int f = 0; f < 3; ++f) {
      double n = 0, sum = 0, squares = 0;
      for (std::size_t i = 0; i < k; ++i)
        if (all[i].ts > all[k].ts - 300'000) ++n, sum += all[i].value[f];
      for (std::size_t i = 0; i < k; ++i)
        if (all[i].ts > all[k].ts - 300'000)
          squares += (all[i].value[f] - sum / n) * (all[i].value[f] - sum / n);
      if (n < 10 || squares == 0) continue;
      const double z = (all[k].value[f] - sum / n) / std::sqrt(squares / n);
      nearest = std::min(nearest, std::fabs(std::fabs(z) - 3));
      if (std::fabs(z) > 3)
        out.insert(traffic::alert_key(device, k, static_cast<std::uint8_t>(1 << f)));
      spike = spike || (f == 0 && z > 3);
    }
    if (spike && armed >= 0 && all[k].ts - armed <= 600'000) {
      out.insert(traffic::alert_key(device, k, alert_sequence));
      armed = -1;
    }
    const bool rose = k > 0 && all[k].value[1] > 4 && all[k].value[1] > all[k - 1].value[1];
    rises = rose ? rises + 1 : 0;
    if (rises >= 3) armed = all[k].ts;
  }
  return out;
}

std::vector<seen> readings_in(const std::string& payload) {
  auto document = json::parse(payload);
  if (document.is_object()) document = json::array({document});
  std::vector<seen> out;
  for (const auto& r : document)
    out.push_back({r.at("ts").get<std::int64_t>(),
                   {r.at("temperature").get<double>(), r.at("vibration").get<double>(),
                    r.at("current").get<double>()}});
  return out;
}

/// All a device sends, read back from the messages.
std::vector<seen> sent_by(const traffic& t, std::uint64_t device) {
  std::vector<seen> out;
  for (auto m = device; m < t.messages(); m += t.devices()) {
    std::string payload;
    t.append_payload(payload, m);
    for (const auto& r : readings_in(payload)) out.push_back(r);
  }
  return out;
}

} // namespace

TEST_CASE("the alerts the bench waits for are those its readings must raise, by a wide margin") {
  const auto check = [](const traffic& t) {
    std::set<std::uint64_t> expected;
    for (const auto key : t.expected_alerts()) expected.insert(key);
    CHECK(expected.size() == t.expected_alerts().size());
    std::set<std::uint64_t> found;
    double nearest = 1e9;
    for (std::uint64_t d = 0; d < t.devices(); ++d) {
      const auto alerts = slow_alerts(d, sent_by(t, d), nearest);
      found.insert(alerts.begin(), alerts.end());
    }
    CHECK(found == expected);
    CHECK(nearest > 0.3);
    return found;
  };
  // every phase of the pattern at its start, and whole periods beyond it
  CHECK(check(traffic(traffic::period, traffic::period * 45, 1)).size() > 300);
  const auto whole = check(traffic(3, 3 * 58, 100));
  std::set<unsigned> kinds;
  for (const auto key : whole) kinds.insert(key & 0xf);
  CHECK(kinds ==
        std::set<unsigned>{alert_temperature, alert_vibration, alert_current, alert_sequence});
}

TEST_CASE("a device's readings are the same in whatever messages they travel") {
  const traffic single(7, 7 * 40, 1), batches(7, 7 * 2, 20);
  for (std::uint64_t d = 0; d < 7; ++d) {
    const auto a = sent_by(single, d), b = sent_by(batches, d);
    REQUIRE(a.size() == 40);
    REQUIRE(b.size() == 40);
    for (std::size_t k = 0; k < a.size(); ++k) {
      CHECK(a[k].ts == b[k].ts);
      CHECK(a[k].value[0] == b[k].value[0]);
      CHECK(traffic::reading_at(d, a[k].ts) == k);
      if (k > 0) CHECK(a[k].ts == a[k - 1].ts + traffic::step_ms);
    }
  }
}

TEST_CASE("a round that ends before the last device leaves no alert to wait for beyond it") {
  const traffic t(1'000, 1'000 * 30 + 17, 1);
  for (const auto key : t.expected_alerts()) {
    const auto device = key >> 32, reading = (key & 0xffffffff) >> 4;
    CHECK(reading * 1'000 + device < t.messages());
  }
  CHECK(t.expected_alerts().size() > 50);
}

TEST_CASE("a median of several rounds stands with their range") {
  CHECK(spread_text({}, 2) == "-");
  CHECK(spread_text({4.126}, 2) == "4.13");
  CHECK(spread_text({3, 1, 2}, 0) == "2 (1..3)");
  CHECK(spread_of({4, 1, 2, 3}).median == 2.5);
}

TEST_CASE("a quantile of what came between two looks at a histogram is found within its bucket") {
  const char* first = "# TYPE x_seconds histogram\nx_seconds_bucket{le=\"0.001\"} 10\n"
                      "x_seconds_bucket{le=\"0.004\"} 10\nx_seconds_bucket{le=\"+Inf\"} 10\n"
                      "x_seconds_count 10\nx_seconds_more_bucket{le=\"1\"} 99\n";
  const char* then = "x_seconds_bucket{le=\"0.001\"} 100\nx_seconds_bucket{le=\"0.004\"} 110\n"
                     "x_seconds_bucket{le=\"+Inf\"} 110\n";
  const auto before = buckets_of(first, "x_seconds"), after = buckets_of(then, "x_seconds");
  REQUIRE(before.size() == 3);
  CHECK(before.at(0.004) == 10);
  CHECK(before.at(std::numeric_limits<double>::infinity()) == 10);
  CHECK(quantile(before, after, 0.9) == doctest::Approx(0.001));
  CHECK(quantile(before, after, 0.95) == doctest::Approx(0.0025));
  CHECK(quantile(before, after, 0.5) == doctest::Approx(0.0005555).epsilon(0.001));
  CHECK(quantile(after, after, 0.99) == 0);
  CHECK(quantile({}, {{0.001, 1}, {std::numeric_limits<double>::infinity(), 100}}, 0.99) == 0.001);
}

TEST_CASE("the node of the bench has job J's model and a sound configuration") {
  std::ifstream file(POLLUX_SOURCE_DIR "/tests/bench/jobj/models/job_j.json");
  REQUIRE(file);
  CHECK(json::parse(job_model()) == json::parse(file));
  for (const char* source : {"paho", "receiver"}) {
    const node_options options{4711, source, 1, messages::durability::d2};
    const auto text = node_configuration(options, 4712, "/somewhere");
    const auto parsed = config::parse(text, "bench.toml");
    REQUIRE_MESSAGE(parsed, parsed.error().what);
    CHECK(parsed->broker.source == source);
    CHECK(parsed->journal.durability == messages::durability::d2);
    REQUIRE(parsed->ingress.size() == 1);
    CHECK(parsed->ingress[0].qos == 1);
    CHECK(parsed->http.port == 4712);
  }
}
