// SPDX-License-Identifier: Apache-2.0
// What a `nearest` operator remembers of one twin: the readings, and how far each was from its
// neighbours. At most 10 bytes x history for the readings and 16 bytes x history for each length.
#pragma once
#include "domain/anomaly/nearest.hpp"
#include "domain/anomaly/ranked_history.hpp"
#include "domain/model/operator_state.hpp"
#include <vector>

namespace pollux::domain {

/// What a verdict went by, for its evidence: of the longest stretch.
struct nearest_finding {
  double distance = 0;   ///< to its neighbours
  double median = 0;     ///< of the distances before
  double usual = 0;      ///< their quantile
  std::size_t known = 0; ///< readings before
};

class nearest_state final : public operator_state {
public:
  explicit nearest_state(const nearest_rule& rule);

  /// Takes the next reading: compares, then remembers it.
  nearest_finding add(const nearest_rule& rule, double value);
  /// Of the newest reading; nullopt while there is too little to compare with.
  [[nodiscard]] std::optional<double> score() const noexcept { return score_; }
  /// Mean distance of the newest reading's longest stretch to its neighbours.
  [[nodiscard]] std::optional<double> distance() const noexcept { return distance_; }
  [[nodiscard]] std::size_t size() const noexcept { return values_.size() - first_; }
  [[nodiscard]] std::size_t heap_bytes() const noexcept;

  void save(byte_writer& out) const;
  [[nodiscard]] bool load(const nearest_rule& rule, byte_reader& in);

  episode alert;

private:
  void remember(const nearest_rule& rule, double value);

  std::vector<double> values_; // those from first_ on, oldest first: in one piece, so that the
  std::size_t first_ = 0;      // inner loop is one the compiler can do several at a time
  std::vector<ranked_history> distances_; // per length
  std::optional<double> score_, distance_;
};

/// The mean distances of the stretches that end at the last of `values` to their nearest
/// neighbours, one for each length; negative where there are too few to compare with.
[[nodiscard]] std::array<double, most_lengths>
nearest_distances(const nearest_rule& rule, const double* values, std::size_t count) noexcept;

} // namespace pollux::domain
