// SPDX-License-Identifier: Apache-2.0
// What is made of points: summaries, buckets, M4, completeness.
#include "persistence/series.hpp"
#include <algorithm>
#include <cmath>

namespace pollux::persistence {

void summary::add(const point& p) noexcept {
  if (count_ == 0) first_ = least_ = greatest_ = p;
  last_ = p;
  if (p.value < least_.value) least_ = p;
  if (p.value > greatest_.value) greatest_ = p;
  ++count_;
  const double next = sum_ + p.value;
  rest_ +=
      std::fabs(sum_) >= std::fabs(p.value) ? (sum_ - next) + p.value : (p.value - next) + sum_;
  sum_ = next;
  const double away = p.value - mean_;
  mean_ += away / static_cast<double>(count_);
  m2_ += away * (p.value - mean_);
}

double summary::mean() const noexcept {
  return count_ == 0 ? 0 : sum() / static_cast<double>(count_);
}

double summary::sample_stddev() const noexcept {
  return count_ < 2 ? 0 : std::sqrt(m2_ / static_cast<double>(count_ - 1));
}

void bucketing::add(const point& p) {
  // in unsigned arithmetic: the difference of two times may not fit a signed number
  const auto since = static_cast<std::uint64_t>(p.time_ns) - static_cast<std::uint64_t>(origin_);
  const auto width = static_cast<std::uint64_t>(width_);
  std::int64_t from = 0;
  if (p.time_ns >= origin_) {
    from = static_cast<std::int64_t>(static_cast<std::uint64_t>(p.time_ns) - since % width);
  } else {
    const auto before = (~since + 1) % width; // origin - time
    from = before == 0 ? p.time_ns
                       : saturating_add(p.time_ns, -static_cast<std::int64_t>(width - before));
  }
  if (buckets_.empty() || buckets_.back().from_ns != from) buckets_.push_back({from, {}});
  buckets_.back().of.add(p);
}

std::vector<point> m4(const std::vector<bucket>& buckets) {
  std::vector<point> out;
  out.reserve(4 * buckets.size());
  for (const auto& b : buckets) {
    const auto& earlier =
        b.of.least().time_ns <= b.of.greatest().time_ns ? b.of.least() : b.of.greatest();
    const auto& later = &earlier == &b.of.least() ? b.of.greatest() : b.of.least();
    for (const auto* p : {&b.of.first(), &earlier, &later, &b.of.last()})
      if (out.empty() || out.back().time_ns != p->time_ns) out.push_back(*p);
  }
  return out;
}

namespace {

/// The instants of the interval at which a value came.
result<std::vector<std::int64_t>> instants(const log& tail, const store& blocks,
                                           const series_place& twin, series_interval what,
                                           series_origin& origin) {
  std::vector<std::int64_t> times;
  std::size_t sorted = 0;
  auto s = each_stretch(
      tail, blocks, twin, {}, what, origin, [&](const std::string&, std::span<const point> points) {
        // a new stretch begins: what the telemetries had before is complete
        if (!times.empty() && points.front().time_ns > times.back()) {
          std::sort(times.begin() + static_cast<std::ptrdiff_t>(sorted), times.end());
          times.erase(std::unique(times.begin(), times.end()), times.end());
          sorted = times.size();
        }
        for (const auto& p : points) times.push_back(p.time_ns);
      });
  if (!s) return s.error();
  std::sort(times.begin(), times.end());
  times.erase(std::unique(times.begin(), times.end()), times.end());
  return times;
}

std::int64_t median_distance(const std::vector<std::int64_t>& times) {
  if (times.size() < 2) return 0;
  std::vector<std::int64_t> distances(times.size() - 1);
  for (std::size_t i = 0; i + 1 < times.size(); ++i) distances[i] = times[i + 1] - times[i];
  const auto middle = distances.begin() + static_cast<std::ptrdiff_t>(distances.size() / 2);
  std::nth_element(distances.begin(), middle, distances.end());
  return *middle;
}

void find_gaps(const std::vector<std::int64_t>& times, series_interval what,
               completeness_report& into) {
  const auto expected = into.expected_ns;
  if (expected <= 0) return;
  const auto longest = expected + expected / 2;
  const auto look = [&](std::int64_t from, std::int64_t to, std::int64_t due) {
    if (to - from <= longest) return;
    ++into.gaps_total;
    into.gaps.push_back({from, to, static_cast<std::uint64_t>((to - from + due) / expected)});
    if (into.gaps.size() < 2 * max_gaps) return;
    const auto longer = [](const gap& a, const gap& b) {
      return a.to_ns - a.from_ns > b.to_ns - b.from_ns;
    };
    std::nth_element(into.gaps.begin(), into.gaps.begin() + max_gaps, into.gaps.end(), longer);
    into.gaps.resize(max_gaps);
  };
  if (times.empty()) return look(what.from_ns, what.to_ns, 0);
  look(what.from_ns, times.front(), 0);
  for (std::size_t i = 0; i + 1 < times.size(); ++i)
    look(times[i], times[i + 1], expected / 2 - expected);
  look(times.back(), what.to_ns, 0);
  if (into.gaps.size() > max_gaps) {
    std::sort(into.gaps.begin(), into.gaps.end(),
              [](const gap& a, const gap& b) { return a.to_ns - a.from_ns > b.to_ns - b.from_ns; });
    into.gaps.resize(max_gaps);
  }
  std::sort(into.gaps.begin(), into.gaps.end(),
            [](const gap& a, const gap& b) { return a.from_ns < b.from_ns; });
}

} // namespace

result<completeness_report> completeness_of(const log& tail, const store& blocks,
                                            const series_place& twin, series_interval what,
                                            std::int64_t period_ns, std::int64_t expected_ns,
                                            series_origin& origin) {
  const bool open_from = what.from_ns <= no_time + 1, open_to = what.to_ns >= never - 1;
  auto times = instants(tail, blocks, twin, what, origin);
  if (!times) return times.error();
  completeness_report out;
  out.expected_ns = expected_ns > 0 ? expected_ns : median_distance(*times);
  // an open end reaches as far as the readings do
  if ((open_from || open_to) && times->empty()) return out;
  if (open_from) what.from_ns = times->front();
  if (open_to) what.to_ns = times->back();
  const auto whole =
      static_cast<std::uint64_t>(what.to_ns) - static_cast<std::uint64_t>(what.from_ns);
  if (period_ns > 0 && whole / static_cast<std::uint64_t>(period_ns) >= max_periods)
    return failure{errc::invalid_argument,
                   "period: the interval would have more than " + std::to_string(max_periods)};
  auto next = times->begin();
  for (auto from = what.from_ns;;) {
    const auto to =
        period_ns <= 0 ? what.to_ns : std::min(what.to_ns, saturating_add(from, period_ns - 1));
    completeness c{from, to, 0, 0};
    for (; next != times->end() && *next <= to; ++next) ++c.readings;
    if (out.expected_ns > 0)
      c.expected = static_cast<std::uint64_t>((to - from) / out.expected_ns) + 1;
    out.periods.push_back(c);
    if (to >= what.to_ns) break;
    from = to + 1;
  }
  find_gaps(*times, what, out);
  return out;
}

} // namespace pollux::persistence
