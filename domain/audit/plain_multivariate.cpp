// SPDX-License-Identifier: Apache-2.0
// Hotelling's T2 of moving averages (docs/detection.md, "multivariate"): means, deviations and
// correlations are sums over the rows learnt, kept as they are, and the linear equations are solved
// by elimination.
#include "domain/audit/plain_episode.hpp"
#include "domain/base/time.hpp"
#include <cmath>

namespace pollux::domain::audit {
namespace {

using vector = std::vector<long double>;

// a x = b by Gaussian elimination with the largest pivot.
vector solve(std::vector<vector> a, vector b) {
  const auto n = b.size();
  for (std::size_t column = 0; column < n; ++column) {
    std::size_t best = column;
    for (std::size_t i = column; i < n; ++i)
      if (std::fabs(a[i][column]) > std::fabs(a[best][column])) best = i;
    std::swap(a[column], a[best]);
    std::swap(b[column], b[best]);
    for (std::size_t i = column + 1; i < n; ++i) {
      const auto share = a[i][column] / a[column][column];
      for (std::size_t j = column; j < n; ++j) a[i][j] -= share * a[column][j];
      b[i] -= share * b[column];
    }
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t j = i + 1; j < n; ++j) b[i] -= a[i][j] * b[j];
    b[i] /= a[i][i];
  }
  return b;
}

class togetherness {
public:
  togetherness(const config_node& rule, std::size_t count)
      : learn_(static_cast<std::size_t>(number_of(rule, "learn", 400))),
        smoothing_(number_of(rule, "smoothing", 20)), shrinkage_(number_of(rule, "shrinkage", 0.2)),
        count_(count) {}

  /// The score of the next row; nullopt while it learns.
  std::optional<double> judge(const std::vector<double>& row) {
    if (average_.empty())
      average_ = row;
    else
      for (std::size_t i = 0; i < count_; ++i)
        average_[i] += 2 / (smoothing_ + 1) * (row[i] - average_[i]);
    if (learnt_.size() < learn_) {
      // The first averages lean on single readings: they pass by.
      if (++rows_ > smoothing_) learnt_.push_back(average_);
      if (learnt_.size() == learn_) measure();
      return std::nullopt;
    }
    z.assign(count_, 0);
    for (std::size_t i = 0; i < count_; ++i)
      if (sd_[i] > 0) z[i] = static_cast<double>((average_[i] - mean_[i]) / sd_[i]);
    const auto x = solve(correlations_, vector(z.begin(), z.end()));
    long double t2 = 0;
    for (std::size_t i = 0; i < count_; ++i) t2 += static_cast<long double>(z[i]) * x[i];
    return std::min(static_cast<double>(t2) / static_cast<double>(count_), 1e9);
  }
  /// What was learnt is forgotten; the averages begin with the next row.
  void begin_anew() {
    average_.clear();
    learnt_.clear();
    rows_ = 0;
  }
  std::vector<double> z;           ///< of each telemetry, at the newest row
  bool at_rounding_limits = false; ///< a telemetry varied so little that rounding shows

private:
  void measure() {
    const auto n = static_cast<long double>(learnt_.size());
    mean_.assign(count_, 0);
    sd_.assign(count_, 0);
    correlations_.assign(count_, vector(count_, 0));
    for (const auto& row : learnt_)
      for (std::size_t i = 0; i < count_; ++i) mean_[i] += row[i] / n;
    const auto together = [&](std::size_t i, std::size_t j) {
      long double sum = 0;
      for (const auto& row : learnt_) sum += (row[i] - mean_[i]) * (row[j] - mean_[j]);
      return sum / n;
    };
    for (std::size_t i = 0; i < count_; ++i) {
      const bool varied = std::any_of(learnt_.begin(), learnt_.end(), [&](const auto& row) {
        return row[i] != learnt_.front()[i];
      });
      if (varied) sd_[i] = std::sqrt(together(i, i));
      if (sd_[i] > 0 && sd_[i] < 1e-5L * std::fabs(mean_[i])) at_rounding_limits = true;
      if (sd_[i] <= 1e-9L * std::fabs(mean_[i])) sd_[i] = 0; // it did not vary: no measure
    }
    for (std::size_t i = 0; i < count_; ++i)
      for (std::size_t j = 0; j < count_; ++j) {
        const auto scale = sd_[i] * sd_[j];
        correlations_[i][j] = i == j      ? 1
                              : scale > 0 ? (1 - shrinkage_) * together(i, j) / scale
                                          : 0;
      }
  }

  std::size_t learn_;
  double smoothing_;
  long double shrinkage_;
  std::size_t count_;
  double rows_ = 0;
  std::vector<double> average_;
  std::vector<std::vector<double>> learnt_;
  vector mean_, sd_;
  std::vector<vector> correlations_; ///< shrunk
};

// The row's values of all telemetry; empty where one did not come anew.
std::vector<double> whole_row(const row& r, const knowledge& now,
                              const std::vector<std::string>& names) {
  std::vector<double> out;
  for (const auto& name : names) {
    const auto found = r.values.find(name);
    if (found == r.values.end() || !now.fresh(name) || std::fabs(found->second) > 1e100) return {};
    out.push_back(found->second);
  }
  return out;
}

} // namespace

rule_answer judge_multivariate(const rule_case& at) {
  const auto known = with_episode_keys({"of", "learn", "smoothing", "shrinkage", "relearn_after"});
  const auto* of = key(at.rule, "of");
  if (const auto key = unknown_key(at.rule, known); !key.empty() || of == nullptr)
    return not_known("the plain multivariate does not know the key " + key);
  std::vector<std::string> names;
  for (const auto& [index, name] : of->members) names.push_back(name.text);
  const auto relearn = duration_of(at.rule, "relearn_after", 0);
  togetherness walk(at.rule, names.size());
  plain_episode episode(at.rule, 10);
  std::int64_t since = no_time;
  knowledge now;
  rule_answer out{true, false, no_such_row, {}};
  for (const auto& r : at.rows) {
    now.learn(r);
    const auto values = whole_row(r, now, names);
    if (values.empty()) continue;
    const auto score = walk.judge(values);
    auto turn = score ? episode.next(*score) : plain_episode::turn::none;
    if (walk.at_rounding_limits)
      return not_known("telemetry varied too little while it was learnt to compare digits");
    const auto scores = episode.numbers();
    if (turn == plain_episode::turn::raise) since = r.event_ns;
    if (score && turn == plain_episode::turn::none && episode.active() && relearn > 0 &&
        r.event_ns - since >= relearn) { // taken for normal
      turn = plain_episode::turn::clear;
      walk.begin_anew();
      episode = plain_episode(at.rule, 10);
    }
    if (!is_the_row(at, r)) continue;
    out.numbers = scores;
    if (score) {
      out.numbers["score"] = *score;
      out.numbers["t2"] = *score * static_cast<double>(names.size());
      out.numbers["n"] = number_of(at.rule, "learn", 400);
      for (std::size_t i = 0; i < names.size(); ++i) out.numbers["z." + names[i]] = walk.z[i];
    }
    answer_turn(at, turn, out);
    if (!score) out.what = "the rule has no verdict there";
    if (out.agrees) break;
  }
  return out;
}

} // namespace pollux::domain::audit
