// SPDX-License-Identifier: Apache-2.0
// The alerts of one twin as whoever listened had them in the end, and how those of two versions of
// a model pair.
#pragma once
#include "domain/base/time.hpp"
#include "domain/twin/effect.hpp"
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::persistence {

/// One incident, or one alert without a life, after all corrections.
struct told_alert {
  domain::effect_id incident;
  std::string rule;
  domain::severity level = domain::severity::warning;
  std::int64_t event_ns = 0;
  std::int64_t end_ns =
      never;              ///< event time it cleared; `never`: it stands. Without a life: event_ns
  bool single = false;    ///< emitted
  bool published = false; ///< somebody was told
  bool retracted = false; ///< there was nothing to raise: it counts no more
  std::string message;
  std::int64_t lag_ns = 0; ///< its time is that of a timer, which went off so much too late
  /// The transition that says why, with its evidence. nullptr where it was let go to save memory.
  std::unique_ptr<domain::effect> why;
};

class alert_ledger {
public:
  /// Takes one effect; what is no alert is passed over. `lag_ns`: it is of a timer that went off so
  /// long after it was due.
  void hear(const domain::effect& e, std::int64_t lag_ns = 0);
  /// An incident that was open before the run began.
  void assume(const domain::effect_id& incident, std::string_view rule, domain::severity level,
              std::int64_t event_ns, std::string_view message);
  [[nodiscard]] const std::vector<told_alert>& all() const noexcept { return alerts_; }
  [[nodiscard]] std::vector<told_alert>& all() noexcept { return alerts_; }
  /// The rule of an incident; empty when it is not known.
  [[nodiscard]] std::string_view rule_of(std::string_view incident) const;
  /// The newest incident of a rule that is not over.
  [[nodiscard]] std::optional<domain::effect_id> open_of(std::string_view rule) const;

private:
  told_alert* find(const domain::effect_id& incident);
  void begin(const domain::effect& e, std::int64_t lag_ns);
  std::vector<told_alert> alerts_; ///< in the order they were first told
  std::map<domain::effect_id, std::size_t> by_incident_;
  std::size_t with_why_ = 0;
};

/// Evidence is kept of so many alerts of one twin and version; of more it is counted only.
inline constexpr std::size_t most_alerts_with_why = 4000;

/// Indexes into the alerts of the two versions.
struct alert_pair {
  std::size_t ruling = 0, candidate = 0;
};

/// Whether a pair has one event time. A running node's timers go off a little late, those of a
/// candidate when they are due: what lies within the lag is no difference of the models.
[[nodiscard]] bool at_one_time(const told_alert& ruling, const told_alert& candidate) noexcept;

/// Pairs alerts of the same rule one to one, nearest event times first. Two alerts can be a pair
/// when both are of the same sort (with or without a life) and their event times are at most
/// `tolerance_ns` apart, or they were open together (as in the shadow). Retracted ones have no
/// pair. Sorted by `ruling`. Cost: n log n.
[[nodiscard]] std::vector<alert_pair> pair_alerts(const std::vector<told_alert>& ruling,
                                                  const std::vector<told_alert>& candidate,
                                                  std::int64_t tolerance_ns);

} // namespace pollux::persistence
