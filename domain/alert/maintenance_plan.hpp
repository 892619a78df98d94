// SPDX-License-Identifier: Apache-2.0
// Maintenance that a model announces: windows that come back, by the ingest clock, in UTC. While
// one is open, alerts of the twin are recorded and not published.
//
//   "maintenance": [{"from": "2026-01-03T22:00:00Z", "for": "4h", "every": "7d",
//                    "until": "2027-01-01T00:00:00Z"}]
#pragma once
#include "domain/base/time.hpp"
#include <vector>

namespace pollux::domain {

class object_reader;

inline constexpr std::size_t max_maintenance_plans = 16;

struct maintenance_plan {
  std::int64_t from_ns = 0;      ///< the first window begins
  std::int64_t for_ns = 0;       ///< each lasts so long
  std::int64_t every_ns = 0;     ///< from one beginning to the next; 0: only once
  std::int64_t until_ns = never; ///< none begins at or after it

  /// [begin, end): inside a window.
  [[nodiscard]] bool holds(std::int64_t now_ns) const noexcept;
  /// The first time after `now_ns` at which holds() changes; `never` when it does not.
  [[nodiscard]] std::int64_t next_change_ns(std::int64_t now_ns) const noexcept;
};

/// The key "maintenance" of a model.
[[nodiscard]] std::vector<maintenance_plan> read_maintenance(object_reader& in);

} // namespace pollux::domain
