// SPDX-License-Identifier: Apache-2.0
// Median and median absolute deviation of a map of readings, sorted each time, and of a sample of
// them where there are too many (docs/models.md, "robust").
#include "domain/audit/plain_learner.hpp"
#include "domain/base/time.hpp"
#include <algorithm>
#include <cmath>

namespace pollux::domain::audit {
namespace {

double middle(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto half = values.size() / 2;
  if (values.size() % 2 == 1) return values[half];
  return values[half - 1] + (values[half] - values[half - 1]) / 2;
}

// The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
std::uint64_t hash_of(std::int64_t t) {
  auto x = static_cast<std::uint64_t>(t) + 0x9e3779b97f4a7c15U;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

class middle_values final : public learner {
public:
  explicit middle_values(const config_node& rule)
      : span_(duration_of(rule, "span", 0)),
        most_(static_cast<std::size_t>(number_of(rule, "max_readings", 1024))) {}

  band at(std::int64_t t, double x) override {
    const auto old = [&](const auto& reading) { return reading.first <= t - span_; };
    std::erase_if(all_, old);
    std::erase_if(sample_, old);
    band b{static_cast<double>(sample_.size()), 0, 0, x};
    fair_ = true;
    if (sample_.empty()) return b;
    std::vector<double> values;
    for (const auto& [time, value] : sample_) values.push_back(value);
    b.mean = middle(values);
    for (auto& v : values) v = std::fabs(v - b.mean);
    b.sd = 1.4826 * middle(values);
    fair_ = one_in_ == 1 || t < even_from_ || near_the_middle(b.mean);
    return b;
  }
  void learn(std::int64_t t, double x) override {
    all_[t] = x;
    // Few are left of a time with many: from here on more stay again.
    if (one_in_ > 1 && sample_.size() < most_ / 4) {
      one_in_ /= 2;
      even_from_ = saturating_add(t, span_);
    }
    if (hash_of(t) % one_in_ != 0) return;
    sample_[t] = x;
    while (sample_.size() > most_) {
      one_in_ *= 2;
      std::erase_if(sample_, [&](const auto& r) { return hash_of(r.first) % one_in_ != 0; });
    }
  }
  [[nodiscard]] bool fair() const override { return fair_; }

private:
  // A median of n has a standard error of half a share of 1 / sqrt(n) in rank, of whatever
  // distribution; of normal readings that is 1.25 sd / sqrt(n). Six of them are beyond chance.
  [[nodiscard]] bool near_the_middle(double median) const {
    double below = 0, above = 0;
    for (const auto& [time, value] : all_) {
      below += value < median ? 1 : 0;
      above += value > median ? 1 : 0;
    }
    const auto n = static_cast<double>(all_.size());
    const auto most = 0.5 + 6 * 0.5 / std::sqrt(static_cast<double>(sample_.size()));
    return below / n <= most && above / n <= most;
  }

  std::int64_t span_;
  std::size_t most_;
  std::uint64_t one_in_ = 1;
  std::int64_t even_from_ = no_time; ///< from here on all held were chosen alike
  bool fair_ = true;
  std::map<std::int64_t, double> all_, sample_;
};

} // namespace

std::unique_ptr<learner> plain_middle_values(const config_node& rule) {
  return std::make_unique<middle_values>(rule);
}

} // namespace pollux::domain::audit
