// SPDX-License-Identifier: Apache-2.0
// Limits from exponentially weighted readings. Two tests:
//   reading   each reading against the weighted mean +- limit x weighted sd of those before it: the
//             limits follow the signal. Weights as in West (1979); with w the sum of the weights
//             and w2 that of their squares, sd = sqrt(m2 / (w - w2 / w)), unbiased for any weights.
//   mean      the control chart of Roberts (1959): target and sigma are learnt once, from the first
//             min_samples readings; then z = z + lambda (x - z), tested against
//             target +- limit x sigma x sqrt(lambda / (2 - lambda) x (1 - (1 - lambda)^(2 i))).
//             It finds small shifts that no single reading shows.
// A weight halves after `half_life` of event time, or after `half_life_readings`; lambda = 1 -
// 2^-h.
#pragma once
#include "domain/alert/limit_rule.hpp"

namespace pollux::domain {

struct ewma_rule {
  std::int64_t half_life_ns = 0; ///< 0: by readings
  double keep = 0;               ///< by readings: what each leaves of the weights before it
  bool chart = false;            ///< test the mean
};

struct ewma_state final : limit_state {
  running_moments moments; ///< chart: of the first min_samples readings, then left alone
  double squares = 0;      ///< sum of the squared weights
  double n = 0;            ///< readings learnt
  std::int64_t last_ns = no_time;
  double z = 0;        ///< chart: the weighted mean
  double variance = 0; ///< chart: of z, in units of sigma squared
};

class ewma_operator final : public limit_rule {
public:
  ewma_operator(ewma_rule rule, int slot, std::string field, limit_policy policy, alert_keys keys)
      : limit_rule(slot, std::move(field), policy, std::move(keys)), rule_(rule) {}
  [[nodiscard]] std::size_t state_bytes(const operator_state& state) const override;

private:
  [[nodiscard]] std::unique_ptr<limit_state> empty() const override;
  [[nodiscard]] std::optional<limit_finding>
  assess(limit_state& state, const twin_state::body& twin, std::int64_t t, double x) const override;
  void learn(limit_state& state, std::int64_t t, double x) const override;
  void relearn(limit_state& state, std::int64_t t, double x) const override;
  void prove_more(const limit_state& state, evidence& proof) const override;
  [[nodiscard]] std::string describe(const limit_finding& found, double x) const override;
  [[nodiscard]] std::optional<expected_band> next_band(const limit_state& state,
                                                       const twin_state::body& twin) const override;
  void save_more(const limit_state& state, byte_writer& out) const override;
  void load_more(limit_state& state, byte_reader& in) const override;
  /// What the time up to `t`, or one reading, leaves of the weights.
  [[nodiscard]] double keep(const ewma_state& state, std::int64_t t) const noexcept;
  [[nodiscard]] bool frozen(const ewma_state& state) const noexcept {
    return rule_.chart && state.moments.weight >= policy().min_samples;
  }
  ewma_rule rule_;
};

/// Keys: half_life or half_life_readings; test; and those of every limit_rule.
[[nodiscard]] std::unique_ptr<twin_operator> read_ewma(object_reader& in, model_scope& scope);

} // namespace pollux::domain
