// SPDX-License-Identifier: Apache-2.0
// Cumulative sums (Page 1954; the two-sided tabular form): small shifts of the mean that last.
//   z = (x - mean) / sd,   high = max(0, high + z - k),   low = max(0, low - z - k)
// Fires when a sum is above h; exactly h does not fire. With k = 0.5 and h = 5, steady normal
// readings run about 465 readings to a false alarm, and a shift of one sd is found in about 10.
// The sums are held at 2 h, so that an alert ends in bounded time after the shift has.
#pragma once
#include "domain/alert/limit_rule.hpp"
#include "domain/window/window_operator.hpp"

namespace pollux::domain {

struct cusum_rule {
  enum class source : std::uint8_t {
    fixed,   ///< the first min_samples readings, then left alone
    running, ///< all readings that are no outliers
    window,  ///< a window operator's readings before the tested one
    given    ///< target and sd of the model
  };
  enum class restart : std::uint8_t { none, zero, half }; ///< of the sums, after an alarm
  double k = 0.5;                                         ///< slack, in sd
  double h = 5;                                           ///< decision interval, in sd
  source baseline = source::fixed;
  restart reset = restart::none;
  double target = 0;
  double sd = 0;
};

/// One of the two sums.
struct cusum_side {
  double sum = 0;
  std::uint32_t run = 0;           ///< readings since it was last 0
  std::int64_t since_ns = no_time; ///< the first of them: where the shift seems to begin
  void add(double amount, double most, std::int64_t t) noexcept;
};

struct cusum_state final : limit_state {
  running_moments moments;
  cusum_side high, low;
};

class cusum_operator final : public limit_rule {
public:
  cusum_operator(cusum_rule rule, const window_operator* window, int slot, std::string field,
                 limit_policy policy, alert_keys keys)
      : limit_rule(slot, std::move(field), policy, std::move(keys)), rule_(rule), window_(window) {}
  [[nodiscard]] std::size_t state_bytes(const operator_state& state) const override;

private:
  [[nodiscard]] std::unique_ptr<limit_state> empty() const override;
  [[nodiscard]] std::optional<limit_finding>
  assess(limit_state& state, const twin_state::body& twin, std::int64_t t, double x) const override;
  void learn(limit_state& state, std::int64_t t, double x) const override;
  void leave_out(limit_state& state, std::int64_t t, double x) const override;
  void relearn(limit_state& state, std::int64_t t, double x) const override;
  void prove_more(const limit_state& state, evidence& proof) const override;
  [[nodiscard]] std::string describe(const limit_finding& found, double x) const override;
  [[nodiscard]] std::optional<expected_band> next_band(const limit_state& state,
                                                       const twin_state::body& twin) const override;
  void save_more(const limit_state& state, byte_writer& out) const override;
  void load_more(limit_state& state, byte_reader& in) const override;
  /// Mean, sd and n of the baseline, usable or not; the limits are where a sum would reach h.
  [[nodiscard]] expected_band baseline(const cusum_state& state, const twin_state::body& twin,
                                       std::int64_t t) const;
  void restart(cusum_state& state) const;
  cusum_rule rule_;
  const window_operator* window_; ///< nullptr: none
};

/// Keys: of or window; k, h, baseline (warm_up or running), target and sd, reset; and those of
/// every limit_rule but limit.
[[nodiscard]] std::unique_ptr<twin_operator> read_cusum(object_reader& in, model_scope& scope);

} // namespace pollux::domain
