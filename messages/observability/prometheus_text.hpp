// SPDX-License-Identifier: Apache-2.0
// Writes Prometheus' text exposition format 0.0.4, or OpenMetrics 1.0.0: HELP and TYPE of a family,
// then its samples. They differ in the family's name of a counter, in what is escaped in HELP, and
// in the last line.
#pragma once
#include "messages/observability/metrics.hpp"
#include <cstdint>
#include <string>
#include <string_view>

namespace pollux::messages {

class prometheus_text {
public:
  explicit prometheus_text(render_options how = {}) : how_(how) {}
  /// Starts a family; its samples must follow before the next one. `type`: counter, gauge,
  /// histogram, summary.
  void head(std::string_view name, std::string_view help, std::string_view type);
  void sample(std::string_view name, const labels& l, std::uint64_t value);
  void sample(std::string_view name, const labels& l, double value);
  /// Cumulative buckets up to +Inf, sum in seconds, count: one consistent set.
  void histogram_samples(const std::string& name, const labels& l, const histogram& h);
  /// p50, p99 and p999 of `of`, in seconds; NaN when there is nothing in it.
  void quantile_samples(const std::string& name, const labels& l, const histogram::counts& of);
  [[nodiscard]] std::string text() &&;

private:
  void name_and_labels(std::string_view name, const labels& l, std::string_view key = {},
                       std::string_view value = {});
  render_options how_;
  std::string out_;
};

/// A number as Prometheus reads it: shortest round-trip, "+Inf", "-Inf", "NaN".
[[nodiscard]] std::string prometheus_number(double value);

} // namespace pollux::messages
