// SPDX-License-Identifier: Apache-2.0
#include "domain/window/tally.hpp"
#include "domain/base/math.hpp"
#include "domain/window/tally_extras.hpp"
#include <algorithm>
#include <cmath>

namespace pollux::domain {
namespace {

/// Seconds from `from` to `to`, which is not earlier.
double seconds(std::int64_t from, std::int64_t to) noexcept {
  return static_cast<double>(static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from)) /
         static_cast<double>(ns_per_s);
}

double half_lives(const aggregate_plan& plan, std::int64_t from, std::int64_t to) noexcept {
  return seconds(from, to) * static_cast<double>(ns_per_s) / static_cast<double>(plan.half_life_ns);
}

/// How much a counter rose from one reading to the next: after a reset it began at 0.
double rise(double before, double after) noexcept {
  return after >= before ? after - before : after;
}

} // namespace

tally::tally() = default;
tally::tally(tally&&) noexcept = default;
tally& tally::operator=(tally&&) noexcept = default;
tally::~tally() = default;

void tally::add_sum(double value) noexcept {
  const double sum = sum_ + value;
  carry_ += std::fabs(sum_) >= std::fabs(value) ? (sum_ - sum) + value : (value - sum) + sum_;
  sum_ = sum;
}

void tally::add(const aggregate_plan& plan, std::int64_t time_ns, double value) {
  ++count_;
  if (count_ == 1) {
    min_ = max_ = first_ = value;
    first_ns_ = time_ns;
  }
  if (plan.rich()) add_extras(plan, time_ns, value);
  add_sum(value);
  if (plan.moments) {
    const double d = value - mean_;
    mean_ += d / static_cast<double>(count_);
    m2_ += d * (value - mean_);
  }
  if (value < min_) min_ = value;
  if (value > max_) max_ = value;
  last_ = value;
  last_ns_ = time_ns;
}

/// Before last_ and last_ns_ move on; count_ has.
void tally::add_extras(const aggregate_plan& plan, std::int64_t time_ns, double value) {
  if (!extras_) extras_ = std::make_unique<tally_extras>();
  auto& x = *extras_;
  const bool first = count_ == 1;
  if (plan.slope) {
    const double s = seconds(first_ns_, time_ns);
    const double n = static_cast<double>(count_);
    const double ds = s - x.mean_s;
    x.mean_s += ds / n;
    x.mean_v += (value - x.mean_v) / n;
    x.spread_s += ds * (s - x.mean_s);
    x.shared += ds * (value - x.mean_v);
  }
  if (plan.ewma) {
    const double kept = first ? 0 : math::exp2(-half_lives(plan, last_ns_, time_ns));
    x.weight = x.weight * kept + 1;
    x.level += (value - x.level) / x.weight;
  }
  if (plan.area && !first) x.area += last_ * seconds(last_ns_, time_ns);
  if (plan.circular) {
    const auto [s, c] = math::of_degrees(value);
    x.sine += s;
    x.cosine += c;
  }
  if (plan.counter && !first) x.rise += rise(last_, value);
  if (plan.quantiles) x.values.add(value);
  if (plan.distinct) x.different.add(value);
}

void tally::merge(const aggregate_plan& plan, const tally& later) {
  if (later.count_ == 0) return;
  if (count_ == 0) {
    min_ = later.min_;
    max_ = later.max_;
    first_ = later.first_;
    first_ns_ = later.first_ns_;
  }
  if (plan.rich()) merge_extras(plan, later);
  const double a = static_cast<double>(count_), b = static_cast<double>(later.count_);
  add_sum(later.sum_);
  carry_ += later.carry_;
  if (count_ == 0) {
    mean_ = later.mean_;
    m2_ = later.m2_;
  } else if (plan.moments) {
    const double d = later.mean_ - mean_;
    mean_ += d * (b / (a + b));
    m2_ += later.m2_ + d * d * (a / (a + b) * b);
  }
  count_ += later.count_;
  min_ = std::min(min_, later.min_);
  max_ = std::max(max_, later.max_);
  last_ = later.last_;
  last_ns_ = later.last_ns_;
}

/// Before count_ and last_ move on. A tally without readings takes over what it is given.
void tally::merge_extras(const aggregate_plan& plan, const tally& later) {
  if (!later.extras_) return;
  if (!extras_) extras_ = std::make_unique<tally_extras>();
  auto& x = *extras_;
  const auto& y = *later.extras_;
  const bool first = count_ == 0;
  if (plan.slope && first) {
    x.mean_s = y.mean_s;
    x.mean_v = y.mean_v;
    x.spread_s = y.spread_s;
    x.shared = y.shared;
  } else if (plan.slope) {
    const double a = static_cast<double>(count_), b = static_cast<double>(later.count_);
    const double ds = seconds(first_ns_, later.first_ns_) + y.mean_s - x.mean_s;
    const double dv = y.mean_v - x.mean_v;
    const double share = b / (a + b);
    x.mean_s += ds * share;
    x.mean_v += dv * share;
    x.spread_s += y.spread_s + ds * ds * (a * share);
    x.shared += y.shared + ds * dv * (a * share);
  }
  if (plan.ewma) {
    const double kept = first ? 0 : math::exp2(-half_lives(plan, last_ns_, later.last_ns_));
    const double before = x.weight * kept;
    x.weight = before + y.weight;
    x.level = first ? y.level : x.level + (y.level - x.level) * (y.weight / x.weight);
  }
  if (plan.area) x.area += (first ? 0 : last_ * seconds(last_ns_, later.first_ns_)) + y.area;
  if (plan.circular) {
    x.sine += y.sine;
    x.cosine += y.cosine;
  }
  if (plan.counter) x.rise += (first ? 0 : rise(last_, later.first_)) + y.rise;
  if (plan.quantiles) x.values.merge(y.values);
  if (plan.distinct) x.different.merge(y.different);
}

std::optional<double> tally::value(const aggregate& asked, std::int64_t end_ns) const {
  using k = aggregate_kind;
  const double n = static_cast<double>(count_);
  if (asked.kind == k::count) return n;
  if (asked.kind == k::sum && count_ == 0) return 0;
  if (count_ == 0) return std::nullopt;
  std::optional<double> out;
  switch (asked.kind) {
  case k::mean: out = total() / n; break;
  case k::sd:
    if (count_ > 1) out = std::sqrt(m2_ / (n - 1));
    break;
  case k::psd: out = std::sqrt(m2_ / n); break;
  case k::min: out = min_; break;
  case k::max: out = max_; break;
  case k::sum: out = total(); break;
  case k::range: out = max_ - min_; break;
  case k::first: out = first_; break;
  case k::last: out = last_; break;
  case k::delta: out = last_ - first_; break;
  default: out = ordered_value(asked, end_ns); break;
  }
  if (out && !std::isfinite(*out)) return std::nullopt;
  return out;
}

std::optional<double> tally::ordered_value(const aggregate& asked, std::int64_t end_ns) const {
  using k = aggregate_kind;
  const double lasted = seconds(first_ns_, last_ns_);
  if (asked.kind == k::rate)
    return lasted > 0 ? std::optional((last_ - first_) / lasted) : std::nullopt;
  if (!extras_) return std::nullopt;
  const auto& x = *extras_;
  switch (asked.kind) {
  case k::slope: return x.spread_s > 0 ? std::optional(x.shared / x.spread_s) : std::nullopt;
  case k::ewma: return x.level;
  case k::distinct: return x.different.estimate();
  case k::time_weighted_mean: {
    const auto end = std::max(end_ns, last_ns_);
    const double whole = seconds(first_ns_, end);
    return whole > 0 ? (x.area + last_ * seconds(last_ns_, end)) / whole : last_;
  }
  case k::counter_delta: return x.rise;
  case k::circular_mean: {
    // Directions that cancel have no mean: what is left is rounding.
    if (std::fabs(x.sine) + std::fabs(x.cosine) <= 1e-12 * static_cast<double>(count_))
      return std::nullopt;
    const double degrees = math::atan2(x.sine, x.cosine) * (180 / math::pi);
    return degrees < 0 ? degrees + 360 : degrees;
  }
  case k::quantile: return x.values.quantile(asked.permille, min_, max_);
  default: return std::nullopt;
  }
}

void tally::clear() noexcept {
  count_ = 0;
  sum_ = carry_ = mean_ = m2_ = 0;
  if (!extras_) return;
  auto values = std::move(extras_->values);
  auto different = std::move(extras_->different);
  values.clear();
  different.clear();
  *extras_ = tally_extras{};
  extras_->values = std::move(values);
  extras_->different = std::move(different);
}

std::size_t tally::heap_bytes() const noexcept {
  return extras_
             ? sizeof(tally_extras) + extras_->values.heap_bytes() + extras_->different.heap_bytes()
             : 0;
}

void tally::save(const aggregate_plan& plan, byte_writer& out) const {
  out.u64(count_);
  if (count_ == 0) return;
  for (const double v : {sum_, carry_, mean_, m2_, min_, max_, first_, last_}) out.f64(v);
  out.i64(first_ns_);
  out.i64(last_ns_);
  if (!plan.rich()) return;
  const auto& x = *extras_;
  if (plan.slope)
    for (const double v : {x.mean_s, x.mean_v, x.spread_s, x.shared}) out.f64(v);
  if (plan.ewma)
    for (const double v : {x.weight, x.level}) out.f64(v);
  if (plan.area) out.f64(x.area);
  if (plan.circular)
    for (const double v : {x.sine, x.cosine}) out.f64(v);
  if (plan.counter) out.f64(x.rise);
  if (plan.quantiles) x.values.save(out);
  if (plan.distinct) x.different.save(out);
}

bool tally::load(const aggregate_plan& plan, byte_reader& in) {
  clear();
  count_ = in.u64();
  if (!in.ok()) return false;
  if (count_ == 0) return true;
  for (double* v : {&sum_, &carry_, &mean_, &m2_, &min_, &max_, &first_, &last_}) *v = in.f64();
  first_ns_ = in.i64();
  last_ns_ = in.i64();
  if (plan.rich() && !extras_) extras_ = std::make_unique<tally_extras>();
  bool good = in.ok() && first_ns_ <= last_ns_ && min_ <= max_;
  if (plan.rich()) {
    auto& x = *extras_;
    if (plan.slope)
      for (double* v : {&x.mean_s, &x.mean_v, &x.spread_s, &x.shared}) *v = in.f64();
    if (plan.ewma)
      for (double* v : {&x.weight, &x.level}) *v = in.f64();
    if (plan.area) x.area = in.f64();
    if (plan.circular)
      for (double* v : {&x.sine, &x.cosine}) *v = in.f64();
    if (plan.counter) x.rise = in.f64();
    if (plan.quantiles) good = good && x.values.load(in) && x.values.count() == count_;
    if (plan.distinct) good = good && x.different.load(in);
  }
  if (good && in.ok()) return true;
  clear();
  in.fail();
  return false;
}

} // namespace pollux::domain
