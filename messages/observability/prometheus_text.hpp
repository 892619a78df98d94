// SPDX-License-Identifier: Apache-2.0
// Writes Prometheus' text exposition format 0.0.4: HELP and TYPE of a family, then its samples.
#pragma once
#include "messages/observability/metrics.hpp"
#include <cstdint>
#include <string>
#include <string_view>

namespace pollux::messages {

class prometheus_text {
public:
  /// Starts a family; its samples must follow before the next one. `type`: counter, gauge,
  /// histogram.
  void head(std::string_view name, std::string_view help, std::string_view type);
  void sample(std::string_view name, const labels& l, std::uint64_t value);
  void sample(std::string_view name, const labels& l, double value);
  /// Cumulative buckets up to +Inf, sum in seconds, count: one consistent set.
  void histogram_samples(const std::string& name, const labels& l, const histogram& h);
  [[nodiscard]] std::string text() && { return std::move(out_); }

private:
  void name_and_labels(std::string_view name, const labels& l, std::string_view bound);
  std::string out_;
};

/// A number as Prometheus reads it: shortest round-trip, "+Inf", "-Inf", "NaN".
[[nodiscard]] std::string prometheus_number(double value);

} // namespace pollux::messages
