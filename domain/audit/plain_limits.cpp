// SPDX-License-Identifier: Apache-2.0
// Limits that a rule learns itself (docs/models.md, "ewma" and "robust"): each reading against
// those before it, from the first on. Sums are long doubles of the values themselves.
#include "domain/audit/plain_learner.hpp"
#include "domain/audit/plain_rules.hpp"
#include "domain/base/math.hpp"
#include "domain/base/time.hpp"
#include <algorithm>
#include <cmath>

namespace pollux::domain::audit {
namespace {

class fading_sums final : public learner {
public:
  explicit fading_sums(const config_node& rule)
      : half_life_(static_cast<double>(duration_of(rule, "half_life", 0))),
        readings_(number_of(rule, "half_life_readings", 0)) {}
  band at(std::int64_t, double x) override {
    band b{n_, 0, 0, x};
    if (n_ < 1) return b;
    b.mean = static_cast<double>(wx_ / w_);
    const auto m2 = wxx_ - wx_ * wx_ / w_;
    const auto freedom = w_ - ww_ / w_;
    if (n_ > 1 && freedom > 0 && m2 > 0) b.sd = std::sqrt(static_cast<double>(m2 / freedom));
    return b;
  }
  void learn(std::int64_t t, double x) override {
    if (n_ > 0) {
      const long double f = math::exp2(half_life_ > 0 ? -static_cast<double>(t - last_) / half_life_
                                                      : -1 / readings_);
      w_ *= f;
      wx_ *= f;
      wxx_ *= f;
      ww_ *= f * f;
    }
    const long double v = x;
    w_ += 1;
    ww_ += 1;
    wx_ += v;
    wxx_ += v * v;
    n_ += 1;
    last_ = t;
  }

private:
  double half_life_, readings_, n_ = 0;
  std::int64_t last_ = no_time;
  long double w_ = 0, ww_ = 0, wx_ = 0, wxx_ = 0;
};

// Target and sigma of the first readings, then a mean that follows.
class control_chart final : public learner {
public:
  explicit control_chart(const config_node& rule)
      : half_life_(static_cast<double>(duration_of(rule, "half_life", 0))),
        readings_(number_of(rule, "half_life_readings", 0)),
        wanted_(number_of(rule, "min_samples", 30)) {}
  band at(std::int64_t t, double x) override {
    const auto base = add_up(first_);
    band b{base.n, base.mean, base.sd, x};
    if (base.n < wanted_) return b;
    if (!following_) z_ = base.mean;
    following_ = true;
    const double kept =
        math::exp2(half_life_ > 0 ? -static_cast<double>(t - last_) / half_life_ : -1 / readings_);
    const double lambda = 1 - kept;
    z_ += lambda * (x - z_);
    v_ = kept * kept * v_ + lambda * lambda;
    last_ = t;
    b.sd = base.sd * std::sqrt(v_);
    b.tested = z_;
    return b;
  }
  void learn(std::int64_t t, double x) override {
    if (static_cast<double>(first_.size()) >= wanted_) return;
    first_.push_back(x);
    last_ = t;
  }
  void learn_anew(std::int64_t t, double x) override {
    if (following_) {
      first_.clear();
      following_ = false;
      z_ = v_ = 0;
    }
    learn(t, x);
  }

private:
  double half_life_, readings_, wanted_, z_ = 0, v_ = 0;
  bool following_ = false;
  std::int64_t last_ = no_time;
  std::vector<double> first_;
};

// What all these rules have in common.
class limit_walk {
public:
  explicit limit_walk(const config_node& rule)
      : limit_(number_of(rule, "limit", 3)), min_samples_(number_of(rule, "min_samples", 30)),
        min_stddev_(number_of(rule, "min_stddev", 1e-9)), sides_(text_of(rule, "sides", "both")),
        poison_(text_of(rule, "poison", "exclude_while_alerting")),
        floor_(text_of(rule, "flat", "no_verdict") == "floor"),
        warm_up_(duration_of(rule, "warm_up", 0)),
        relearn_(duration_of(rule, "relearn_after", 3600 * ns_per_s)) {
    if (text_of(rule, "type", "") == "robust")
      baseline_ = plain_middle_values(rule);
    else if (text_of(rule, "test", "reading") == "mean")
      baseline_ = std::make_unique<control_chart>(rule);
    else
      baseline_ = std::make_unique<fading_sums>(rule);
  }

  /// 0 or the side of an outlier; nullopt without a verdict.
  std::optional<int> judge(std::int64_t t, double reading) {
    const double x = std::clamp(reading, -1e140, 1e140);
    if (first_ == no_time) first_ = t;
    auto b = baseline_->at(t, x);
    if (floor_ && b.sd < min_stddev_) b.sd = min_stddev_;
    const bool enough =
        b.n >= min_samples_ && t - first_ >= warm_up_ && b.sd > 0 && b.sd >= min_stddev_;
    numbers = {{"value", reading}, {"n", b.n}};
    if (!enough) {
      baseline_->learn(t, x);
      return std::nullopt;
    }
    numbers["mean"] = b.mean;
    numbers["sd"] = b.sd;
    numbers["score"] = (b.tested - b.mean) / b.sd;
    numbers["lower"] = b.mean - limit_ * b.sd;
    numbers["upper"] = b.mean + limit_ * b.sd;
    int side = 0;
    if (b.tested - b.mean > limit_ * b.sd && sides_ != "lower") side = 1;
    if (b.mean - b.tested > limit_ * b.sd && sides_ != "upper") side = -1;
    if (side == 0) since_ = no_time;
    if (side != 0 && since_ == no_time) since_ = t;
    if (side == 0 || poison_ == "include")
      baseline_->learn(t, x);
    else if (t - since_ >= relearn_)
      baseline_->learn_anew(t, x);
    else if (poison_ == "winsorise")
      baseline_->learn(t, b.mean + side * limit_ * b.sd);
    return side;
  }
  /// Whether the sample at the newest reading is one to judge by.
  [[nodiscard]] bool fair() const { return baseline_->fair(); }
  std::map<std::string, double> numbers;

private:
  double limit_, min_samples_, min_stddev_;
  std::string sides_, poison_;
  bool floor_;
  std::int64_t warm_up_, relearn_, since_ = no_time, first_ = no_time;
  std::unique_ptr<learner> baseline_;
};

} // namespace

rule_answer judge_learnt_limits(const rule_case& at) {
  const keys known = {
      "of",   "limit",  "sides",         "min_samples", "warm_up",   "flat",
      "emit", "poison", "relearn_after", "min_stddev",  "half_life", "half_life_readings",
      "test", "span",   "max_readings"};
  if (const auto key = unknown_key(at.rule, known); !key.empty())
    return not_known("the plain limits do not know the key " + key);
  const auto of = text_of(at.rule, "of", "");
  limit_walk walk(at.rule);
  knowledge now;
  rule_answer out{true, false, no_such_row, {}};
  for (const auto& r : at.rows) {
    now.learn(r);
    const auto found = r.values.find(of);
    if (found == r.values.end() || !now.fresh(of)) continue;
    const auto side = walk.judge(r.event_ns, found->second);
    const bool fair = walk.fair();
    if (!is_the_row(at, r)) continue;
    if (!fair)
      return {true, false, "its sample is farther from all readings than chance allows", {}};
    const bool outlier = side && *side != 0;
    out.numbers = walk.numbers;
    out.agrees = raises(at.alert) ? outlier : side && !outlier;
    out.what = !side     ? "the rule has no verdict there"
               : outlier ? "the reading lies beyond the limit"
                         : "the reading lies within the limit";
    if (out.agrees) break;
  }
  return out;
}

} // namespace pollux::domain::audit
