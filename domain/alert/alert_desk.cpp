// SPDX-License-Identifier: Apache-2.0
#include "domain/alert/alert_desk.hpp"
#include "domain/alert/alert_rule.hpp"
#include <algorithm>
#include <cmath>

namespace pollux::domain {
namespace {

const life_cycle plain;

const life_cycle& life_of(const alert_source& source) {
  return source.life != nullptr ? *source.life : plain;
}

evidence because(std::string why) {
  evidence proof;
  proof.explanation = std::move(why);
  return proof;
}

/// The number of the evidence that severity goes by, without its sign unless it is "value".
std::optional<double> graded_by(const life_cycle& life, const evidence& proof) {
  for (const auto& n : proof.numbers)
    if (n.name == life.levels_by) return life.levels_by == "value" ? n.value : std::fabs(n.value);
  return std::nullopt;
}

} // namespace

alert_source alert_desk::source_of(const active_alert& alert) const {
  if ((alert.rule & group_rule) != 0) {
    const auto& group = twin_.rare->alerts.groups[alert.rule & ~group_rule];
    return {alert.rule, "children:" + group.name, "children", 0, alert.level, {}, nullptr};
  }
  return static_cast<const alert_rule&>(*twin_.ruling().operators[alert.rule]).source();
}

silence alert_desk::silence_of(const alert_source& source, const active_alert* alert) const {
  if (alert != nullptr && alert->snoozed_until_ns > at_.now_ns) return silence::snoozed;
  if (twin_.rare) {
    const auto& table = twin_.rare->alerts;
    if (table.shelf_of(source.name) != nullptr) return silence::shelved;
    if (!table.maintenance.empty()) return silence::maintenance;
  }
  for (const auto& plan : twin_.ruling().maintenance)
    if (plan.holds(at_.now_ns)) return silence::maintenance;
  const auto& life = life_of(source);
  if (!life.suppress_while) return silence::none;
  const auto holds = life.suppress_while->evaluate(twin_operands(twin_));
  return holds && *holds != 0 ? silence::suppressed : silence::none;
}

void alert_desk::fill(effect& e, const alert_source& source, std::int64_t event_time_ns) const {
  e.alert.rule = source.name;
  e.alert.type = source.type;
  e.alert.revision = source.revision;
  e.alert.level = source.level;
  e.alert.event_time_ns = event_time_ns;
  if (!twin_.rare || twin_.rare->alerts.parent.empty()) return;
  const auto& table = twin_.rare->alerts;
  e.alert.parent = table.parent;
  const auto& group = life_of(source).group;
  e.alert.group = group.empty() ? source.name : group;
  if ((source.rule & group_rule) == 0) return;
  const auto& gathered = table.groups[source.rule & ~group_rule];
  e.alert.group = gathered.name;
  e.alert.depth = gathered.depth;
}

effect& alert_desk::tell(active_alert& alert, alert_transition t, silence quiet,
                         std::int64_t event_time_ns, evidence proof) {
  auto& e = at_.add(effect_kind::alert);
  fill(e, source_of(alert), event_time_ns);
  e.alert.transition = t;
  e.alert.incident = alert.incident;
  e.alert.level = alert.level;
  e.alert.message = alert.message;
  e.alert.quiet = quiet;
  e.alert.proof = std::move(proof);
  ++alert.effects;
  return e;
}

effect& alert_desk::tell_of(std::string_view name, alert_transition t, std::string_view why) {
  auto& e = at_.add(effect_kind::alert);
  e.alert.transition = t;
  e.alert.incident = e.id;
  e.alert.rule = name;
  e.alert.level = severity::info;
  e.alert.event_time_ns = at_.in.ingest_time_ns;
  e.alert.message = why;
  e.alert.proof.explanation = why;
  return e;
}

bool alert_desk::note_change(active_alert& alert, const life_cycle& life) const {
  if (life.flap_changes == 0) return false;
  auto& changes = alert.changes;
  std::erase_if(changes,
                [&](std::int64_t t) { return elapsed_ns(at_.now_ns, t) >= life.flap_within_ns; });
  if (changes.size() >= life.flap_changes) changes.erase(changes.begin());
  changes.push_back(at_.now_ns);
  if (alert.flapping || changes.size() < life.flap_changes) return false;
  alert.flapping = true;
  return true;
}

bool alert_desk::may_reopen(const active_alert& alert, const life_cycle& life) const {
  if (!alert.closed) return true;
  return alert.closed_ns != no_time && life.dedup_ns > 0 && alert.room() &&
         elapsed_ns(at_.now_ns, alert.closed_ns) <= life.dedup_ns;
}

void alert_desk::raise(const alert_source& source, std::int64_t event_time_ns, evidence proof) {
  auto& table = twin_.rarely().alerts;
  const auto& life = life_of(source);
  auto* alert = table.of_rule(source.rule);
  if (alert != nullptr && alert->condition) return;
  const auto quiet = silence_of(source, alert);
  if (alert != nullptr && may_reopen(*alert, life)) {
    reopen(*alert, source, event_time_ns, std::move(proof), quiet);
  } else {
    auto changes = alert != nullptr ? std::move(alert->changes) : std::vector<std::int64_t>{};
    table.remove(source.rule);
    open(source, event_time_ns, std::move(proof), quiet, std::move(changes));
  }
  alert = table.of_rule(source.rule);
  if (note_change(*alert, life))
    tell(*alert, alert_transition::flapping, quiet, event_time_ns,
         because(std::to_string(life.flap_changes) + " changes within " +
                 format_duration(life.flap_within_ns)));
}

void alert_desk::open(const alert_source& source, std::int64_t event_time_ns, evidence proof,
                      silence quiet, std::vector<std::int64_t> changes) {
  const auto& life = life_of(source);
  const auto value = life.levels.empty() ? std::nullopt : graded_by(life, proof);
  const auto level = value ? life.level_of(*value, source.level, source.level) : source.level;
  auto& e = at_.add(effect_kind::alert);
  fill(e, source, event_time_ns);
  e.alert.transition = alert_transition::raised;
  e.alert.incident = e.id;
  e.alert.level = level;
  e.alert.message = source.message.empty() ? proof.explanation : source.message;
  e.alert.quiet = quiet;
  e.alert.proof = std::move(proof);
  active_alert alert;
  alert.incident = e.id;
  alert.rule = source.rule;
  alert.level = alert.value_level = level;
  alert.raised_event_ns = event_time_ns;
  alert.message = e.alert.message;
  alert.told = quiet == silence::none;
  alert.quiet = quiet;
  alert.ringing_ns = at_.now_ns;
  alert.changes = std::move(changes);
  twin_.rare->alerts.add(std::move(alert));
}

void alert_desk::reopen(active_alert& alert, const alert_source& source, std::int64_t event_time_ns,
                        evidence proof, silence quiet) {
  const auto& life = life_of(source);
  const bool was_over = alert.closed;
  alert.condition = true;
  alert.latched = alert.owes_clear = alert.closed = false;
  if (const auto value = life.levels.empty() ? std::nullopt : graded_by(life, proof)) {
    alert.value_level = life.level_of(*value, alert.value_level, source.level);
    alert.level = std::max(alert.value_level, alert.timed_level);
  }
  if (was_over) {
    alert.told = quiet == silence::none;
    alert.ringing_ns = at_.now_ns;
    alert.escalated = 0;
  }
  alert.quiet = quiet;
  if (!alert.flapping && alert.room())
    tell(alert, alert_transition::reopened, quiet, event_time_ns, std::move(proof));
}

void alert_desk::clear(const alert_source& source, std::int64_t event_time_ns, evidence proof) {
  if (!twin_.rare) return;
  auto* alert = twin_.rare->alerts.of_rule(source.rule);
  if (alert == nullptr || !alert->condition) return;
  const auto& life = life_of(source);
  alert->condition = false;
  if (note_change(*alert, life)) {
    tell(*alert, alert_transition::flapping, silence_of(source, alert), event_time_ns,
         std::move(proof));
    return;
  }
  if (alert->flapping) return;
  finish(*alert, source, event_time_ns, std::move(proof));
}

// The condition is gone for good, as far as anybody knows.
void alert_desk::finish(active_alert& alert, const alert_source& source, std::int64_t event_time_ns,
                        evidence proof) {
  const auto& life = life_of(source);
  const auto quiet = silence_of(source, &alert);
  if (life.latch) {
    alert.latched = true;
    if (alert.room())
      tell(alert, alert_transition::latched, quiet, event_time_ns, std::move(proof));
    return;
  }
  if (!alert.told) { // nobody has heard of it, nobody need hear that it is over
    tell(alert, alert_transition::cleared, quiet != silence::none ? quiet : alert.quiet,
         event_time_ns, std::move(proof));
    return close(alert, life);
  }
  if (quiet == silence::none || alert.room())
    tell(alert, alert_transition::cleared, quiet, event_time_ns, std::move(proof));
  if (quiet == silence::none) return close(alert, life);
  alert.owes_clear = true;
  alert.quiet = quiet;
}

void alert_desk::close(active_alert& alert, const life_cycle& life) {
  const auto rule = alert.rule;
  if (life.dedup_ns == 0 && life.flap_changes == 0) return twin_.rare->alerts.remove(rule);
  alert.condition = alert.latched = alert.flapping = alert.owes_clear = false;
  alert.snoozed_until_ns = no_time;
  alert.quiet = silence::none;
  alert.closed = true;
  alert.closed_ns = at_.now_ns;
}

void alert_desk::end(const alert_source& source, std::int64_t event_time_ns, evidence proof,
                     std::string_view by) {
  if (!twin_.rare) return;
  auto& table = twin_.rare->alerts;
  auto* alert = table.of_rule(source.rule);
  if (alert == nullptr) return;
  if (!alert->closed)
    tell(*alert, alert_transition::cleared, alert->told ? silence::none : alert->quiet,
         event_time_ns, std::move(proof))
        .alert.by = by;
  table.remove(source.rule);
}

void alert_desk::close_down(const std::string& why) {
  if (!twin_.rare) return;
  auto& table = twin_.rare->alerts;
  while (!table.all().empty()) {
    const auto source = source_of(table.all().front());
    end(source, at_.now_ns, because(why));
  }
  auto parent = std::move(table.parent);
  table = alert_table{};
}

void alert_desk::emit(const alert_source& source, std::int64_t event_time_ns, evidence proof) {
  const auto& life = life_of(source);
  const auto value = life.levels.empty() ? std::nullopt : graded_by(life, proof);
  auto& e = at_.add(effect_kind::alert);
  fill(e, source, event_time_ns);
  e.alert.transition = alert_transition::emitted;
  e.alert.incident = e.id;
  if (value) e.alert.level = life.level_of(*value, source.level, source.level);
  e.alert.message = source.message.empty() ? proof.explanation : source.message;
  e.alert.quiet = silence_of(source, nullptr);
  e.alert.proof = std::move(proof);
}

void alert_desk::grade(const alert_source& source, std::int64_t event_time_ns, evidence proof) {
  const auto& life = life_of(source);
  if (!twin_.rare || life.levels.empty()) return;
  auto* alert = twin_.rare->alerts.of_rule(source.rule);
  if (alert == nullptr || !alert->condition) return;
  const auto value = graded_by(life, proof);
  if (!value) return;
  alert->value_level = life.level_of(*value, alert->value_level, source.level);
  set_level(*alert, event_time_ns, std::move(proof));
}

void alert_desk::set_level(active_alert& alert, std::int64_t event_time_ns, evidence proof) {
  const auto level = std::max(alert.value_level, alert.timed_level);
  if (level == alert.level) return;
  alert.level = level;
  if (alert.flapping || !alert.room()) return;
  tell(alert, alert_transition::severity_changed, silence_of(source_of(alert), &alert),
       event_time_ns, std::move(proof));
}

} // namespace pollux::domain
