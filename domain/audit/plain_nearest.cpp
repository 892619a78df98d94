// SPDX-License-Identifier: Apache-2.0
// The nearest of all earlier stretches (docs/detection.md, "nearest"): every stretch is compared
// with every other to its end, all distances are sorted.
#include "domain/audit/plain_episode.hpp"
#include "domain/base/time.hpp"
#include <cmath>

namespace pollux::domain::audit {
namespace {

class stretches {
public:
  explicit stretches(const config_node& rule)
      : neighbours_(static_cast<std::size_t>(number_of(rule, "neighbours", 8))),
        history_(static_cast<std::size_t>(number_of(rule, "history", 2000))),
        min_samples_(number_of(rule, "min_samples", 100)),
        quantile_(number_of(rule, "quantile", 0.99)), lengths_{8, 48} {
    if (const auto* given = key(rule, "lengths")) {
      lengths_.clear();
      for (const auto& [index, length] : given->members)
        lengths_.push_back(static_cast<std::size_t>(length.number));
    }
    distances_.resize(lengths_.size());
  }

  /// The score of the next reading; nullopt without one.
  std::optional<double> judge(double x) {
    numbers = {{"value", x}, {"n", static_cast<double>(readings_.size())}};
    readings_.push_back(x);
    if (readings_.size() > history_) readings_.erase(readings_.begin());
    bool enough = true;
    double sum = 0;
    for (std::size_t l = 0; l < lengths_.size(); ++l) {
      const auto distance = to_neighbours(lengths_[l]);
      enough = enough && distance && static_cast<double>(distances_[l].size()) >= min_samples_;
      if (!distance) continue;
      const double median = ranked(distances_[l], 0.5), usual = ranked(distances_[l], quantile_);
      // Where all the past is equally far, rounding is no news.
      const double least = 1e-9 * std::fabs(x) + 1e-18;
      sum += std::min((*distance - median) / std::max(usual - median, least), 1e6);
      numbers["distance"] = *distance;
      numbers["median_distance"] = median;
      numbers["usual_distance"] = usual;
      distances_[l].push_back(*distance);
      if (distances_[l].size() > history_) distances_[l].erase(distances_[l].begin());
    }
    if (!enough) return std::nullopt;
    const double score = std::max(0.0, sum / static_cast<double>(lengths_.size()));
    numbers["score"] = score;
    return score;
  }
  std::map<std::string, double> numbers;

private:
  // Mean distance of the newest stretch of m readings to the nearest that do not overlap it.
  [[nodiscard]] std::optional<double> to_neighbours(std::size_t m) const {
    std::vector<double> all;
    const auto newest = readings_.size() - 1;
    for (std::size_t end = m - 1; end + m <= newest; ++end) {
      double squares = 0;
      for (std::size_t i = 0; i < m; ++i) {
        const double d = readings_[newest - i] - readings_[end - i];
        squares += d * d;
      }
      all.push_back(std::min(std::sqrt(squares), 1e300));
    }
    if (all.size() < neighbours_) return std::nullopt;
    std::sort(all.begin(), all.end());
    double sum = 0;
    for (std::size_t i = 0; i < neighbours_; ++i) sum += all[i];
    return std::min(sum / static_cast<double>(neighbours_), 1e300);
  }
  [[nodiscard]] static double ranked(std::vector<double> values, double share) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    const auto rank = static_cast<std::size_t>(share * static_cast<double>(values.size()));
    return values[std::min(rank, values.size() - 1)];
  }

  std::size_t neighbours_, history_;
  double min_samples_, quantile_;
  std::vector<std::size_t> lengths_;
  std::vector<double> readings_;
  std::vector<std::vector<double>> distances_; ///< of the readings before, for each length
};

} // namespace

rule_answer judge_nearest(const rule_case& at) {
  const auto known =
      with_episode_keys({"of", "lengths", "neighbours", "history", "min_samples", "quantile"});
  if (const auto key = unknown_key(at.rule, known); !key.empty())
    return not_known("the plain nearest does not know the key " + key);
  const auto of = text_of(at.rule, "of", "");
  stretches walk(at.rule);
  plain_episode episode(at.rule, 1);
  knowledge now;
  rule_answer out{true, false, no_such_row, {}};
  for (const auto& r : at.rows) {
    now.learn(r);
    const auto found = r.values.find(of);
    if (found == r.values.end() || !now.fresh(of)) continue;
    const auto score = walk.judge(found->second);
    const auto turn = score ? episode.next(*score) : plain_episode::turn::none;
    if (!is_the_row(at, r)) continue;
    out.numbers = walk.numbers;
    out.numbers.merge(episode.numbers());
    answer_turn(at, turn, out);
    if (!score) out.what = "the rule has no verdict there";
    if (out.agrees) break;
  }
  return out;
}

} // namespace pollux::domain::audit
