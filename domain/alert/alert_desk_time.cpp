// SPDX-License-Identifier: Apache-2.0
// What time does to alerts: silences end, flapping settles, nobody acknowledges.
#include "domain/alert/alert_desk.hpp"
#include "domain/alert/alert_rule.hpp"
#include <algorithm>

namespace pollux::domain {
namespace {

evidence because(std::string why) {
  evidence proof;
  proof.explanation = std::move(why);
  return proof;
}

// Whether time works on it: published, true, and nobody has taken notice.
bool rings(const active_alert& a) noexcept {
  return a.open() && !a.acknowledged && a.told && a.quiet == silence::none &&
         (a.condition || a.latched);
}

const life_cycle* life_at(const twin_state::body& twin, const active_alert& a) {
  if ((a.rule & group_rule) != 0) return nullptr;
  return static_cast<const alert_rule&>(*twin.ruling().operators[a.rule]).life();
}

std::int64_t due_of(const active_alert& a, const life_cycle* life) {
  std::int64_t due = never;
  const auto at = [&](std::int64_t from, std::int64_t after) {
    due = std::min(due, saturating_add(from, after));
  };
  if (a.snoozed_until_ns != no_time) due = a.snoozed_until_ns;
  if (life == nullptr) return due;
  if (a.flapping && !a.changes.empty()) at(a.changes.back(), life->flap_within_ns);
  if (!rings(a)) return due;
  for (const auto& step : life->escalate)
    if (step.level > a.timed_level) at(a.ringing_ns, step.after_ns);
  if (a.escalated < life->escalation.size())
    at(a.ringing_ns, life->escalation[a.escalated].after_ns);
  return due;
}

// Whether a look at each incident may find anything. An alert that simply stands is looked at with
// every reading of its twin, so this must cost nothing.
bool may_change(const twin_state::body& twin) {
  const auto& table = twin.rare->alerts;
  if (table.all().empty()) return false;
  if (!table.shelves.empty() || !table.maintenance.empty() || !twin.ruling().maintenance.empty())
    return true;
  return std::any_of(table.all().begin(), table.all().end(), [&](const active_alert& a) {
    if (a.closed || a.flapping || a.quiet != silence::none || a.snoozed_until_ns != no_time)
      return true;
    const auto* life = life_at(twin, a);
    return life != nullptr && life->suppress_while.has_value();
  });
}

// An operator who looks at rule numbers while incidents go and come needs a list that stays.
std::vector<std::uint32_t> rules_of(const alert_table& table) {
  std::vector<std::uint32_t> rules;
  for (const auto& a : table.all()) rules.push_back(a.rule);
  return rules;
}

} // namespace

std::int64_t next_alert_due_ns(const twin_state::body& twin) {
  if (!twin.rare) return never;
  const auto& table = twin.rare->alerts;
  std::int64_t due = never;
  for (const auto& s : table.shelves) due = std::min(due, s.until_ns);
  for (const auto& w : table.maintenance) due = std::min(due, w.until_ns);
  bool waiting = false; // for a planned maintenance to begin or end
  for (const auto& a : table.all()) {
    if (a.closed) continue;
    waiting = true;
    due = std::min(due, due_of(a, life_at(twin, a)));
  }
  if (waiting)
    for (const auto& plan : twin.ruling().maintenance)
      due = std::min(due, plan.next_change_ns(twin.last_ingest_ns));
  return due;
}

void alert_desk::fall_due() {
  const auto due_ns = next_alert_due_ns(twin_); // nearly always in the future
  if (due_ns == never || due_ns > at_.now_ns) return;
  expire_silences();
  look_around();
  for (const auto rule : rules_of(twin_.rare->alerts)) {
    auto* alert = twin_.rare->alerts.of_rule(rule);
    if (alert == nullptr || alert->closed) continue;
    const auto source = source_of(*alert);
    if (source.life == nullptr) continue;
    if (alert->flapping && !alert->changes.empty() &&
        saturating_add(alert->changes.back(), source.life->flap_within_ns) <= at_.now_ns)
      settle(*alert, source);
    else
      climb(*alert, *source.life);
  }
}

void alert_desk::expire_silences() {
  auto& table = twin_.rare->alerts;
  for (auto& a : table.all())
    if (a.snoozed_until_ns <= at_.now_ns) a.snoozed_until_ns = no_time;
  std::erase_if(table.shelves, [&](const shelf& s) {
    if (s.until_ns > at_.now_ns) return false;
    tell_of(s.rule, alert_transition::unshelved, "its time is over").alert.incident = s.incident;
    return true;
  });
  std::erase_if(table.maintenance, [&](const maintenance_window& w) {
    if (w.until_ns > at_.now_ns) return false;
    tell_of("maintenance", alert_transition::maintenance_ended, "its time is over").alert.incident =
        w.id;
    return true;
  });
}

void alert_desk::look_around() {
  if (!twin_.rare || !may_change(twin_)) return;
  auto& table = twin_.rare->alerts;
  for (const auto rule : rules_of(table)) {
    auto* alert = table.of_rule(rule);
    const auto source = source_of(*alert);
    if (alert->closed) {
      const auto* life = source.life;
      const auto kept = life == nullptr ? 0 : std::max(life->dedup_ns, life->flap_within_ns);
      if (elapsed_ns(at_.now_ns, alert->closed_ns) > kept) table.remove(rule);
      continue;
    }
    if (alert->flapping && (source.life == nullptr || source.life->flap_changes == 0)) {
      settle(*alert, source); // a new model no longer looks for it
      if ((alert = table.of_rule(rule)) == nullptr || alert->closed) continue;
    }
    const auto quiet = silence_of(source, alert);
    if (quiet == alert->quiet) continue;
    const auto was = alert->quiet;
    alert->quiet = quiet;
    if (quiet == silence::none)
      end_silence(*alert, source, was);
    else if (was == silence::none && quiet == silence::suppressed && alert->open())
      tell(*alert, alert_transition::suppressed, silence::none, at_.now_ns,
           because(source.life->suppress_while->text() + " is true"));
  }
}

void alert_desk::end_silence(active_alert& alert, const alert_source& source, silence was) {
  const auto why = std::string("no longer ") + to_string(was);
  if (alert.open()) {
    alert.told = true;
    alert.ringing_ns = at_.now_ns;
    alert.escalated = 0;
    tell(alert, alert_transition::raised, silence::none, at_.now_ns,
         because(why + (alert.condition ? ", and still true" : ", and not reset")));
  } else if (alert.owes_clear) {
    tell(alert, alert_transition::cleared, silence::none, at_.now_ns,
         because(why + "; it had cleared meanwhile"));
    static const life_cycle plain;
    close(alert, source.life != nullptr ? *source.life : plain);
  }
}

void alert_desk::settle(active_alert& alert, const alert_source& source) {
  alert.flapping = false;
  alert.changes.clear();
  const bool watched = source.life != nullptr && source.life->flap_changes != 0;
  const auto why = watched ? "no change for " + format_duration(source.life->flap_within_ns)
                           : std::string("the rule no longer looks for flapping");
  tell(alert, alert_transition::settled, silence_of(source, &alert), at_.now_ns, because(why));
  if (!alert.condition) finish(alert, source, at_.now_ns, because(why));
}

void alert_desk::climb(active_alert& alert, const life_cycle& life) {
  if (!rings(alert)) return;
  const auto age_ns = elapsed_ns(at_.now_ns, alert.ringing_ns);
  for (const auto& step : life.escalate)
    if (step.after_ns <= age_ns && step.level > alert.timed_level) {
      alert.timed_level = step.level;
      set_level(alert, at_.now_ns,
                because("not acknowledged for " + format_duration(step.after_ns)));
    }
  while (alert.escalated < life.escalation.size() &&
         life.escalation[alert.escalated].after_ns <= age_ns) {
    const auto& step = life.escalation[alert.escalated++];
    tell(alert, alert_transition::escalated, silence::none, at_.now_ns,
         because("not acknowledged for " + format_duration(step.after_ns)))
        .alert.to = step.to;
  }
}

} // namespace pollux::domain
