// SPDX-License-Identifier: Apache-2.0
// Limits that outliers hardly move: median +- limit x 1.4826 x MAD over the readings of a sliding
// time, where MAD is the median absolute deviation from the median (Hampel 1974); 1.4826 makes it
// the standard deviation of normal readings. Half of the readings may be wrong before the limits
// are. Exact up to `max_readings`, a sample above (sorted_sample.hpp).
#pragma once
#include "domain/alert/limit_rule.hpp"
#include "domain/alert/sorted_sample.hpp"

namespace pollux::domain {

struct robust_rule {
  std::int64_t span_ns = 0; ///< readings with t - span < time < t
  std::uint32_t max_readings = 1024;
};

struct robust_state final : limit_state {
  explicit robust_state(std::uint32_t bound) : sample(bound) {}
  sorted_sample sample;
};

class robust_operator final : public limit_rule {
public:
  robust_operator(robust_rule rule, int slot, std::string field, limit_policy policy,
                  alert_keys keys)
      : limit_rule(slot, std::move(field), policy, std::move(keys)), rule_(rule) {}
  [[nodiscard]] std::size_t state_bytes(const operator_state& state) const override;

private:
  [[nodiscard]] std::unique_ptr<limit_state> empty() const override;
  [[nodiscard]] std::optional<limit_finding>
  assess(limit_state& state, const twin_state::body& twin, std::int64_t t, double x) const override;
  void learn(limit_state& state, std::int64_t t, double x) const override;
  void prove_more(const limit_state& state, evidence& proof) const override;
  [[nodiscard]] std::string describe(const limit_finding& found, double x) const override;
  [[nodiscard]] std::optional<expected_band> next_band(const limit_state& state,
                                                       const twin_state::body& twin) const override;
  void save_more(const limit_state& state, byte_writer& out) const override;
  void load_more(limit_state& state, byte_reader& in) const override;
  robust_rule rule_;
};

/// Keys: of, span, max_readings; and those of every limit_rule.
[[nodiscard]] std::unique_ptr<twin_operator> read_robust(object_reader& in, model_scope& scope);

} // namespace pollux::domain
