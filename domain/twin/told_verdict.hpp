// SPDX-License-Identifier: Apache-2.0
// A rule's verdict as it was told, so that a re-run of the same stretch of time can be compared.
#pragma once
#include "domain/twin/effect.hpp"
#include <cstdint>

namespace pollux::domain {

struct told_verdict {
  std::int64_t place_ns = 0; ///< event time of the reading or mark that brought it
  std::uint32_t rule = 0;    ///< operator index
  alert_transition transition = alert_transition::raised; ///< or cleared, or emitted
  severity level = severity::warning;
  std::int64_t event_time_ns = 0;
  effect_id incident;
  std::uint64_t digest = 0; ///< of event time and evidence
};

/// The same evidence gives the same digest (FNV-1a, 64 bits) on every machine.
[[nodiscard]] std::uint64_t digest_of(std::int64_t event_time_ns, const evidence& proof) noexcept;

} // namespace pollux::domain
