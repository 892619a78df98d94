// SPDX-License-Identifier: Apache-2.0
// What the stages of the way from a reading to its effect tell of themselves (docs/metrics.md):
// how long they take, and what a few twins looked at now and then say of all of them.
#pragma once
#include "messages/observability/metrics.hpp"
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace pollux::actors {

/// pollux_stage_seconds of one stage.
[[nodiscard]] messages::histogram& stage_seconds(messages::metrics& of, const char* stage);

/// From one time of the wall clock to a later one, in seconds; a clock set back gives less than 0,
/// which a histogram takes as 0.
[[nodiscard]] constexpr double seconds_between(std::int64_t from_ns, std::int64_t to_ns) noexcept {
  return static_cast<double>(to_ns - from_ns) * 1e-9;
}

/// The last 512 values with their times. One or many threads add, any thread reads; no lock. A
/// value read while it is replaced may stand with the other's time: harmless for a gauge.
class recent_values {
public:
  void add(std::int64_t now_ns, double value) noexcept;
  /// Those added at or after `since_ns`, in no order.
  [[nodiscard]] std::vector<double> since(std::int64_t since_ns) const;

private:
  struct one {
    std::atomic<std::int64_t> at_ns{0};
    std::atomic<double> value{0};
  };
  std::array<one, 512> ring_;
  std::atomic<std::size_t> next_{0};
};

/// Of twins looked at in the last five minutes: the last one of a hand-over, ten times a second.
struct twin_samples {
  static constexpr std::int64_t pause_ns = 100'000'000, kept_ns = 300'000'000'000;
  recent_values watermark_lag_s, state_bytes, window_bytes;
};

/// Mean of the values, 0 without any; the greatest; the one that 99 % do not exceed.
[[nodiscard]] double mean_of(const std::vector<double>& values);
[[nodiscard]] double greatest_of(const std::vector<double>& values);
[[nodiscard]] double p99_of(std::vector<double> values);

/// Gauges made of the samples of one host: watermark lag, and memory of twins and windows, taken as
/// the mean of the samples times `awake`. The samples live as long as the gauges.
void export_samples(messages::metrics& to, const messages::labels& host,
                    const std::shared_ptr<const twin_samples>& of, const messages::gauge& awake);

} // namespace pollux::actors
