// SPDX-License-Identifier: Apache-2.0
// The aggregates of docs/windows.md that need more than sums and ends, each by its definition.
#pragma once
#include "domain/audit/plain_windows.hpp"

namespace pollux::domain::audit {

struct plain_number {
  std::optional<double> value;
  double may_differ = 0; ///< where the twin keeps a sketch of bounded size: its stated error
};

/// slope, ewma, time_weighted_mean (until `end_ns`), distinct, counter_delta, circular_mean and
/// quantiles of readings by their time. `window`: the operator, which says whether the twin
/// counts different values and ranks exactly. `understood`: false for another name.
[[nodiscard]] plain_number further_aggregate(const std::map<std::int64_t, double>& readings,
                                             std::string_view name, const config_node& window,
                                             std::int64_t end_ns, bool& understood);

} // namespace pollux::domain::audit
