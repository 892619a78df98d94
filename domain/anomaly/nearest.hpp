// SPDX-License-Identifier: Apache-2.0
// "Has it ever looked like this before?" The newest readings are compared with all earlier
// stretches of the same length; the distance to the nearest few says how new they are, and the
// distances of the past say how new is unusual. No shape of the normal is assumed: a daily rhythm,
// two levels, bursts every hour are all normal once they have been seen a few times.
//
//   d_m(t)   mean Euclidean distance of (x_t, .. x_t-m+1) to its `neighbours` nearest stretches
//   that
//            end within `history` readings and do not overlap it
//   s_m(t)   (d_m(t) - median) / (quantile - median) of the d_m before it: 1 is as far as the
//            `quantile` of all readings
//   score    the mean of s_m over the `lengths` m
//
// After Burnaev and Ishimtsev, "Conformalized density- and distance-based anomaly detection in
// time-series data", 2016 (KNN-CAD), with the plain distance in place of Mahalanobis', several
// lengths at once, and the distances' own quantile as the measure.
//
// A reading is judged by what came before it alone. What poisons a baseline elsewhere is harmless
// here: a stretch is normal only with `neighbours` others like it, and the quantile bears its share
// of large distances. A lasting change is taken for normal after about length + neighbours
// readings.
#pragma once
#include "domain/alert/alert_rule.hpp"
#include "domain/anomaly/episode.hpp"
#include <array>
#include <optional>

namespace pollux::domain {

class model_scope;

inline constexpr std::size_t most_lengths = 4;
inline constexpr std::size_t most_neighbours = 64;

struct nearest_rule {
  std::array<std::uint32_t, most_lengths> lengths{}; ///< ascending, in readings
  std::size_t length_count = 0;
  std::uint32_t neighbours = 8;
  std::uint32_t history = 2000;    ///< readings remembered
  std::uint32_t min_samples = 100; ///< distances known before the first verdict
  double quantile = 0.99;
  episode_rule alert;
  [[nodiscard]] std::uint32_t longest() const noexcept { return lengths[length_count - 1]; }
};

class nearest_operator final : public alert_rule {
public:
  nearest_operator(nearest_rule rule, int slot, std::string field, alert_keys keys)
      : alert_rule(keys.level, std::move(keys.message)), rule_(rule), slot_(slot),
        field_(std::move(field)) {}

  [[nodiscard]] operator_hooks hooks() const noexcept override {
    return {.observe = true, .state = true};
  }
  /// Cost: at most history x the longest length multiplications, as a rule a quarter of that; 40 us
  /// for 4000 x 48. No allocation once the history is full.
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
  nearest_rule rule_;
  int slot_;
  std::string field_;
};

/// Keys: of, lengths ([8, 48]), neighbours, history, min_samples, quantile, those of an episode
/// (limit 1) and alert_keys.
[[nodiscard]] std::unique_ptr<twin_operator> read_nearest(object_reader& in, model_scope& scope);

} // namespace pollux::domain
