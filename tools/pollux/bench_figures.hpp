// SPDX-License-Identifier: Apache-2.0
// Figures of several rounds, and what a page of /metrics says of a distribution.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::bench {

/// Of an even number the median is the mean of the two in the middle. All 0 without values.
struct spread {
  double median = 0, least = 0, most = 0;
};
[[nodiscard]] spread spread_of(std::vector<double> values);
/// "6.83 (6.75..6.93)", only the median when there is one value, "-" without.
[[nodiscard]] std::string spread_text(const std::vector<double>& values, int digits);

/// Cumulative counts of a histogram by upper bound in seconds; the last is +Inf's.
using bucket_counts = std::map<double, double>;

/// The buckets of a histogram without labels in a page of /metrics.
[[nodiscard]] bucket_counts buckets_of(std::string_view page, std::string_view name);
/// The value below which `share` of the observations between two readings lie, taken as spread
/// evenly within a bucket; 0 without observations, the last finite bound when it lies above that.
[[nodiscard]] double quantile(const bucket_counts& before, const bucket_counts& after,
                              double share);

} // namespace pollux::bench
