// SPDX-License-Identifier: Apache-2.0
#include "domain/audit/second_opinion.hpp"
#include "domain/audit/plain_rules.hpp"
#include "domain/base/time.hpp"
#include <algorithm>
#include <cmath>
#include <optional>

namespace pollux::domain::audit {
namespace {

constexpr double relative = 1e-9; // what another order of adding up may differ by

bool close(double a, double b) {
  return std::fabs(a - b) <= relative * std::max({1.0, std::fabs(a), std::fabs(b)});
}

std::string shown(double v) {
  auto text = std::to_string(v);
  while (text.size() > 1 && text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

event_time_rules rules_of(const config_node& model) {
  event_time_rules out;
  const auto* block = key(model, "event_time");
  if (block == nullptr) return out;
  const auto late = text_of(*block, "late", "amend");
  out.in_event_order = late != "keep";
  out.drop = late == "drop";
  out.disorder_ns = duration_of(*block, "disorder", 0);
  out.lateness_ns = out.drop ? 0 : duration_of(*block, "lateness", 60 * ns_per_s);
  return out;
}

// Each number the evidence shares with the recomputed ones.
void compare(const std::map<std::string, double>& again, const evidence& proof,
             second_opinion& into) {
  for (const auto& stated : proof.numbers) {
    const auto found = again.find(stated.name);
    if (found == again.end()) continue;
    const bool same = close(found->second, stated.value);
    into.findings.push_back({same, stated.name + " is " + shown(found->second) +
                                       (same ? "" : ", the alert says " + shown(stated.value))});
  }
}

void compare_times(const std::map<std::string, std::int64_t>& again, const evidence& proof,
                   second_opinion& into) {
  for (const auto& stated : proof.times) {
    const auto found = again.find(stated.name);
    if (found == again.end()) continue;
    const bool same = found->second == stated.time_ns;
    into.findings.push_back(
        {same, stated.name + " is " + format_rfc3339(found->second) +
                   (same ? "" : ", the alert says " + format_rfc3339(stated.time_ns))});
  }
}

// What can be said of any rule: the readings it names are in the journal, with the value it names.
void look_up_readings(const std::vector<row>& rows, const config_node& rule,
                      const alert_effect& alert, second_opinion& into) {
  std::size_t missing = 0;
  for (const auto t : alert.proof.event_times_ns)
    missing +=
        std::none_of(rows.begin(), rows.end(), [&](const row& r) { return r.event_ns == t; });
  const auto named = alert.proof.event_times_ns.size();
  if (named != 0)
    into.findings.push_back({missing == 0, std::to_string(named - missing) + " of the " +
                                               std::to_string(named) +
                                               " readings it names are in the journal"});
  // An expression's value is the reading's only where it is nothing but the telemetry's name.
  // What fell due between two readings has no reading of its own.
  const auto& named_times = alert.proof.event_times_ns;
  if (text_of(rule, "value", alert.proof.field) != alert.proof.field ||
      std::find(named_times.begin(), named_times.end(), alert.event_time_ns) == named_times.end())
    return;
  for (const auto& stated : alert.proof.numbers) {
    if (stated.name != "value" || alert.proof.field.empty()) continue;
    // The same instant may have come twice, the second time as a correction.
    std::optional<double> recorded;
    for (const auto& r : rows) {
      const auto found = r.values.find(alert.proof.field);
      if (r.event_ns != alert.event_time_ns || found == r.values.end()) continue;
      if (!recorded || close(found->second, stated.value)) recorded = found->second;
    }
    if (!recorded) continue;
    into.findings.push_back(
        {close(*recorded, stated.value), alert.proof.field + " was " + shown(*recorded) + " at " +
                                             format_rfc3339(alert.event_time_ns)});
  }
}

second_opinion judge_as_seen(const config_node& model, const config_node& rule,
                             const record& history, const effect& alert,
                             const event_time_rules& how, const input_id& worked_in) {
  second_opinion out;
  const auto rows = history.as_seen(alert.id.cause, how, worked_in);
  look_up_readings(history.rows(), rule, alert.alert, out);
  const auto again = judge_rule({model, rule, history, rows, alert, how.in_event_order});
  out.findings.push_back({!again.known || again.agrees, again.what});
  if (again.known) {
    compare(again.numbers, alert.alert.proof, out);
    compare_times(again.times, alert.alert.proof, out);
    out.says = opinion::confirmed;
  }
  return out;
}

bool disputed(const second_opinion& o) {
  return std::any_of(o.findings.begin(), o.findings.end(),
                     [](const finding& f) { return !f.agrees; });
}

void settle(second_opinion& o, const record& history) {
  if (!disputed(o)) return;
  o.says = opinion::contradicted;
  if (history.whole()) return;
  o.findings.push_back({false, "the history is not whole: its beginning was trimmed"});
  o.says = opinion::unsettled;
}

} // namespace

const char* to_string(opinion o) noexcept {
  switch (o) {
  case opinion::confirmed: return "confirmed";
  case opinion::contradicted: return "contradicted";
  case opinion::unsettled: break;
  }
  return "unsettled";
}

second_opinion judge_again(const config_node& model, const record& history, const effect& alert) {
  second_opinion out;
  const auto& what = alert.alert;
  const auto* rule = find_operator(model, what.rule);
  if (rule == nullptr) {
    out.findings.push_back({false, "the model has no rule " + what.rule});
    out.says = opinion::contradicted;
    return out;
  }
  const auto how = rules_of(model);
  out = judge_as_seen(model, *rule, history, alert, how, alert.id.cause);
  if (how.in_event_order && disputed(out)) {
    // Readings out of order are worked in when enough others have come: until then the rules
    // had not seen the newest of them.
    constexpr std::size_t most = 256;
    for (const auto& unseen : history.out_of_order(alert.id.cause, most)) {
      auto before = unseen;
      before.index == 0 ? (--before.at.value, before.index = ~0U) : --before.index;
      auto again = judge_as_seen(model, *rule, history, alert, how, before);
      if (disputed(again)) continue;
      again.findings.push_back({true, "readings out of order that had just come were not yet "
                                      "worked in"});
      out = std::move(again);
      break;
    }
  }
  settle(out, history);
  return out;
}

} // namespace pollux::domain::audit
