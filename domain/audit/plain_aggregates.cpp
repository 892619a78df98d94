// SPDX-License-Identifier: Apache-2.0
#include "domain/audit/plain_aggregates.hpp"
#include "domain/base/math.hpp"
#include "domain/base/time.hpp"
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <set>

namespace pollux::domain::audit {
namespace {

using readings_by_time = std::map<std::int64_t, double>;
using number = std::optional<double>;

constexpr std::size_t exact_up_to = 512; // different values, in windows that are not sliding

long double seconds(std::int64_t from, std::int64_t to) {
  return static_cast<long double>(to - from) / static_cast<long double>(ns_per_s);
}

number slope(const readings_by_time& readings) {
  const auto n = static_cast<long double>(readings.size());
  const auto start = readings.begin()->first;
  long double mean_s = 0, mean_v = 0, both = 0, spread = 0;
  for (const auto& [t, v] : readings) {
    mean_s += seconds(start, t) / n;
    mean_v += v / n;
  }
  for (const auto& [t, v] : readings) {
    const auto s = seconds(start, t) - mean_s;
    both += s * (v - mean_v);
    spread += s * s;
  }
  if (!(spread > 0)) return std::nullopt;
  return static_cast<double>(both / spread);
}

number fading_mean(const readings_by_time& readings, std::int64_t half_life) {
  long double weights = 0, sum = 0;
  for (const auto& [t, v] : readings) {
    const long double w = math::exp2(-static_cast<double>(readings.rbegin()->first - t) /
                                     static_cast<double>(half_life));
    weights += w;
    sum += w * v;
  }
  return static_cast<double>(sum / weights);
}

// Each value holds until the next reading, the last one until the end.
number mean_over_time(const readings_by_time& readings, std::int64_t end_ns) {
  const auto end = std::max(end_ns, readings.rbegin()->first);
  const auto whole = seconds(readings.begin()->first, end);
  if (!(whole > 0)) return readings.rbegin()->second;
  long double area = 0;
  for (auto at = readings.begin(); at != readings.end(); ++at) {
    const auto next = std::next(at);
    area += at->second * seconds(at->first, next == readings.end() ? end : next->first);
  }
  return static_cast<double>(area / whole);
}

number rises(const readings_by_time& readings) {
  long double sum = 0;
  for (auto at = std::next(readings.begin()); at != readings.end(); ++at) {
    const double before = std::prev(at)->second;
    // After a fall the counter began at 0.
    sum += at->second >= before ? static_cast<long double>(at->second) - before : at->second;
  }
  return static_cast<double>(sum);
}

number direction(const readings_by_time& readings) {
  long double sines = 0, cosines = 0;
  for (const auto& [t, v] : readings) {
    const auto [sine, cosine] = math::of_degrees(v);
    sines += sine;
    cosines += cosine;
  }
  if (std::fabs(sines) + std::fabs(cosines) <= 1e-12L * static_cast<long double>(readings.size()))
    return std::nullopt;
  const double degrees =
      math::atan2(static_cast<double>(sines), static_cast<double>(cosines)) * 180 / math::pi;
  return degrees < 0 ? degrees + 360 : degrees;
}

std::set<double> different_values(const readings_by_time& readings) {
  std::set<double> out;
  for (const auto& [t, v] : readings) out.insert(v);
  return out;
}

// Doubles in their order as integers in the same order.
std::uint64_t place_of(double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value + 0.0);
  const auto sign = std::uint64_t{1} << 63;
  return (bits & sign) != 0 ? ~bits : bits | sign;
}

// Of 512 steps of 2^level neighbouring doubles each, from the least value to the greatest.
double error_of_steps(double value, const std::set<double>& all) {
  int level = 0;
  while ((place_of(*all.rbegin()) >> level) - (place_of(*all.begin()) >> level) >= exact_up_to)
    ++level;
  if (level == 0) return 0;
  double half_step = std::fabs(value); // 2^level doubles are at most 2^(level - 52) of a value
  for (int i = level - 1; i < 52; ++i) half_step /= 2;
  return half_step;
}

plain_number ranked(const readings_by_time& readings, long permille, bool sketched) {
  std::vector<double> values;
  for (const auto& [t, v] : readings) values.push_back(v);
  std::sort(values.begin(), values.end());
  // The smallest that at least permille / 1000 of all do not exceed.
  std::size_t rank = 1;
  while (rank * 1000 < values.size() * static_cast<std::size_t>(permille)) ++rank;
  const double value = values[rank - 1];
  const auto all = different_values(readings);
  return {value, sketched && all.size() > exact_up_to ? error_of_steps(value, all) : 0};
}

plain_number how_many_differ(const readings_by_time& readings, bool sketched) {
  const auto n = static_cast<double>(different_values(readings).size());
  // Six standard errors of 2.3 % are beyond chance.
  return {n, sketched && n > static_cast<double>(exact_up_to) ? 6 * 0.023 * n : 0};
}

} // namespace

plain_number further_aggregate(const std::map<std::int64_t, double>& readings,
                               std::string_view name, const config_node& window,
                               std::int64_t end_ns, bool& understood) {
  constexpr std::array<std::pair<std::string_view, long>, 10> quantiles{{{"p1", 10},
                                                                         {"p5", 50},
                                                                         {"p10", 100},
                                                                         {"p25", 250},
                                                                         {"p50", 500},
                                                                         {"p75", 750},
                                                                         {"p90", 900},
                                                                         {"p95", 950},
                                                                         {"p99", 990},
                                                                         {"p999", 999}}};
  const auto quantile = std::find_if(quantiles.begin(), quantiles.end(),
                                     [&](const auto& q) { return q.first == name; });
  understood = quantile != quantiles.end() ||
               std::set<std::string_view>{"slope",    "ewma",          "time_weighted_mean",
                                          "distinct", "counter_delta", "circular_mean"}
                   .contains(name);
  if (!understood || readings.empty()) return {};
  const bool sketched = text_of(window, "kind", "sliding") != "sliding" ||
                        key(window, "by") != nullptr || key(window, "slices") != nullptr;
  if (quantile != quantiles.end()) return ranked(readings, quantile->second, sketched);
  if (name == "distinct") return how_many_differ(readings, sketched);
  number out;
  if (name == "slope") out = slope(readings);
  if (name == "ewma") out = fading_mean(readings, duration_of(window, "half_life", 0));
  if (name == "time_weighted_mean") out = mean_over_time(readings, end_ns);
  if (name == "counter_delta") out = rises(readings);
  if (name == "circular_mean") out = direction(readings);
  if (out && !std::isfinite(*out)) out.reset();
  return {out, 0};
}

} // namespace pollux::domain::audit
