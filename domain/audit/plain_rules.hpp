// SPDX-License-Identifier: Apache-2.0
// The rules of a model, each written a second time in the plainest way.
#pragma once
#include "domain/audit/plain_windows.hpp"
#include "domain/twin/effect.hpp"
#include <set>

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
  bool known = false;                          ///< the rule could be worked out again
  bool agrees = false;                         ///< and it says what the alert says
  std::string what;                            ///< in one sentence
  std::map<std::string, double> numbers;       ///< by the names evidence uses
  std::map<std::string, std::int64_t> times{}; ///< likewise
};

/// Works the rule out again at the reading (or moment) of the alert.
[[nodiscard]] rule_answer judge_rule(const rule_case& at);

// One for each type of rule.
[[nodiscard]] rule_answer judge_threshold(const rule_case& at);
[[nodiscard]] rule_answer judge_z_score(const rule_case& at);
[[nodiscard]] rule_answer judge_sequence(const rule_case& at);
[[nodiscard]] rule_answer judge_learnt_limits(const rule_case& at); ///< ewma, robust
[[nodiscard]] rule_answer judge_cusum(const rule_case& at);
[[nodiscard]] rule_answer judge_pattern(const rule_case& at);
[[nodiscard]] rule_answer judge_machine_alert(const rule_case& at); ///< by replaying its machines
[[nodiscard]] rule_answer judge_seasonal(const rule_case& at);
[[nodiscard]] rule_answer judge_nearest(const rule_case& at);
[[nodiscard]] rule_answer judge_multivariate(const rule_case& at);

// What they share.
using keys = std::set<std::string_view>;
[[nodiscard]] rule_answer not_known(std::string why);
/// The first key of the rule that is neither in `known` nor about the alert's life; else empty.
[[nodiscard]] std::string unknown_key(const config_node& rule, const keys& known);
[[nodiscard]] bool is_the_row(const rule_case& at, const row& r);
[[nodiscard]] bool raises(const effect& alert);
inline constexpr const char* no_such_row = "no reading at the alert's event time came with its "
                                           "input";

} // namespace pollux::domain::audit
