// SPDX-License-Identifier: Apache-2.0
// Which numbers a window gives: "aggregates": ["mean", "p95", "slope"].
#pragma once
#include "domain/base/time.hpp"
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace pollux::domain {

class object_reader;

enum class aggregate_kind : std::uint8_t {
  count,
  mean,
  sd,
  psd,
  min,
  max,
  sum,
  range,
  first,
  last,
  delta,
  rate,
  slope,
  ewma,
  distinct,
  time_weighted_mean,
  counter_delta,
  circular_mean,
  quantile
};

struct aggregate {
  std::string_view name; ///< a literal
  aggregate_kind kind;
  std::uint16_t permille = 0; ///< of a quantile
};

/// The first six of this list are what a sliding window always gives.
[[nodiscard]] const std::vector<aggregate>& all_aggregates();
inline constexpr std::size_t basic_aggregates = 6;

/// What the chosen aggregates need beyond the count and both ends.
struct fold_parts {
  std::int64_t half_life_ns = 0;
  bool sum = false, extremes = false;
  bool moments =
      false; ///< sd or psd: the one division for each reading that the others do not need
  bool slope = false, ewma = false, area = false, circular = false, counter = false;

  [[nodiscard]] bool ordered() const noexcept {
    return slope || ewma || area || circular || counter;
  }
  [[nodiscard]] bool any() const noexcept { return sum || extremes || moments || ordered(); }
  bool operator==(const fold_parts&) const = default;
};

struct aggregate_plan : fold_parts {
  std::vector<aggregate> chosen;
  bool distinct = false, quantiles = false;

  [[nodiscard]] bool rich() const noexcept { return ordered() || distinct || quantiles; }
  void choose(const aggregate& a);
};

/// Reads `aggregates` (default: the first six) and `half_life`. After an error in `in` not to be
/// used.
[[nodiscard]] aggregate_plan read_aggregates(object_reader& in);

} // namespace pollux::domain
