// SPDX-License-Identifier: Apache-2.0
#include "domain/window/tally.hpp"
#include "domain/window/tally_extras.hpp"
#include <cmath>

namespace pollux::domain {
tally::tally() = default;
tally::tally(tally&&) noexcept = default;
tally& tally::operator=(tally&&) noexcept = default;
tally::~tally() = default;

void tally::add(const aggregate_plan& plan, std::int64_t time_ns, double value) {
  fold_order* order = nullptr;
  if (plan.rich()) {
    if (!extras_) extras_ = std::make_unique<tally_extras>();
    order = &extras_->order;
    if (plan.quantiles) extras_->values.add(value);
    if (plan.distinct) extras_->different.add(value);
  }
  add_reading(plan, all_, order, time_ns, value);
}

void tally::merge(const aggregate_plan& plan, const tally& later) {
  fold_order *order = nullptr, *later_order = nullptr;
  if (plan.rich() && later.extras_) {
    if (!extras_) extras_ = std::make_unique<tally_extras>();
    order = &extras_->order;
    later_order = &later.extras_->order;
    if (plan.quantiles) extras_->values.merge(later.extras_->values);
    if (plan.distinct) extras_->different.merge(later.extras_->different);
  }
  add_run(plan, all_, order, later.all_, later_order);
}

std::optional<double> tally::value(const aggregate& asked, std::int64_t end_ns) const {
  if (asked.kind != aggregate_kind::quantile && asked.kind != aggregate_kind::distinct)
    return fold_value(all_, extras_ ? &extras_->order : nullptr, asked, end_ns);
  if (all_.count == 0 || !extras_) return std::nullopt;
  const double out = asked.kind == aggregate_kind::distinct
                         ? extras_->different.estimate()
                         : extras_->values.quantile(asked.permille, all_.min, all_.max);
  return std::isfinite(out) ? std::optional(out) : std::nullopt;
}

void tally::clear() noexcept {
  all_ = {};
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
  out.u64(all_.count);
  if (all_.count == 0) return;
  for (const double v :
       {all_.sum, all_.carry, all_.mean, all_.m2, all_.min, all_.max, all_.first, all_.last})
    out.f64(v);
  out.i64(all_.first_ns);
  out.i64(all_.last_ns);
  if (!plan.rich()) return;
  const auto& x = *extras_;
  if (plan.slope)
    for (const double v : {x.order.mean_s, x.order.mean_v, x.order.spread_s, x.order.shared})
      out.f64(v);
  if (plan.ewma)
    for (const double v : {x.order.weight, x.order.level}) out.f64(v);
  if (plan.area) out.f64(x.order.area);
  if (plan.circular)
    for (const double v : {x.order.sine, x.order.cosine}) out.f64(v);
  if (plan.counter) out.f64(x.order.rise);
  if (plan.quantiles) x.values.save(out);
  if (plan.distinct) x.different.save(out);
}

bool tally::load(const aggregate_plan& plan, byte_reader& in) {
  clear();
  all_.count = in.u64();
  if (!in.ok()) return false;
  if (all_.count == 0) return true;
  for (double* v : {&all_.sum, &all_.carry, &all_.mean, &all_.m2, &all_.min, &all_.max, &all_.first,
                    &all_.last})
    *v = in.f64();
  all_.first_ns = in.i64();
  all_.last_ns = in.i64();
  if (plan.rich() && !extras_) extras_ = std::make_unique<tally_extras>();
  bool good = in.ok() && all_.first_ns <= all_.last_ns && all_.min <= all_.max;
  if (plan.rich()) {
    auto& x = *extras_;
    if (plan.slope)
      for (double* v : {&x.order.mean_s, &x.order.mean_v, &x.order.spread_s, &x.order.shared})
        *v = in.f64();
    if (plan.ewma)
      for (double* v : {&x.order.weight, &x.order.level}) *v = in.f64();
    if (plan.area) x.order.area = in.f64();
    if (plan.circular)
      for (double* v : {&x.order.sine, &x.order.cosine}) *v = in.f64();
    if (plan.counter) x.order.rise = in.f64();
    if (plan.quantiles) good = good && x.values.load(in) && x.values.count() == all_.count;
    if (plan.distinct) good = good && x.different.load(in);
  }
  if (good && in.ok()) return true;
  clear();
  in.fail();
  return false;
}

} // namespace pollux::domain
