// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/bench_figures.hpp"
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <limits>

namespace pollux::bench {

namespace {
std::string rounded(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}
} // namespace

spread spread_of(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const auto middle = values.size() / 2;
  const double median =
      values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
  return {median, values.front(), values.back()};
}

std::string spread_text(const std::vector<double>& values, int digits) {
  if (values.empty()) return "-";
  const auto s = spread_of(values);
  if (values.size() == 1) return rounded(s.median, digits);
  return rounded(s.median, digits) + " (" + rounded(s.least, digits) + ".." +
         rounded(s.most, digits) + ")";
}

bucket_counts buckets_of(std::string_view page, std::string_view name) {
  const auto start = std::string(name) + "_bucket{le=\"";
  bucket_counts out;
  for (std::size_t at = 0; at < page.size();) {
    const auto end = std::min(page.find('\n', at), page.size());
    const auto line = page.substr(at, end - at);
    at = end + 1;
    const auto close = line.find("\"} ");
    if (line.substr(0, start.size()) != start || close == std::string_view::npos) continue;
    const std::string bound(line.substr(start.size(), close - start.size()));
    const std::string count(line.substr(close + 3));
    out[bound == "+Inf" ? std::numeric_limits<double>::infinity()
                        : std::strtod(bound.c_str(), nullptr)] =
        std::strtod(count.c_str(), nullptr);
  }
  return out;
}

double quantile(const bucket_counts& before, const bucket_counts& after, double share) {
  const auto seen = [&](double bound, double count) {
    const auto found = before.find(bound);
    return found == before.end() ? count : count - found->second;
  };
  if (after.empty()) return 0;
  const auto total = seen(after.rbegin()->first, after.rbegin()->second);
  if (total <= 0) return 0;
  double below = 0, lower = 0;
  for (const auto& [bound, count] : after) {
    const auto upto = seen(bound, count);
    if (upto >= share * total) {
      if (bound == std::numeric_limits<double>::infinity()) return lower;
      return lower + (bound - lower) * (share * total - below) / (upto - below);
    }
    below = upto;
    lower = bound;
  }
  return lower;
}

} // namespace pollux::bench
