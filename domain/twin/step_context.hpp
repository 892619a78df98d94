// SPDX-License-Identifier: Apache-2.0
// One call of step(): the twin, the input at work, and where effects go. Numbers the effects.
#pragma once
#include "domain/twin/told_verdict.hpp"
#include "domain/twin/twin_state.hpp"

namespace pollux::domain {

struct step_context {
  twin_state::body& twin;
  const input& in;
  effects& out;
  std::int64_t now_ns;       ///< the largest ingest time the twin has seen
  std::uint32_t ordinal = 0; ///< of the next effect
  /// Readings are gone through once more (domain/twin/rerun.hpp): the effects are only compared
  /// with those told before, so a rule gives its verdicts and nothing beyond them.
  bool rerun = false;
  std::vector<told_verdict>* verdicts = nullptr; ///< where rules note what they decide, if anywhere

  /// Appends an effect with its id, time and model filled in. The reference holds until the next
  /// one.
  effect& add(effect_kind kind);
  /// Says that (part of) the input could not be used.
  void fault(std::string what);
};

} // namespace pollux::domain
