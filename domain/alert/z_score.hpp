// SPDX-License-Identifier: Apache-2.0
// Z-score: is a reading far from what this twin has lately been doing?
// The tested reading is never part of its own baseline: with n samples that include it, |z| cannot
// exceed (n-1)/sqrt(n), so a short window would be blind.
#pragma once
#include "domain/alert/alert_rule.hpp"
#include "domain/alert/outliers.hpp"
#include "domain/window/window_operator.hpp"
#include <optional>

namespace pollux::domain {

class model_scope;

enum class z_sides : std::uint8_t { upper, lower, both };

/// An outlier that joins the baseline widens it and hides the next one. What happens to outliers:
///   exclude_while_alerting  they stay out of this rule's baseline. The windows of a twin share one
///                           series, so the rule remembers the spans of time it leaves out and asks
///                           the series about the pieces between: no second copy of the readings.
///                           After `relearn_after` of unbroken alerting the new level is taken for
///                           normal: all outliers since then are let back in.
///   include                 they count as they are; the rule remembers nothing at all.
///   winsorise               they count as mean +- limit x sd, remembered in the same way.
enum class z_poison : std::uint8_t { exclude_while_alerting, include, winsorise };

struct z_score_rule {
  double limit = 3.0; ///< fires beyond limit x sd; exactly there it does not
  z_sides sides = z_sides::upper;
  bool population = false;      ///< divide by n instead of n - 1
  std::size_t min_samples = 30; ///< no verdict before the baseline holds this many
  double min_stddev = 1e-9;     ///< in the telemetry's unit; a flatter baseline gives no verdict
  bool each = false;            ///< one alert for every outlier instead of raised .. cleared
  z_poison poison = z_poison::exclude_while_alerting;
  std::int64_t relearn_after_ns = 3600 * ns_per_s; ///< event time
};

struct z_score_finding {
  verdict side; ///< none: the reading is unremarkable
  double z;     ///< signed
  double sd;
};

/// Judges `value` against the readings before it; nullopt without a usable baseline.
/// Cost: O(1), no allocation.
[[nodiscard]] std::optional<z_score_finding> judge(const z_score_rule& rule,
                                                   const window_statistics& baseline, double value);

class z_score_operator final : public alert_rule {
public:
  z_score_operator(z_score_rule rule, const window_operator& window, std::string field,
                   alert_keys keys)
      : alert_rule(keys.level, std::move(keys.message)), rule_(rule), window_(window),
        field_(std::move(field)) {}

  [[nodiscard]] operator_hooks hooks() const noexcept override {
    return {.judge = true, .state = rule_.poison != z_poison::include};
  }
  void judge(row& reading) const override;
  /// mean, sd, lower, upper and score of the newest reading, from those before it; unknown without
  /// a usable baseline. Cost: one more look into the window each.
  [[nodiscard]] std::vector<operator_output> outputs() const override;
  [[nodiscard]] std::optional<double> output(const twin_state::body& twin,
                                             std::uint32_t which) const override;
  void save(const operator_state& state, byte_writer& out) const override;
  [[nodiscard]] std::unique_ptr<operator_state> load(byte_reader& in) const override;
  [[nodiscard]] std::size_t state_bytes(const operator_state& state) const override;
  [[nodiscard]] described_rule explain(const twin_state::body& twin,
                                       std::int64_t now_ns) const override;
  [[nodiscard]] int slot() const noexcept { return window_.slot(); }

private:
  [[nodiscard]] window_statistics baseline(const twin_state::body& twin, std::int64_t t) const;
  void remember(row& reading, const std::optional<z_score_finding>& found,
                const window_statistics& base) const;
  [[nodiscard]] evidence prove(const row& reading, const z_score_finding& found,
                               const window_statistics& base) const;
  z_score_rule rule_;
  const window_operator& window_;
  std::string field_;
};

/// Keys: window, limit, sides, sd, min_samples, min_stddev, emit, poison, relearn_after, and
/// alert_keys.
[[nodiscard]] std::unique_ptr<twin_operator> read_z_score(object_reader& in, model_scope& scope);

} // namespace pollux::domain
