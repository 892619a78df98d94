// SPDX-License-Identifier: Apache-2.0
// How long a model's twins keep their history, and in which tier (docs/history.md, "Tiers").
#pragma once
#include <cstdint>

namespace pollux::domain {

class object_reader;

/// Ages are whole days, UTC, from the day of a reading's event time to today.
struct retention_rule {
  std::int32_t hot_days = 30;   ///< up to this age: hot
  std::int32_t warm_days = 365; ///< up to this age: warm; older: cold
  std::int32_t keep_days = 0;   ///< older than this may go; 0: kept for ever

  bool operator==(const retention_rule&) const = default;
};

/// Keys: hot_days, warm_days, keep_days. Errors go to `in`.
[[nodiscard]] retention_rule read_retention(object_reader& in);

/// Whole UTC days between the day of `then_ns` and the day of `now_ns`; negative when it is later.
[[nodiscard]] std::int64_t age_in_days(std::int64_t then_ns, std::int64_t now_ns) noexcept;

} // namespace pollux::domain
