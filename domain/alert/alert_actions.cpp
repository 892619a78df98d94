// SPDX-License-Identifier: Apache-2.0
#include "domain/alert/alert_actions.hpp"
#include "domain/alert/alert_desk.hpp"
#include "domain/alert/alert_rule.hpp"
#include <algorithm>

namespace pollux::domain {
namespace {

std::string clipped(std::string_view text) { return std::string(text.substr(0, max_text_bytes)); }

evidence because(std::string_view why) {
  evidence proof;
  proof.explanation = clipped(why);
  return proof;
}

// Tells two comments apart; FNV-1a, which needs no library.
std::uint64_t digest(std::string_view by, std::string_view text) noexcept {
  std::uint64_t h = 14695981039346656037ULL;
  const auto mix = [&](std::string_view part) {
    for (const char c : part) h = (h ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    h = (h ^ 0xff) * 1099511628211ULL;
  };
  mix(by);
  mix(text);
  return h;
}

class action {
public:
  explicit action(step_context& at) : at_(at), desk_(at) {}

  void acknowledge() {
    auto* alert = named_incident();
    if (alert == nullptr || alert->acknowledged) return;
    alert->acknowledged = true;
    alert->by = clipped(at_.in.by);
    tell(*alert, alert_transition::acknowledged);
  }

  void run() {
    switch (at_.in.verb) {
    case alert_verb::clear: return end(false);
    case alert_verb::reset: return end(true);
    case alert_verb::snooze: return snooze();
    case alert_verb::shelve: return shelve();
    case alert_verb::unshelve: return unshelve();
    case alert_verb::assign: return assign();
    case alert_verb::comment: return comment();
    case alert_verb::start_maintenance: return start_maintenance();
    case alert_verb::stop_maintenance: return stop_maintenance();
    case alert_verb::none: break;
    }
    at_.fault("an action on an alert that this release does not know");
  }

private:
  active_alert* named_incident() {
    effect_id incident;
    active_alert* alert = nullptr;
    if (parse_effect_id(at_.in.incident, incident) && at_.twin.rare)
      alert = at_.twin.rare->alerts.of_incident(incident);
    if (alert == nullptr)
      at_.fault("no active alert has the incident " + std::string(at_.in.incident.substr(0, 64)));
    return alert;
  }

  effect& tell(active_alert& alert, alert_transition t) {
    auto& e = desk_.tell(alert, t, silence::none, at_.in.ingest_time_ns, because(at_.in.detail));
    e.alert.by = clipped(at_.in.by);
    return e;
  }

  // Comments and the like; an incident that has been told of two hundred times says no more.
  bool has_room(const active_alert& alert) {
    if (alert.room()) return true;
    at_.fault("incident " + to_string(alert.incident) + " has no room for more");
    return false;
  }

  bool is_ahead() {
    if (at_.in.expires_at_ns > at_.now_ns && at_.in.expires_at_ns != never) return true;
    at_.fault("the end of a silence must lie ahead");
    return false;
  }

  void end(bool only_latched) {
    auto* alert = named_incident();
    if (alert == nullptr) return;
    if (only_latched && !alert->latched) {
      at_.fault("incident " + to_string(alert->incident) +
                (alert->condition ? " cannot be reset: its condition still holds"
                                  : " cannot be reset: it is not latched"));
      return;
    }
    desk_.end(desk_.source_of(*alert), at_.in.ingest_time_ns, because(at_.in.detail),
              clipped(at_.in.by));
  }

  void snooze() {
    auto* alert = named_incident();
    if (alert == nullptr || !is_ahead() || alert->snoozed_until_ns == at_.in.expires_at_ns ||
        !has_room(*alert))
      return;
    alert->snoozed_until_ns = at_.in.expires_at_ns;
    tell(*alert, alert_transition::snoozed).alert.until_ns = at_.in.expires_at_ns;
  }

  void assign() {
    auto* alert = named_incident();
    if (alert == nullptr || alert->assignee == clipped(at_.in.detail) || !has_room(*alert)) return;
    alert->assignee = clipped(at_.in.detail);
    auto& e = tell(*alert, alert_transition::assigned);
    e.alert.to = alert->assignee;
    e.alert.proof.explanation.clear();
  }

  void comment() {
    auto* alert = named_incident();
    if (alert == nullptr) return;
    const auto what = digest(at_.in.by, at_.in.detail);
    if (alert->last_comment == what || !has_room(*alert)) return;
    alert->last_comment = what;
    tell(*alert, alert_transition::commented);
  }

  // The rule by its name, or by its incident.
  std::string named_rule() {
    if (!at_.in.rule.empty()) {
      const auto* op = at_.twin.ruling().find_operator(at_.in.rule);
      if (dynamic_cast<const alert_rule*>(op) != nullptr) return op->name();
      at_.fault("no rule " + std::string(at_.in.rule.substr(0, 128)));
      return {};
    }
    const auto* alert = named_incident();
    return alert != nullptr ? desk_.source_of(*alert).name : std::string{};
  }

  active_alert* open_alert_of(const std::string& rule) {
    if (!at_.twin.rare) return nullptr;
    for (auto& a : at_.twin.rare->alerts.all())
      if (a.open() && desk_.source_of(a).name == rule) return &a;
    return nullptr;
  }

  void shelve() {
    const auto rule = named_rule();
    if (rule.empty() || !is_ahead()) return;
    auto& shelves = at_.twin.rarely().alerts.shelves;
    auto known = std::find_if(shelves.begin(), shelves.end(),
                              [&](const shelf& s) { return s.rule == rule; });
    if (known != shelves.end() && known->until_ns == at_.in.expires_at_ns) return;
    if (known == shelves.end()) {
      if (shelves.size() >= max_shelves) return at_.fault("256 rules are shelved already");
      known = shelves.insert(shelves.end(), shelf{});
      known->rule = rule;
    }
    known->until_ns = at_.in.expires_at_ns;
    known->by = clipped(at_.in.by);
    known->reason = clipped(at_.in.detail);
    auto* alert = open_alert_of(rule);
    auto& e = alert != nullptr ? tell(*alert, alert_transition::shelved)
                               : tell_of(rule, alert_transition::shelved);
    if (alert == nullptr && known->incident != effect_id{}) e.alert.incident = known->incident;
    e.alert.until_ns = known->until_ns;
    known->incident = e.alert.incident;
  }

  void unshelve() {
    const auto rule = named_rule();
    if (rule.empty() || !at_.twin.rare) return;
    auto& shelves = at_.twin.rare->alerts.shelves;
    const auto known = std::find_if(shelves.begin(), shelves.end(),
                                    [&](const shelf& s) { return s.rule == rule; });
    if (known == shelves.end()) return;
    tell_of(rule, alert_transition::unshelved).alert.incident = known->incident;
    shelves.erase(known);
  }

  effect& tell_of(const std::string& name, alert_transition t) {
    auto& e = desk_.tell_of(name, t, clipped(at_.in.detail));
    e.alert.by = clipped(at_.in.by);
    return e;
  }

  void start_maintenance() {
    if (!is_ahead()) return;
    auto& windows = at_.twin.rarely().alerts.maintenance;
    for (const auto& w : windows)
      if (w.until_ns == at_.in.expires_at_ns && w.reason == clipped(at_.in.detail)) return;
    if (windows.size() >= max_maintenance_windows)
      return at_.fault("16 maintenance windows are open already");
    auto& e = tell_of("maintenance", alert_transition::maintenance_started);
    e.alert.until_ns = at_.in.expires_at_ns;
    windows.push_back({e.id, at_.in.expires_at_ns, e.alert.by, clipped(at_.in.detail)});
  }

  void stop_maintenance() {
    if (!at_.twin.rare) return;
    effect_id wanted;
    const bool one = parse_effect_id(at_.in.incident, wanted);
    if (!one && !at_.in.incident.empty())
      return at_.fault("no maintenance " + std::string(at_.in.incident.substr(0, 64)));
    std::erase_if(at_.twin.rare->alerts.maintenance, [&](const maintenance_window& w) {
      if (one && w.id != wanted) return false;
      tell_of("maintenance", alert_transition::maintenance_ended).alert.incident = w.id;
      return true;
    });
  }

  step_context& at_;
  alert_desk desk_;
};

} // namespace

void acknowledge_alert(step_context& at) { action(at).acknowledge(); }

void act_on_alert(step_context& at) {
  if (at.twin.deleted) return at.fault("the twin is deleted");
  action(at).run();
}

void change_parent(step_context& at) {
  if (at.twin.deleted) return;
  if (at.in.rule == at.twin.id) return at.fault("a twin cannot be its own parent");
  if (at.in.rule.empty() && !at.twin.rare) return;
  at.twin.rarely().alerts.parent = at.in.rule.substr(0, 300);
}

} // namespace pollux::domain
