// SPDX-License-Identifier: Apache-2.0
// The second opinion on an alert: its verdict worked out again from the twin's journal and the
// model's text, by plain code that shares nothing with the operators (`pollux alert verify`).
// Windows are lists that are added up, rules are walked from the first reading on.
#pragma once
#include "domain/audit/record.hpp"
#include "domain/model/config_node.hpp"
#include "domain/twin/effect.hpp"
#include <string>
#include <vector>

namespace pollux::domain::audit {

enum class opinion : std::uint8_t {
  confirmed,    ///< the rule says the same, with the same numbers
  contradicted, ///< it does not
  unsettled,    ///< the rule's kind or keys are not known here: only the evidence's readings were
                ///< looked up; or the history needed was trimmed away
};
[[nodiscard]] const char* to_string(opinion o) noexcept;

struct finding {
  bool agrees;
  std::string what;
};

struct second_opinion {
  opinion says = opinion::unsettled;
  std::vector<finding> findings; ///< in the order of the checks
};

/// Judges one transition (raised, emitted, cleared, corrected) of an alert. `model`: the text of
/// the version the effect names. `history`: the twin's inputs at least up to the effect's cause.
/// Acknowledgements and other doings of people have no verdict: unsettled.
/// Cost: the history once, times the readings of a window where the rule needs its past.
[[nodiscard]] second_opinion judge_again(const config_node& model, const record& history,
                                         const effect& alert);

} // namespace pollux::domain::audit
