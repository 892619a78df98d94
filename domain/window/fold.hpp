// SPDX-License-Identifier: Apache-2.0
// What a run of readings adds up to, as plain numbers: a fold in event-time order, one reading or
// one later run after the other. The same runs in that order give the same bits.
#pragma once
#include "domain/window/aggregates.hpp"
#include <optional>

namespace pollux::domain {

/// What every fold has.
struct fold_basics {
  std::uint64_t count = 0;
  double sum = 0, carry = 0; ///< Neumaier 1974: the carry holds what the sum's rounding lost
  double mean = 0, m2 = 0;   ///< Welford 1962; only when the plan has moments
  double min = 0, max = 0;
  double first = 0, last = 0;
  std::int64_t first_ns = 0, last_ns = 0;

  [[nodiscard]] double total() const noexcept { return sum + carry; }
};

/// What depends on the order of the readings, or is asked for rarely.
struct fold_order {
  // slope: least squares over seconds since the first reading
  double mean_s = 0;   ///< mean time
  double mean_v = 0;   ///< mean value
  double spread_s = 0; ///< sum of (s - mean)^2
  double shared = 0;   ///< sum of (s - mean) (v - mean)
  // ewma: a mean in which a reading h before the last one has half its weight
  double weight = 0;
  double level = 0;
  double area = 0;             ///< value times seconds between the readings, step by step
  double sine = 0, cosine = 0; ///< sums over values in degrees
  double rise = 0;             ///< of a counter
};

/// Adds a reading no older than the newest one inside. `order` may be null when the parts have
/// nothing ordered. Cost: some 10 ns; ewma and circular_mean some 20 more.
void add_reading(const fold_parts& parts, fold_basics& to, fold_order* order, std::int64_t time_ns,
                 double value);
/// Adds a run whose readings all are no older than the newest one inside.
void add_run(const fold_parts& parts, fold_basics& to, fold_order* order, const fold_basics& later,
             const fold_order* later_order);
/// Puts a reading before all others: it is no newer than the oldest one inside.
void add_before(const fold_parts& parts, fold_basics& to, fold_order& order, std::int64_t time_ns,
                double value);
/// One aggregate, but for quantiles and distinct; nullopt where too few readings give none, or it
/// is not finite. A time-weighted mean holds the last value until `end_ns`.
[[nodiscard]] std::optional<double> fold_value(const fold_basics& of, const fold_order* order,
                                               const aggregate& asked, std::int64_t end_ns);

struct fold : fold_basics {
  fold_order order;

  void add(const fold_parts& parts, std::int64_t time_ns, double value) {
    add_reading(parts, *this, &order, time_ns, value);
  }
  void prepend(const fold_parts& parts, std::int64_t time_ns, double value) {
    add_before(parts, *this, order, time_ns, value);
  }
  void merge(const fold_parts& parts, const fold& later) {
    add_run(parts, *this, &order, later, &later.order);
  }
  [[nodiscard]] std::optional<double> value(const aggregate& asked, std::int64_t end_ns) const {
    return fold_value(*this, &order, asked, end_ns);
  }
};

/// Hands over, one by one, the numbers that these parts need beyond the count and the ends.
template <class Fold, class F> void each_number(const fold_parts& parts, Fold& of, F&& take) {
  if (parts.sum) {
    take(of.sum);
    take(of.carry);
  }
  if (parts.moments) {
    take(of.mean);
    take(of.m2);
  }
  if (parts.extremes) {
    take(of.min);
    take(of.max);
  }
  auto& o = of.order;
  if (parts.slope)
    for (auto* v : {&o.mean_s, &o.mean_v, &o.spread_s, &o.shared}) take(*v);
  if (parts.ewma) {
    take(o.weight);
    take(o.level);
  }
  if (parts.area) take(o.area);
  if (parts.circular) {
    take(o.sine);
    take(o.cosine);
  }
  if (parts.counter) take(o.rise);
}

} // namespace pollux::domain
