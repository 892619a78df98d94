// SPDX-License-Identifier: Apache-2.0
// What is normal for this time of the week (docs/models.md, "seasonal"): each reading against what
// the same part of the week or day had before, from the first reading on. Sums are long doubles of
// the readings themselves; what others lend a part is added to its sums.
#include "domain/audit/plain_rules.hpp"
#include "domain/base/calendar.hpp"
#include "domain/base/math.hpp"
#include "domain/base/time.hpp"
#include <algorithm>
#include <cmath>

namespace pollux::domain::audit {
namespace {

// Weighted sums of deviations from one fixed value, so that large readings keep their small
// differences.
struct part_sums {
  long double n = 0, sum = 0, squares = 0;
  std::int64_t last_ns = no_time;

  void fade(std::int64_t t, std::int64_t half_life) {
    if (half_life > 0 && last_ns != no_time) {
      const long double kept =
          math::exp2(-static_cast<double>(t - last_ns) / static_cast<double>(half_life));
      n *= kept;
      sum *= kept;
      squares *= kept;
    }
    last_ns = t;
  }
  void add(long double x) {
    n += 1;
    sum += x;
    squares += x * x;
  }
  void add(const part_sums& other) {
    n += other.n;
    sum += other.sum;
    squares += other.squares;
  }
  [[nodiscard]] double mean() const { return n > 0 ? static_cast<double>(sum / n) : 0; }
  [[nodiscard]] double sd() const {
    if (n <= 1) return 0;
    const long double m2 = squares - sum * sum / n;
    return m2 > 0 ? std::sqrt(static_cast<double>(m2 / (n - 1))) : 0;
  }
};

class seasons {
public:
  explicit seasons(const config_node& rule)
      : limit_(number_of(rule, "limit", 3)), min_samples_(number_of(rule, "min_samples", 30)),
        min_stddev_(number_of(rule, "min_stddev", 1e-9)), sides_(text_of(rule, "sides", "both")),
        poison_(text_of(rule, "poison", "exclude_while_alerting")),
        floor_(text_of(rule, "flat", "no_verdict") == "floor"),
        week_(text_of(rule, "cycle", "week") == "week"),
        slots_(static_cast<int>(number_of(rule, "slots_per_day", 24))),
        half_life_(duration_of(rule, "half_life", 0)), warm_up_(duration_of(rule, "warm_up", 0)),
        relearn_(duration_of(rule, "relearn_after", 3600 * ns_per_s)) {
    if (auto zone = time_zone::parse(text_of(rule, "zone", "UTC"))) zone_ = std::move(*zone);
  }

  /// 0 or the side of an outlier; nullopt without a verdict.
  std::optional<int> judge(std::int64_t t, double reading) {
    const double x = std::clamp(reading, -1e140, 1e140);
    if (first_ == no_time) {
      first_ = t;
      zero_ = x;
    }
    const int part = part_at(t);
    const auto base = chosen(part, t);
    const double mean = base.mean() + zero_ + level_;
    double sd = base.sd();
    if (floor_) sd = std::max(sd, min_stddev_);
    numbers = {{"value", reading}, {"basis", basis_}, {"level", level_}};
    times.clear();
    const bool enough = static_cast<double>(base.n) >= min_samples_ && sd > 0 && sd >= min_stddev_;
    int side = 0;
    if (x - mean > limit_ * sd && sides_ != "lower") side = 1;
    if (mean - x > limit_ * sd && sides_ != "upper") side = -1;
    if (enough && side == 0) left_out_.clear();
    if (!enough || t - first_ < warm_up_) {
      learn(part, t, x);
      return std::nullopt;
    }
    numbers.insert({{"mean", mean},
                    {"sd", sd},
                    {"score", (x - mean) / sd},
                    {"lower", mean - limit_ * sd},
                    {"upper", mean + limit_ * sd},
                    {"n", static_cast<double>(base.n)},
                    {"limit", limit_}});
    if (since_ != no_time) times["alerting_since"] = since_;
    if (side == 0) {
      since_ = no_time;
      learn(part, t, x);
    } else {
      leave_out(part, t, x, mean, mean + side * limit_ * sd);
    }
    return side;
  }
  std::map<std::string, double> numbers;
  std::map<std::string, std::int64_t> times;

private:
  [[nodiscard]] int part_at(std::int64_t t) const {
    const auto wall = zone_.local(t);
    const int slot = wall.second_of_day / (86'400 / slots_);
    return week_ ? wall.weekday() * slots_ + slot : slot;
  }
  // The part's own sums, or those of the first that have enough.
  part_sums chosen(int part, std::int64_t t) {
    const int count = week_ ? 7 * slots_ : slots_;
    const auto sums_of = [&](int which) {
      const auto found = parts_.find(which);
      if (found == parts_.end()) return part_sums{};
      auto out = found->second;
      out.fade(t, half_life_);
      return out;
    };
    basis_ = 0;
    auto sums = sums_of(part);
    if (sums.n >= min_samples_) return sums;
    if (count > 2) {
      basis_ = 1;
      sums.add(sums_of((part + count - 1) % count));
      sums.add(sums_of((part + 1) % count));
      if (sums.n >= min_samples_) return sums;
    }
    if (week_) {
      basis_ = 2;
      sums = {};
      for (int day = 0; day < 7; ++day) sums.add(sums_of(day * slots_ + part % slots_));
      if (sums.n >= min_samples_) return sums;
    }
    basis_ = 3;
    sums = all_;
    sums.fade(t, half_life_);
    return sums;
  }
  void learn(int part, std::int64_t t, double x) {
    for (auto* sums : {&parts_[part], &all_}) {
      sums->fade(t, half_life_);
      sums->add(static_cast<long double>(x) - level_ - zero_);
    }
  }
  void leave_out(int part, std::int64_t t, double x, double mean, double edge) {
    if (since_ == no_time) since_ = t;
    // Others that stand in for a part are not sure enough to keep a reading out.
    if (poison_ == "include" || basis_ != 0) return learn(part, t, x);
    if (t - since_ >= relearn_) {
      left_out_.push_back(x - mean);
      level_ += add_up(left_out_).mean;
      left_out_.clear();
      return learn(part, t, x);
    }
    if (poison_ == "winsorise") return learn(part, t, edge);
    left_out_.push_back(x - mean);
  }

  double limit_, min_samples_, min_stddev_;
  std::string sides_, poison_;
  bool floor_, week_;
  int slots_;
  std::int64_t half_life_, warm_up_, relearn_, since_ = no_time, first_ = no_time;
  time_zone zone_;
  std::map<int, part_sums> parts_;
  part_sums all_;
  double zero_ = 0, level_ = 0, basis_ = 0;
  std::vector<double> left_out_; ///< deviations of the outliers in a row
};

} // namespace

rule_answer judge_seasonal(const rule_case& at) {
  const keys known = {"of",   "limit",         "sides",     "min_samples",  "warm_up",
                      "flat", "emit",          "poison",    "min_stddev",   "cycle",
                      "zone", "slots_per_day", "half_life", "relearn_after"};
  if (const auto key = unknown_key(at.rule, known); !key.empty())
    return not_known("the plain seasonal does not know the key " + key);
  const auto of = text_of(at.rule, "of", "");
  seasons walk(at.rule);
  knowledge now;
  rule_answer out{true, false, no_such_row, {}};
  for (const auto& r : at.rows) {
    now.learn(r);
    const auto found = r.values.find(of);
    if (found == r.values.end() || !now.fresh(of)) continue;
    const auto side = walk.judge(r.event_ns, found->second);
    if (!is_the_row(at, r)) continue;
    const bool outlier = side && *side != 0;
    out.numbers = walk.numbers;
    out.times = walk.times;
    out.agrees = raises(at.alert) ? outlier : side && !outlier;
    out.what = !side     ? "the rule has no verdict there"
               : outlier ? "the reading lies beyond what is normal for this time"
                         : "the reading is normal for this time";
    if (out.agrees) break;
  }
  return out;
}

} // namespace pollux::domain::audit
