// SPDX-License-Identifier: Apache-2.0
#include "domain/window/fold.hpp"
#include "domain/base/math.hpp"
#include <algorithm>
#include <cmath>

namespace pollux::domain {
namespace {

/// Seconds from `from` to `to`, which is not earlier.
double seconds(std::int64_t from, std::int64_t to) noexcept {
  return static_cast<double>(static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from)) /
         static_cast<double>(ns_per_s);
}

/// What is left of a weight after the time from `from` to `to`.
double kept(const fold_parts& parts, std::int64_t from, std::int64_t to) noexcept {
  return math::exp2(-(seconds(from, to) * static_cast<double>(ns_per_s) /
                      static_cast<double>(parts.half_life_ns)));
}

/// How much a counter rose from one reading to the next: after a reset it began at 0.
double rise(double before, double after) noexcept {
  return after >= before ? after - before : after;
}

void add_sum(fold_basics& to, double value) noexcept {
  const double sum = to.sum + value;
  to.carry +=
      std::fabs(to.sum) >= std::fabs(value) ? (to.sum - sum) + value : (value - sum) + to.sum;
  to.sum = sum;
}

/// Before last and last_ns move on; count has.
void add_ordered(const fold_parts& parts, const fold_basics& to, fold_order& x,
                 std::int64_t time_ns, double value) {
  const bool first = to.count == 1;
  if (parts.slope) {
    const double s = seconds(to.first_ns, time_ns);
    const double n = static_cast<double>(to.count);
    const double ds = s - x.mean_s;
    x.mean_s += ds / n;
    x.mean_v += (value - x.mean_v) / n;
    x.spread_s += ds * (s - x.mean_s);
    x.shared += ds * (value - x.mean_v);
  }
  if (parts.ewma) {
    x.weight = (first ? 0 : x.weight * kept(parts, to.last_ns, time_ns)) + 1;
    x.level += (value - x.level) / x.weight;
  }
  if (parts.area && !first) x.area += to.last * seconds(to.last_ns, time_ns);
  if (parts.circular) {
    const auto [s, c] = math::of_degrees(value);
    x.sine += s;
    x.cosine += c;
  }
  if (parts.counter && !first) x.rise += rise(to.last, value);
}

/// Before count and last move on. A fold without readings takes over what it is given.
void merge_ordered(const fold_parts& parts, const fold_basics& to, fold_order& x,
                   const fold_basics& later, const fold_order& y) {
  const bool first = to.count == 0;
  if (parts.slope && first) {
    x.mean_s = y.mean_s;
    x.mean_v = y.mean_v;
    x.spread_s = y.spread_s;
    x.shared = y.shared;
  } else if (parts.slope) {
    const double a = static_cast<double>(to.count), b = static_cast<double>(later.count);
    const double ds = seconds(to.first_ns, later.first_ns) + y.mean_s - x.mean_s;
    const double dv = y.mean_v - x.mean_v;
    const double share = b / (a + b);
    x.mean_s += ds * share;
    x.mean_v += dv * share;
    x.spread_s += y.spread_s + ds * ds * (a * share);
    x.shared += y.shared + ds * dv * (a * share);
  }
  if (parts.ewma) {
    const double before = first ? 0 : x.weight * kept(parts, to.last_ns, later.last_ns);
    x.weight = before + y.weight;
    x.level = first ? y.level : x.level + (y.level - x.level) * (y.weight / x.weight);
  }
  if (parts.area) x.area += (first ? 0 : to.last * seconds(to.last_ns, later.first_ns)) + y.area;
  if (parts.circular) {
    x.sine += y.sine;
    x.cosine += y.cosine;
  }
  if (parts.counter) x.rise += (first ? 0 : rise(to.last, later.first)) + y.rise;
}

std::optional<double> ordered_value(const fold_basics& of, const fold_order& x,
                                    const aggregate& asked, std::int64_t end_ns) {
  using k = aggregate_kind;
  switch (asked.kind) {
  case k::slope: return x.spread_s > 0 ? std::optional(x.shared / x.spread_s) : std::nullopt;
  case k::ewma: return x.level;
  case k::time_weighted_mean: {
    const auto end = std::max(end_ns, of.last_ns);
    const double whole = seconds(of.first_ns, end);
    return whole > 0 ? (x.area + of.last * seconds(of.last_ns, end)) / whole : of.last;
  }
  case k::counter_delta: return x.rise;
  case k::circular_mean: {
    // Directions that cancel have no mean: what is left is rounding.
    if (std::fabs(x.sine) + std::fabs(x.cosine) <= 1e-12 * static_cast<double>(of.count))
      return std::nullopt;
    const double degrees = math::atan2(x.sine, x.cosine) * (180 / math::pi);
    return degrees < 0 ? degrees + 360 : degrees;
  }
  default: return std::nullopt;
  }
}

} // namespace

void add_reading(const fold_parts& parts, fold_basics& to, fold_order* order, std::int64_t time_ns,
                 double value) {
  ++to.count;
  if (to.count == 1) {
    to.min = to.max = to.first = value;
    to.first_ns = time_ns;
  }
  if (parts.ordered() && order != nullptr) add_ordered(parts, to, *order, time_ns, value);
  if (parts.sum) add_sum(to, value);
  if (parts.moments) {
    const double d = value - to.mean;
    to.mean += d / static_cast<double>(to.count);
    to.m2 += d * (value - to.mean);
  }
  if (value < to.min) to.min = value;
  if (value > to.max) to.max = value;
  to.last = value;
  to.last_ns = time_ns;
}

void add_before(const fold_parts& parts, fold_basics& to, fold_order& x, std::int64_t time_ns,
                double value) {
  if (to.count == 0) return add_reading(parts, to, &x, time_ns, value);
  const double share = static_cast<double>(to.count) / static_cast<double>(to.count + 1);
  if (parts.slope) {
    const double ds = seconds(time_ns, to.first_ns) + x.mean_s;
    const double dv = x.mean_v - value;
    x.mean_s = ds * share;
    x.mean_v = value + dv * share;
    x.spread_s += ds * ds * share;
    x.shared += ds * dv * share;
  }
  if (parts.ewma) {
    const double weight = kept(parts, time_ns, to.last_ns) + x.weight;
    x.level = value + (x.level - value) * (x.weight / weight);
    x.weight = weight;
  }
  if (parts.area) x.area += value * seconds(time_ns, to.first_ns);
  if (parts.circular) {
    const auto [s, c] = math::of_degrees(value);
    x.sine += s;
    x.cosine += c;
  }
  if (parts.counter) x.rise += rise(value, to.first);
  if (parts.sum) add_sum(to, value);
  if (parts.moments) {
    const double d = to.mean - value;
    to.mean = value + d * share;
    to.m2 += d * d * share;
  }
  ++to.count;
  if (value < to.min) to.min = value;
  if (value > to.max) to.max = value;
  to.first = value;
  to.first_ns = time_ns;
}

void add_run(const fold_parts& parts, fold_basics& to, fold_order* order, const fold_basics& later,
             const fold_order* later_order) {
  if (later.count == 0) return;
  if (to.count == 0) {
    to.min = later.min;
    to.max = later.max;
    to.first = later.first;
    to.first_ns = later.first_ns;
  }
  if (parts.ordered() && order != nullptr && later_order != nullptr)
    merge_ordered(parts, to, *order, later, *later_order);
  if (parts.sum) {
    add_sum(to, later.sum);
    to.carry += later.carry;
  }
  if (to.count == 0) {
    to.mean = later.mean;
    to.m2 = later.m2;
  } else if (parts.moments) {
    const double a = static_cast<double>(to.count), b = static_cast<double>(later.count);
    const double d = later.mean - to.mean;
    to.mean += d * (b / (a + b));
    to.m2 += later.m2 + d * d * (a / (a + b) * b);
  }
  to.count += later.count;
  to.min = std::min(to.min, later.min);
  to.max = std::max(to.max, later.max);
  to.last = later.last;
  to.last_ns = later.last_ns;
}

std::optional<double> fold_value(const fold_basics& of, const fold_order* order,
                                 const aggregate& asked, std::int64_t end_ns) {
  using k = aggregate_kind;
  const double n = static_cast<double>(of.count);
  if (asked.kind == k::count) return n;
  if (asked.kind == k::sum && of.count == 0) return 0;
  if (of.count == 0) return std::nullopt;
  std::optional<double> out;
  switch (asked.kind) {
  case k::mean: out = of.total() / n; break;
  case k::sd:
    if (of.count > 1) out = std::sqrt(of.m2 / (n - 1));
    break;
  case k::psd: out = std::sqrt(of.m2 / n); break;
  case k::min: out = of.min; break;
  case k::max: out = of.max; break;
  case k::sum: out = of.total(); break;
  case k::range: out = of.max - of.min; break;
  case k::first: out = of.first; break;
  case k::last: out = of.last; break;
  case k::delta: out = of.last - of.first; break;
  case k::rate: {
    const double lasted = seconds(of.first_ns, of.last_ns);
    if (lasted > 0) out = (of.last - of.first) / lasted;
    break;
  }
  default:
    if (order != nullptr) out = ordered_value(of, *order, asked, end_ns);
  }
  if (out && !std::isfinite(*out)) return std::nullopt;
  return out;
}

} // namespace pollux::domain
