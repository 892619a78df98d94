// SPDX-License-Identifier: Apache-2.0
#include "domain/audit/plain_rules.hpp"
#include "domain/base/time.hpp"
#include <algorithm>

namespace pollux::domain::audit {
namespace {

// Keys that decide how an alert lives on, not whether its condition holds.
const keys of_every_rule = {"name",       "type",     "description",    "severity",    "message",
                            "latch",      "dedup",    "levels",         "levels_by",   "escalate",
                            "escalation", "flapping", "suppress_while", "parent_group"};

bool is_heard(const std::string& of, const row& r) {
  return of == "*" || r.values.contains(of) || r.texts.contains(of);
}

rule_answer absence(const rule_case& at) {
  if (const auto key = unknown_key(at.rule, {"of", "for"}); !key.empty())
    return not_known("the plain absence does not know the key " + key);
  const auto of = text_of(at.rule, "of", "*");
  const auto wait = duration_of(at.rule, "for", 0);
  const auto moment = at.alert.ingest_time_ns;
  std::int64_t heard = at.history.created_ns(), now = no_time;
  bool with_the_input = false;
  for (const auto& r : at.history.rows()) // even one too late to be used says that it lives
    with_the_input = with_the_input || (r.id == at.alert.id.cause && is_heard(of, r));
  for (const auto& r : at.history.as_seen(at.alert.id.cause, {}, at.alert.id.cause)) {
    if (!r.brings()) continue;
    now = std::max(now, r.ingest_ns);
    if (is_heard(of, r) && r.id < at.alert.id.cause) heard = std::max(heard, now);
  }
  if (!raises(at.alert))
    return {true,
            with_the_input,
            with_the_input ? "a reading came with the input" : "no reading came with the input",
            {}};
  const auto since = std::max(heard, at.history.started_before(at.alert.id.cause));
  const bool silent = since != no_time && moment - since >= wait;
  return {true,
          silent,
          "nothing was heard for " + format_duration(std::max<std::int64_t>(moment - since, 0)),
          {{"for_s", static_cast<double>(wait) / 1e9}}};
}

// Whether the alert's own life may have told the condition at another moment than it changed.
bool told_at_another_moment(const rule_case& at) {
  return key(at.rule, "flapping") != nullptr || key(at.rule, "suppress_while") != nullptr ||
         key(at.model, "maintenance") != nullptr;
}

rule_answer by_type(const rule_case& at) {
  const auto type = text_of(at.rule, "type", "");
  if (type == "threshold") return judge_threshold(at);
  if (type == "z_score") return judge_z_score(at);
  if (type == "sequence") return judge_sequence(at);
  if (type == "absence") return absence(at);
  if (type == "ewma" || type == "robust") return judge_learnt_limits(at);
  if (type == "cusum") return judge_cusum(at);
  if (type == "pattern") return judge_pattern(at);
  if (type == "machine_alert") return judge_machine_alert(at);
  if (type == "seasonal") return judge_seasonal(at);
  if (type == "nearest") return judge_nearest(at);
  if (type == "multivariate") return judge_multivariate(at);
  return not_known("there is no plain form of the rule type " + type + " yet");
}

} // namespace

std::string unknown_key(const config_node& rule, const keys& known) {
  for (const auto& [name, value] : rule.members)
    if (!known.contains(name) && !of_every_rule.contains(name)) return name;
  return {};
}

rule_answer not_known(std::string why) { return {false, false, std::move(why), {}}; }

bool is_the_row(const rule_case& at, const row& r) {
  return r.judged && r.event_ns == at.alert.alert.event_time_ns &&
         (at.in_event_order || r.id == at.alert.id.cause);
}

bool raises(const effect& alert) {
  const auto t = alert.alert.transition;
  return t == alert_transition::raised || t == alert_transition::emitted ||
         t == alert_transition::corrected || t == alert_transition::reopened;
}

rule_answer judge_rule(const rule_case& at) {
  const auto& alert = at.alert.alert;
  const auto t = alert.transition;
  if (!raises(at.alert) && t != alert_transition::cleared && t != alert_transition::latched)
    return not_known("a doing of people or of the alert's life has no verdict of a rule");
  if (!alert.by.empty()) return not_known("it was done by " + alert.by);
  const auto& proof = alert.proof;
  if (!raises(at.alert) && proof.numbers.empty() && proof.times.empty())
    return not_known("it was taken back with readings that came later: no verdict is left");
  auto out = by_type(at);
  if (out.known && !out.agrees && told_at_another_moment(at))
    return not_known("it may have been told at another moment than its condition changed");
  return out;
}

} // namespace pollux::domain::audit
