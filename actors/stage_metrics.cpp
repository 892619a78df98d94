// SPDX-License-Identifier: Apache-2.0
#include "actors/stage_metrics.hpp"
#include <algorithm>
#include <chrono>
#include <cmath>

namespace pollux::actors {

namespace {

std::int64_t window_begin_ns() {
  using namespace std::chrono;
  return duration_cast<nanoseconds>(system_clock::now().time_since_epoch()).count() -
         twin_samples::kept_ns;
}

} // namespace

messages::histogram& stage_seconds(messages::metrics& of, const char* stage) {
  return of.make_histogram("pollux_stage_seconds",
                           "Time a reading or command takes to the end of a stage",
                           {{"stage", stage}});
}

void recent_values::add(std::int64_t now_ns, double value) noexcept {
  auto& slot = ring_[next_.fetch_add(1, std::memory_order_relaxed) % ring_.size()];
  slot.value.store(value, std::memory_order_relaxed);
  slot.at_ns.store(now_ns, std::memory_order_relaxed);
}

std::vector<double> recent_values::since(std::int64_t since_ns) const {
  std::vector<double> out;
  for (const auto& slot : ring_) {
    const auto at = slot.at_ns.load(std::memory_order_relaxed);
    if (at != 0 && at >= since_ns) out.push_back(slot.value.load(std::memory_order_relaxed));
  }
  return out;
}

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const auto v : values) sum += v;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

double greatest_of(const std::vector<double>& values) {
  return values.empty() ? 0 : *std::max_element(values.begin(), values.end());
}

double p99_of(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto rank = static_cast<std::size_t>(std::ceil(0.99 * static_cast<double>(values.size())));
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(rank - 1);
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

void export_samples(messages::metrics& to, const messages::labels& host,
                    const std::shared_ptr<const twin_samples>& of, const messages::gauge& awake) {
  to.make_gauge_callback(
      "pollux_watermark_lag_worst_seconds",
      "Time of the last input less the watermark, the greatest among sampled twins",
      [of] { return greatest_of(of->watermark_lag_s.since(window_begin_ns())); }, host);
  to.make_gauge_callback(
      "pollux_watermark_lag_p99_seconds",
      "Time of the last input less the watermark, not exceeded by 99 % of sampled twins",
      [of] { return p99_of(of->watermark_lag_s.since(window_begin_ns())); }, host);
  const auto memory = [&](const char* owner, recent_values twin_samples::*values) {
    auto l = host;
    l.emplace_back("owner", owner);
    to.make_gauge_callback(
        "pollux_memory_bytes", "Memory by owner; of twins, windows and outbox estimated by samples",
        [of, values, &awake] {
          return mean_of(((*of).*values).since(window_begin_ns())) * awake.value();
        },
        l);
  };
  memory("twins", &twin_samples::state_bytes);
  memory("windows", &twin_samples::window_bytes);
}

} // namespace pollux::actors
