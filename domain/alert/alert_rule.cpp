// SPDX-License-Identifier: Apache-2.0
#include "domain/alert/alert_rule.hpp"
#include "domain/alert/verdict_notes.hpp"
#include "domain/model/config_node.hpp"

namespace pollux::domain {

const active_alert* alert_rule::active(const twin_state::body& twin) const noexcept {
  if (!twin.rare) return nullptr;
  const auto* alert = std::as_const(twin.rare->alerts).of_rule(index());
  return alert != nullptr && alert->condition ? alert : nullptr;
}

alert_source alert_rule::source() const {
  return {index(),  name(),     std::string(identity().type), identity().revision, level_,
          message_, life_.get()};
}

void alert_rule::raise(step_context& at, std::int64_t event_time_ns, evidence proof) const {
  if (active(at.twin) == nullptr)
    decide(at, alert_transition::raised, event_time_ns, std::move(proof));
}

void alert_rule::clear(step_context& at, std::int64_t event_time_ns, evidence proof) const {
  if (active(at.twin) != nullptr)
    decide(at, alert_transition::cleared, event_time_ns, std::move(proof));
}

void alert_rule::emit(step_context& at, std::int64_t event_time_ns, evidence proof) const {
  decide(at, alert_transition::emitted, event_time_ns, std::move(proof));
}

void alert_rule::decide(step_context& at, alert_transition t, std::int64_t event_time_ns,
                        evidence proof) const {
  told_verdict note;
  const bool noted = noting(at, index());
  if (noted) {
    note.rule = index();
    note.transition = t;
    note.level = level_;
    note.event_time_ns = event_time_ns;
    note.digest = digest_of(event_time_ns, proof);
    note.incident = {at.in.id, at.ordinal};
    if (t == alert_transition::cleared) note.incident = active(at.twin)->incident;
  }
  if (at.rerun)
    say_again(at, source(), t, event_time_ns, std::move(proof));
  else if (t == alert_transition::raised)
    alert_desk(at).raise(source(), event_time_ns, std::move(proof));
  else if (t == alert_transition::cleared)
    alert_desk(at).clear(source(), event_time_ns, std::move(proof));
  else
    alert_desk(at).emit(source(), event_time_ns, std::move(proof));
  if (!noted) return;
  if (t == alert_transition::raised) note.incident = active(at.twin)->incident; // perhaps reopened
  at.verdicts->push_back(note);
}

void alert_rule::grade(step_context& at, std::int64_t event_time_ns, evidence proof) const {
  if (active(at.twin) != nullptr && !at.rerun)
    alert_desk(at).grade(source(), event_time_ns, std::move(proof));
}

void alert_rule::withdraw(step_context& at, std::string why) const {
  evidence proof;
  proof.explanation = std::move(why);
  alert_desk(at).end(source(), at.now_ns, std::move(proof));
}

alert_keys read_alert_keys(object_reader& in) {
  const auto level = in.choice_or("severity", {"info", "warning", "critical"}, 1);
  return {static_cast<severity>(level + 1), in.text_or("message", "")};
}

} // namespace pollux::domain
