// SPDX-License-Identifier: Apache-2.0
// What a threshold says about its verdicts: evidence for checkers, sentences for people.
#include "domain/alert/threshold.hpp"
#include "domain/alert/window_evidence.hpp"
#include "domain/alert/wording.hpp"
#include <cmath>

namespace pollux::domain {
namespace {

std::string range(double low, double high) { return brief(low) + " .. " + brief(high); }

} // namespace

std::string threshold_operator::side(bool raised) const {
  const double limit = raised ? rule_.limit : rule_.clear;
  const double high = raised ? rule_.high : rule_.clear_high;
  switch (rule_.which) {
  case threshold_rule::kind::above: return (raised ? " above " : " at or below ") + brief(limit);
  case threshold_rule::kind::below: return (raised ? " below " : " at or above ") + brief(limit);
  case threshold_rule::kind::outside:
    return (raised ? " outside " : " within ") + range(limit, high);
  case threshold_rule::kind::inside:
    return (raised ? " inside " : " not inside ") + range(limit, high);
  case threshold_rule::kind::condition: break;
  }
  return raised ? " is true" : " is false";
}

std::string threshold_operator::patience(bool raised) const {
  if (!raised) return hold_.clear_for_ns > 0 ? " for " + brief_duration(hold_.clear_for_ns) : "";
  std::string out;
  if (hold_.for_ns > 0) out += " for " + brief_duration(hold_.for_ns);
  if (hold_.times > 1) {
    out += (hold_.for_ns > 0 ? " and " : ", ") + std::to_string(hold_.times) + " readings";
    out += hold_.within_ns > 0 ? " within " + brief_duration(hold_.within_ns) : " in a row";
  }
  return out;
}

evidence threshold_operator::prove(const twin_operands& source, double value, bool raised,
                                   std::int64_t t) const {
  evidence proof;
  const auto& twin = source.twin();
  if ((used_.size() == 1 || value_.text() == used_.front().name) && used_.front().slot >= 0)
    proof.field = twin.ruling().telemetry[static_cast<std::size_t>(used_.front().slot)].name;
  proof.numbers = {{"value", value}};
  const bool condition = rule_.which == threshold_rule::kind::condition;
  if (rule_.which == threshold_rule::kind::outside || rule_.which == threshold_rule::kind::inside) {
    proof.numbers.push_back({"low", rule_.limit});
    proof.numbers.push_back({"high", rule_.high});
    proof.numbers.push_back({"clear_low", rule_.clear});
    proof.numbers.push_back({"clear_high", rule_.clear_high});
  } else if (!condition) {
    proof.numbers.push_back({"limit", rule_.limit});
    proof.numbers.push_back({"clear", rule_.clear});
  }
  const auto* hold = patient_ ? static_cast<const hold_state*>(state_of(twin)) : nullptr;
  const bool as_now = add_operands(proof, source, hold);
  proof.event_times_ns = {t};
  if (as_now) add_window_digests(proof, used_, twin);
  proof.explanation =
      condition ? value_.text() + side(raised) : value_.text() + " " + brief(value) + side(raised);
  if (hold != nullptr) prove_hold(proof, *hold, raised);
  return proof;
}

// The numbers that were judged: now, or by the newest reading of a hold. False when what is known
// now is something else, so that what windows hold now would prove nothing.
bool threshold_operator::add_operands(evidence& proof, const twin_operands& source,
                                      const hold_state* hold) const {
  bool as_now = true;
  for (std::size_t i = 0; i < used_.size(); ++i) {
    const auto now = source.operand(used_[i].id);
    auto judged = now;
    if (hold != nullptr && !hold->judged.empty()) {
      const auto held = hold->judged[i + 1];
      judged = std::isnan(held) ? std::nullopt : std::optional(held);
    }
    as_now = as_now && judged == now;
    if (judged) proof.numbers.push_back({used_[i].name, *judged});
  }
  return as_now;
}

void threshold_operator::prove_hold(evidence& proof, const hold_state& state, bool raised) const {
  if (raised && hold_.within_ns > 0) {
    proof.numbers.push_back({"times", static_cast<double>(hold_.times)});
    proof.event_times_ns = state.met;
  } else if (state.since_ns != no_time) {
    const auto wait = raised ? hold_.for_ns : hold_.clear_for_ns;
    if (wait > 0)
      proof.numbers.push_back({"for_s", static_cast<double>(wait) / static_cast<double>(ns_per_s)});
    if (raised && hold_.times > 1)
      proof.numbers.push_back({"times", static_cast<double>(hold_.times)});
    // The reading that began it and the newest that agreed; those between agreed as well.
    proof.event_times_ns = {state.since_ns};
    if (state.last_ns != state.since_ns) proof.event_times_ns.push_back(state.last_ns);
  }
  if (state.since_ns != no_time) proof.times.push_back({"since", state.since_ns});
  proof.explanation += patience(raised);
}

described_rule threshold_operator::explain(const twin_state::body& twin,
                                           std::int64_t now_ns) const {
  const twin_operands source(twin);
  if (const auto* alert = active(twin))
    return {name(), "threshold", "alerting",
            alert->message + "; clears" + side(false) + patience(false)};
  if (when_ && !when_->on(now_ns))
    return {name(), "threshold", "off", "outside its schedule: " + when_->text()};
  for (const auto& u : used_)
    if (!source.operand(u.id))
      return {name(), "threshold", "no data", u.name + " is not known yet"};
  const auto value = value_.evaluate(source);
  if (!value) return {name(), "threshold", "no data", value_.text() + " has no finite value"};
  return explain_wait(twin, *value);
}

described_rule threshold_operator::explain_wait(const twin_state::body& twin, double value) const {
  const auto now = value_.text() + " is " + brief(value);
  const auto fires = "fires" + side(true) + patience(true);
  const auto* state = patient_ ? static_cast<const hold_state*>(state_of(twin)) : nullptr;
  if (state == nullptr || state->since_ns == no_time)
    return {name(), "threshold", "ok", now + "; " + fires};
  const auto due = state->due_ns(hold_, true);
  if (due != never)
    return {name(), "threshold", "waiting",
            now + ", since " + format_rfc3339(state->since_ns) + "; due at " + format_rfc3339(due) +
                "; " + fires};
  const auto have = hold_.within_ns > 0 ? state->met.size() : state->count;
  return {name(), "threshold", "waiting",
          now + "; " + std::to_string(have) + " of " + std::to_string(hold_.times) + " readings; " +
              fires};
}

} // namespace pollux::domain
