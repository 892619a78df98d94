// SPDX-License-Identifier: Apache-2.0
// Hours of the week in which a threshold is on (docs/models.md, "Hours of the week"), read from the
// model's text and asked minute by minute.
#pragma once
#include "domain/audit/plain_windows.hpp"
#include "domain/base/calendar.hpp"
#include "domain/twin/effect.hpp"
#include <set>

namespace pollux::domain::audit {

class plain_hours {
public:
  /// Of a rule with or without "active".
  explicit plain_hours(const config_node& rule);
  /// Whether the clock on the wall lies within the hours at `t`.
  [[nodiscard]] bool on(std::int64_t t) const;
  /// The first moment after `t`, at which they are on, at which they are not; `never` if none.
  [[nodiscard]] std::int64_t end_after(std::int64_t t) const;
  /// Whether an alert was cleared because they ended: at the moment it says.
  [[nodiscard]] bool end_the_alert(const effect& alert) const;

private:
  bool given_ = false;
  std::set<int> days_;          ///< 0 is Monday
  int from_ = 0, to_ = 24 * 60; ///< minutes of the day
  time_zone zone_;
};

} // namespace pollux::domain::audit
