// SPDX-License-Identifier: Apache-2.0
// Cumulative sums (docs/models.md, "cusum"), added up from the first reading on.
#include "domain/audit/plain_rules.hpp"
#include "domain/base/time.hpp"
#include <algorithm>
#include <cmath>

namespace pollux::domain::audit {
namespace {

class sums {
public:
  sums(const config_node& rule, std::optional<plain_window> window)
      : rule_(rule), window_(std::move(window)), k_(number_of(rule, "k", 0.5)),
        h_(number_of(rule, "h", 5)), min_samples_(number_of(rule, "min_samples", 30)),
        min_stddev_(number_of(rule, "min_stddev", 1e-9)), sides_(text_of(rule, "sides", "both")),
        reset_(text_of(rule, "reset", "none")),
        poison_(text_of(rule, "poison", "exclude_while_alerting")),
        running_(text_of(rule, "baseline", "warm_up") == "running"),
        relearn_(duration_of(rule, "relearn_after", 3600 * ns_per_s)) {}

  /// Whether a sum is beyond h; nullopt without a verdict. `before`: what came before the reading.
  std::optional<bool> judge(const knowledge& before, std::int64_t t, double reading) {
    const double x = std::clamp(reading, -1e140, 1e140);
    if (first_ == no_time) first_ = t;
    auto [n, mean, sd] = baseline(before, t);
    if (text_of(rule_, "flat", "no_verdict") == "floor" && sd < min_stddev_) sd = min_stddev_;
    numbers = {{"value", reading}};
    if (n < min_samples_ || sd <= 0 || sd < min_stddev_) {
      learn(x);
      return std::nullopt;
    }
    const double z = (x - mean) / sd;
    numbers["mean"] = mean;
    numbers["sd"] = sd;
    numbers["upper"] = mean + (h_ + k_ - high_) * sd;
    numbers["lower"] = mean - (h_ + k_ - low_) * sd;
    high_ = std::min(std::max(0.0, high_ + z - k_), 2 * h_);
    low_ = std::min(std::max(0.0, low_ - z - k_), 2 * h_);
    const double up = sides_ == "lower" ? 0 : high_, down = sides_ == "upper" ? 0 : low_;
    numbers["high"] = high_;
    numbers["low"] = low_;
    numbers["score"] = down > up ? -down : up;
    if (t - first_ < duration_of(rule_, "warm_up", 0)) { // the sums run on, no verdict yet
      learn(x);
      return std::nullopt;
    }
    const bool alarm = up > h_ || down > h_;
    follow(alarm, t, x);
    return alarm;
  }
  std::map<std::string, double> numbers;

private:
  struct level {
    double n, mean, sd;
  };
  level baseline(const knowledge& before, std::int64_t t) const {
    if (const auto* target = key(rule_, "target"))
      return {min_samples_, target->number, number_of(rule_, "sd", 1)};
    auto values = learnt_;
    if (window_) {
      values.clear();
      for (const auto& [time, value] :
           before.between(window_->of, saturating_add(t, -window_->span_ns), t, false))
        values.push_back(value);
    }
    const auto s = add_up(values);
    return {s.n, s.mean, s.sd};
  }
  void follow(bool alarm, std::int64_t t, double x) {
    if (!alarm) {
      since_ = no_time;
      return learn(x);
    }
    if (since_ == no_time) since_ = t;
    const bool include = poison_ == "include";
    const bool normal_now = !include && t - since_ >= relearn_;
    if (normal_now) {
      high_ = low_ = 0;
      learnt_.clear();
    }
    if (reset_ != "none") high_ = low_ = reset_ == "half" ? h_ / 2 : 0;
    if (include || normal_now) learn(x);
    if (poison_ == "winsorise" && !normal_now)
      learn(std::clamp(x, numbers["lower"], numbers["upper"]));
  }
  void learn(double x) {
    if (running_ || static_cast<double>(learnt_.size()) < min_samples_) learnt_.push_back(x);
  }

  const config_node& rule_;
  std::optional<plain_window> window_;
  double k_, h_, min_samples_, min_stddev_, high_ = 0, low_ = 0;
  std::string sides_, reset_, poison_;
  bool running_;
  std::int64_t relearn_, since_ = no_time, first_ = no_time;
  std::vector<double> learnt_;
};

} // namespace

rule_answer judge_cusum(const rule_case& at) {
  const keys known = {"of",    "window",   "target",        "sd",          "k",       "h",
                      "reset", "baseline", "sides",         "min_samples", "warm_up", "min_stddev",
                      "flat",  "emit",     "relearn_after", "poison"};
  if (const auto key = unknown_key(at.rule, known); !key.empty())
    return not_known("the plain cusum does not know the key " + key);
  std::optional<plain_window> window;
  auto of = text_of(at.rule, "of", "");
  if (key(at.rule, "window") != nullptr) {
    window = find_window(at.model, text_of(at.rule, "window", ""));
    if (!window) return not_known("the plain check does not know this kind of window");
    of = window->of;
  }
  sums walk(at.rule, window);
  knowledge before, now;
  rule_answer out{true, false, no_such_row, {}};
  for (const auto& r : at.rows) {
    now.learn(r);
    const auto found = r.values.find(of);
    if (found != r.values.end() && now.fresh(of)) {
      const auto alarm = walk.judge(before, r.event_ns, found->second);
      if (is_the_row(at, r)) {
        out.numbers = walk.numbers;
        out.agrees = alarm && *alarm == raises(at.alert);
        out.what = !alarm   ? "the rule has no verdict there"
                   : *alarm ? "a sum is beyond h"
                            : "no sum is beyond h";
        if (out.agrees) break;
      }
    }
    before.learn(r);
  }
  return out;
}

} // namespace pollux::domain::audit
