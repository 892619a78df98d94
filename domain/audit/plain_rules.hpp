// SPDX-License-Identifier: Apache-2.0
// The rules of a model, each written a second time in the plainest way.
#pragma once
#include "domain/audit/plain_windows.hpp"
#include "domain/twin/effect.hpp"

namespace pollux::domain::audit {

struct rule_case {
  const config_node& model;
  const config_node& rule;
  const record& history;
  const std::vector<row>& rows; ///< up to the cause, as the rules saw them
  const effect& alert;
  bool in_event_order; ///< a row is found by its time alone: its words may have come apart
};

struct rule_answer {
  bool known = false;                    ///< the rule could be worked out again
  bool agrees = false;                   ///< and it says what the alert says
  std::string what;                      ///< in one sentence
  std::map<std::string, double> numbers; ///< by the names evidence uses
};

/// Works the rule out again at the reading (or moment) of the alert.
[[nodiscard]] rule_answer judge_rule(const rule_case& at);

} // namespace pollux::domain::audit
