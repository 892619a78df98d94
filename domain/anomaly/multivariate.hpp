// SPDX-License-Identifier: Apache-2.0
// Several telemetries of one machine at once: each may be in its usual range while together they
// are not (more current at the same flow). The first rows are learnt as what is normal; then the
// smoothed rows are measured by how telemetry usually goes together.
//
//   y_t    = y_t-1 + lambda (x_t - y_t-1), lambda = 2 / (smoothing + 1)
//   z      = (y - mean) / sd, by the mean and sd of the y learnt
//   T2     = z' ((1 - shrinkage) R + shrinkage I)^-1 z, R the correlations of the y learnt
//   score  = T2 / number of telemetries: about 1 for what was learnt
//
// Hotelling's T2 (1947) on an exponentially weighted moving average: the MEWMA chart of Lowry,
// Woodall, Champ and Rigdon, Technometrics 34, 1992, with the covariance taken from the smoothed
// rows themselves, because a machine's readings are not independent of each other.
//
// What was learnt stays: an outlier cannot poison it. A machine that is normal in a new way is
// learnt anew after `relearn_after` of one unbroken alert.
#pragma once
#include "domain/alert/alert_rule.hpp"
#include "domain/anomaly/episode.hpp"
#include <optional>
#include <vector>

namespace pollux::domain {

class model_scope;
struct multivariate_state;

struct multivariate_rule {
  std::vector<int> slots;
  std::vector<std::string> fields; ///< names of the same
  std::uint32_t learn = 400;       ///< rows that say what is normal
  std::uint32_t smoothing = 20;    ///< rows; as many again are passed over before learning
  double shrinkage = 0.2;
  std::int64_t relearn_after_ns = 0; ///< event time; 0: never
  episode_rule alert;
};

class multivariate_operator final : public alert_rule {
public:
  multivariate_operator(multivariate_rule rule, alert_keys keys)
      : alert_rule(keys.level, std::move(keys.message)), rule_(std::move(rule)) {}

  [[nodiscard]] operator_hooks hooks() const noexcept override {
    return {.observe = true, .state = true};
  }
  /// Looks at rows that bring all its telemetry. Cost: O(telemetries^2). No allocation once it has
  /// learnt.
  void observe(row& reading) const override;
  [[nodiscard]] std::vector<operator_output> outputs() const override;
  [[nodiscard]] std::optional<double> output(const twin_state::body& twin,
                                             std::uint32_t which) const override;
  void save(const operator_state& state, byte_writer& out) const override;
  [[nodiscard]] std::unique_ptr<operator_state> load(byte_reader& in) const override;
  [[nodiscard]] std::size_t state_bytes(const operator_state& state) const override;
  [[nodiscard]] described_rule explain(const twin_state::body& twin,
                                       std::int64_t now_ns) const override;

private:
  void judge_row(row& reading, multivariate_state& state) const;
  [[nodiscard]] evidence prove(const multivariate_state& state, std::int64_t t) const;
  multivariate_rule rule_;
};

/// Keys: of (2 to 32 telemetries), learn, smoothing, shrinkage, relearn_after, those of an episode
/// (limit 10) and alert_keys.
[[nodiscard]] std::unique_ptr<twin_operator> read_multivariate(object_reader& in,
                                                               model_scope& scope);

} // namespace pollux::domain
