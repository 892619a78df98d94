// SPDX-License-Identifier: Apache-2.0
// After a re-run: which alerts turned out otherwise than they were told.
//
//   the same as told             nothing leaves
//   a new one                    raised, cleared, emitted, through the life cycle as any other
//   told, but there was nothing  retracted
//   told with another time, evidence or end
//                                corrected: the incident stands as said now and is active; what
//                                followed (cleared) is said again after it
//   cleared at another time or for another reason
//                                cleared again
// An incident that survives keeps the id it was first told under.
#pragma once
#include "domain/twin/step_context.hpp"
#include "domain/twin/timeline.hpp"

namespace pollux::domain {

/// What a re-run found. Incidents begun in it have provisional ids.
struct rerun_findings {
  std::vector<told_verdict> verdicts;
  effects told;                     ///< one for each verdict
  std::vector<active_alert> alerts; ///< active at its end
};
inline constexpr std::uint32_t provisional = 0x80000000; ///< this bit in an effect's ordinal

/// Tells what differs from `before` and brings the twin's alerts and the timeline's told verdicts
/// and checkpoints in line. `late`: a reading worked in was behind the watermark.
void amend(step_context& at, std::vector<told_verdict> before, rerun_findings found, bool late);

} // namespace pollux::domain
