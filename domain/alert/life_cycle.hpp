// SPDX-License-Identifier: Apache-2.0
// What a rule's model says about the life of its alerts beyond raised and cleared. All of it is
// data, none of it decides a verdict: a changed life cycle costs a twin neither state nor alert.
//
//   "latch": true                     stays until an operator resets it after the condition is gone
//   "dedup": "5m"                     raised so soon after clearing it is the same incident
//   "flapping": {"changes": 6, "within": "10m"}   from then on told no more, until quiet for so
//   long "levels": [{"above": 90, "clear": 88, "severity": "critical"}]   severity by value
//   "levels_by": "z"                  by another number of the evidence, without its sign
//   "escalate": [{"after": "10m", "severity": "critical"}]           by time, not acknowledged
//   "escalation": [{"after": "5m", "to": "shift-lead"}]              who is told, not acknowledged
//   "suppress_while": "maintenance_mode"   an expression: nothing is published while it is not 0
//   "parent_group": "cooling"         what a parent twin gathers it under; the rule's name if
//   absent
#pragma once
#include "domain/alert/operands.hpp"
#include "domain/twin/effect.hpp"
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pollux::domain {

class model_scope;
class object_reader;

inline constexpr std::size_t max_life_steps = 16; ///< of each list
inline constexpr std::uint32_t max_flap_changes = 64;

/// A severity that holds beyond a limit.
struct value_step {
  bool below = false;
  double limit = 0, clear = 0; ///< entered beyond limit, left at or back within clear
  severity level = severity::warning;
};
struct time_step {
  std::int64_t after_ns = 0; ///< ingest time since it was (last) published as raised
  severity level = severity::warning;
};
struct escalation_step {
  std::int64_t after_ns = 0;
  std::string to;
};

struct life_cycle {
  bool latch = false;
  std::int64_t dedup_ns = 0;
  std::uint32_t flap_changes = 0; ///< 0: flapping is not looked for
  std::int64_t flap_within_ns = 0;
  std::vector<value_step> levels; ///< as in the model: mildest first
  std::string levels_by = "value";
  std::vector<time_step> escalate;         ///< soonest first
  std::vector<escalation_step> escalation; ///< soonest first
  std::optional<expression> suppress_while;
  std::string group;

  /// The severity for `value`, coming from `now`; `base` where no step holds.
  [[nodiscard]] severity level_of(double value, severity now, severity base) const noexcept;
};

/// Reads the keys above; nullptr when none of them is there.
[[nodiscard]] std::unique_ptr<const life_cycle> read_life_cycle(object_reader& in,
                                                                model_scope& scope);

/// Whether a key of an operator only shapes the life of its alerts.
[[nodiscard]] bool is_life_cycle_key(std::string_view key) noexcept;

} // namespace pollux::domain
