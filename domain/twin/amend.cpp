// SPDX-License-Identifier: Apache-2.0
#include "domain/twin/amend.hpp"
#include "domain/alert/alert_desk.hpp"
#include "domain/alert/alert_rule.hpp"
#include <algorithm>
#include <map>
#include <tuple>

namespace pollux::domain {
namespace {

// What one incident went through in the stretch: indices into the verdicts, in order.
struct story {
  effect_id incident;
  std::vector<std::size_t> steps;
  bool matched = false;
};

bool begins(const told_verdict& v) { return v.transition != alert_transition::cleared; }

std::vector<story> stories_of(const std::vector<told_verdict>& verdicts) {
  std::vector<story> all;
  std::map<effect_id, std::size_t> known;
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    const auto [place, fresh] = known.emplace(verdicts[i].incident, all.size());
    if (fresh || begins(verdicts[i])) { // a reopened incident is a story of its own
      place->second = all.size();
      all.push_back({verdicts[i].incident, {}, false});
    }
    all[place->second].steps.push_back(i);
  }
  return all;
}

bool same(const told_verdict& a, const told_verdict& b) {
  return a.transition == b.transition && a.event_time_ns == b.event_time_ns && a.digest == b.digest;
}

class amendment {
public:
  amendment(step_context& at, std::vector<told_verdict> before, rerun_findings found, bool late)
      : at_(at), twin_(at.twin), line_(*at.twin.line), before_(std::move(before)),
        found_(std::move(found)), late_(late), old_(stories_of(before_)),
        new_(stories_of(found_.verdicts)) {}
  void run();

private:
  void match();
  void match_by_time();
  void match_by_overlap();
  [[nodiscard]] bool came_back(const story& s) const;
  [[nodiscard]] bool goes_on(const active_alert& now) const;
  void retract(const story& gone);
  void tell(const story& now, const story* told);
  void tell_further(const story& now, std::size_t step);
  void correct(const story& now, const effect_id& incident);
  void say(alert_effect what, alert_transition t, const effect_id& incident);
  void say_end(const story& now, std::size_t step, const effect_id& incident);
  void reconcile_alerts();
  void say_what_stands(std::size_t first);
  void rename_incidents();
  [[nodiscard]] effect_id final_id(const effect_id& id) const;
  [[nodiscard]] const alert_rule& rule_of(std::uint32_t index) const {
    return static_cast<const alert_rule&>(*twin_.ruling().operators[index]);
  }
  [[nodiscard]] const told_verdict& verdict(const story& s, std::size_t step) const {
    return found_.verdicts[s.steps[step]];
  }
  [[nodiscard]] const active_alert* ends_active(const effect_id& incident) const;

  step_context& at_;
  twin_state::body& twin_;
  timeline& line_;
  std::vector<told_verdict> before_;
  rerun_findings found_;
  bool late_;
  std::vector<story> old_, new_;
  std::vector<const story*> told_as_;    ///< per new story: the old one it is, or nullptr
  std::map<effect_id, effect_id> names_; ///< provisional -> final
};

void amendment::run() {
  match();
  const auto first = at_.out.size();
  for (const auto& s : old_)
    if (!s.matched && begins(before_[s.steps.front()])) retract(s);
  for (std::size_t i = 0; i < new_.size(); ++i) tell(new_[i], told_as_[i]);
  // An incident from before the stretch that was cleared in it, and now nothing happens to it.
  for (const auto& s : old_)
    if (!s.matched && !begins(before_[s.steps.front()]))
      correct({s.incident, {}, true}, s.incident);
  reconcile_alerts();
  say_what_stands(first);
  rename_incidents();
  for (auto i = first; i < at_.out.size(); ++i)
    if (at_.out[i].kind == effect_kind::alert) at_.out[i].alert.late = late_;
}

void amendment::match() {
  told_as_.assign(new_.size(), nullptr);
  for (std::size_t i = 0; i < new_.size(); ++i) {
    if ((new_[i].incident.ordinal & provisional) != 0) continue;
    for (auto& s : old_)
      if (s.incident == new_[i].incident && !begins(before_[s.steps.front()])) {
        told_as_[i] = &s; // it was there before the stretch: how it ended, not how it came back
        s.matched = true;
      }
  }
  match_by_time();
  match_by_overlap();
  for (std::size_t i = 0; i < new_.size(); ++i)
    if (told_as_[i] != nullptr) names_[new_[i].incident] = told_as_[i]->incident;
}

// The same rule began at the same event time.
void amendment::match_by_time() {
  using key = std::tuple<std::uint32_t, alert_transition, std::int64_t>;
  std::multimap<key, story*> begun;
  for (auto& s : old_) {
    const auto& v = before_[s.steps.front()];
    if (!s.matched && begins(v)) begun.emplace(key{v.rule, v.transition, v.event_time_ns}, &s);
  }
  for (std::size_t i = 0; i < new_.size(); ++i) {
    const auto& v = verdict(new_[i], 0);
    if (told_as_[i] != nullptr || !begins(v)) continue;
    const auto found = begun.find({v.rule, v.transition, v.event_time_ns});
    if (found == begun.end()) continue;
    told_as_[i] = found->second;
    found->second->matched = true;
    begun.erase(found);
  }
}

// The same rule was raised over a common stretch of time: one incident whose beginning moved.
void amendment::match_by_overlap() {
  const auto end_of = [](const std::vector<told_verdict>& v, const story& s) {
    const auto& last = v[s.steps.back()];
    return last.transition == alert_transition::cleared ? last.event_time_ns : never;
  };
  for (std::size_t i = 0; i < new_.size(); ++i) {
    const auto& now = verdict(new_[i], 0);
    if (told_as_[i] != nullptr || now.transition != alert_transition::raised) continue;
    const auto end = end_of(found_.verdicts, new_[i]);
    for (auto& s : old_) {
      const auto& was = before_[s.steps.front()];
      if (s.matched || was.rule != now.rule || was.transition != alert_transition::raised) continue;
      if (was.event_time_ns > end || now.event_time_ns > end_of(before_, s)) continue;
      told_as_[i] = &s;
      s.matched = true;
      break;
    }
  }
}

void amendment::say(alert_effect what, alert_transition t, const effect_id& incident) {
  auto& e = at_.add(effect_kind::alert);
  e.alert = std::move(what);
  e.alert.transition = t;
  e.alert.incident = incident;
}

// An incident that had come back goes to where it was before that: over, or waiting for a reset.
void amendment::retract(const story& gone) {
  const auto& was = before_[gone.steps.front()];
  const auto source = rule_of(was.rule).source();
  const std::string why = "with the readings that came since, there was no reason for it";
  if (came_back(gone)) {
    const auto* alert = std::as_const(twin_.rarely().alerts).of_rule(was.rule);
    if (alert == nullptr || alert->incident != gone.incident || gone.steps.size() > 1) return;
    evidence proof;
    proof.explanation = why;
    return alert_desk(at_).clear(source, was.event_time_ns, std::move(proof));
  }
  alert_effect what;
  what.rule = source.name;
  what.type = source.type;
  what.revision = source.revision;
  what.level = was.level;
  what.event_time_ns = was.event_time_ns;
  what.message = source.message;
  what.proof.explanation = why;
  if (what.message.empty()) what.message = what.proof.explanation;
  say(std::move(what), alert_transition::retracted, gone.incident);
  if (!twin_.rare) return;
  auto& table = twin_.rare->alerts;
  const auto* alert = std::as_const(table).of_rule(was.rule);
  if (alert != nullptr && alert->incident == gone.incident) table.remove(was.rule);
}

// Whether the story is a later turn of an incident that was raised before it.
bool amendment::came_back(const story& s) const {
  for (const auto& other : old_)
    if (&other != &s && other.incident == s.incident &&
        before_[other.steps.front()].place_ns < before_[s.steps.front()].place_ns)
      return true;
  if (!twin_.rare) return false;
  const auto& was = before_[s.steps.front()];
  const auto* alert = std::as_const(twin_.rare->alerts).of_rule(was.rule);
  return alert != nullptr && alert->incident == s.incident &&
         alert->raised_event_ns < was.event_time_ns;
}

// Whether what is active now is a later turn of an incident.
bool amendment::goes_on(const active_alert& now) const {
  for (std::size_t i = 0; i < new_.size(); ++i)
    if (new_[i].incident == now.incident && told_as_[i] != nullptr && came_back(*told_as_[i]))
      return true;
  return false;
}

const active_alert* amendment::ends_active(const effect_id& incident) const {
  for (const auto& a : found_.alerts)
    if (a.incident == incident) return &a;
  return nullptr;
}

void amendment::tell(const story& now, const story* told) {
  std::size_t common = 0;
  const auto was = told != nullptr ? told->steps.size() : 0;
  while (common < was && common < now.steps.size() &&
         same(before_[told->steps[common]], verdict(now, common)))
    ++common;
  if (common == was) {
    for (auto step = common; step < now.steps.size(); ++step) tell_further(now, step);
    return;
  }
  if (common + 1 == was && common + 1 == now.steps.size() && common > 0)
    return say_end(now, common, told->incident);
  if (common == 0 && was == 1 && now.steps.size() == 1 && !begins(verdict(now, 0)))
    return say_end(now, 0, told->incident);
  correct(now, told->incident);
}

// A verdict nobody has heard of: through the life of alerts where it changes what holds now.
void amendment::tell_further(const story& now, std::size_t step) {
  const auto& v = verdict(now, step);
  auto& what = found_.told[now.steps[step]].alert;
  const auto& rule = rule_of(v.rule);
  alert_desk desk(at_);
  const auto* real = rule.active(twin_);
  if (v.transition == alert_transition::emitted) {
    names_[now.incident] = {at_.in.id, at_.ordinal};
    return desk.emit(rule.source(), v.event_time_ns, std::move(what.proof));
  }
  if (v.transition == alert_transition::raised) {
    if (ends_active(now.incident) != nullptr && real == nullptr) {
      desk.raise(rule.source(), v.event_time_ns, std::move(what.proof));
      names_[now.incident] = rule.active(twin_)->incident;
      return;
    }
    const effect_id fresh{at_.in.id, at_.ordinal}; // it is over by now
    names_[now.incident] = fresh;
    return say(std::move(what), alert_transition::raised, fresh);
  }
  say_end(now, step, final_id(now.incident));
}

// A clearing: through the life of alerts, where it ends what holds now.
void amendment::say_end(const story& now, std::size_t step, const effect_id& incident) {
  const auto& v = verdict(now, step);
  auto& what = found_.told[now.steps[step]].alert;
  auto* open = twin_.rare ? twin_.rare->alerts.of_incident(incident) : nullptr;
  const bool stands =
      std::any_of(found_.alerts.begin(), found_.alerts.end(),
                  [&](const active_alert& a) { return final_id(a.incident) == incident; });
  if (open != nullptr && open->condition && !stands) {
    open->message = what.message;
    return alert_desk(at_).clear(rule_of(v.rule).source(), v.event_time_ns, std::move(what.proof));
  }
  if (open != nullptr && open->flapping && !stands) return; // its changes are not told
  say(std::move(what),
      open != nullptr && open->latched ? alert_transition::latched : alert_transition::cleared,
      incident);
}

// The incident begins anew as it is seen now: with what raised it, where that lies in the stretch.
void amendment::correct(const story& now, const effect_id& incident) {
  std::size_t step = 0;
  if (!now.steps.empty() && begins(verdict(now, 0))) {
    say(std::move(found_.told[now.steps[step++]].alert), alert_transition::corrected, incident);
  } else if (const auto* alert = ends_active(incident)) {
    const auto source = rule_of(alert->rule).source();
    alert_effect what; // no numbers: the evidence of its raising stands
    what.rule = source.name;
    what.type = source.type;
    what.revision = source.revision;
    what.level = alert->level;
    what.event_time_ns = alert->raised_event_ns;
    what.message = alert->message;
    what.proof.explanation = "with the readings that came since, it has not cleared";
    say(std::move(what), alert_transition::corrected, incident);
  }
  for (; step < now.steps.size(); ++step) say_end(now, step, incident);
}

effect_id amendment::final_id(const effect_id& id) const {
  const auto known = names_.find(id);
  return known == names_.end() ? id : known->second;
}

// What a rule believes to be active is what the re-run ended with; what people made of it stays.
void amendment::reconcile_alerts() {
  const auto& live = twin_.ruling().by_time.live;
  if (twin_.rare) {
    auto& all = twin_.rare->alerts.all();
    std::erase_if(all, [&](active_alert& a) {
      if (!a.condition || a.rule >= live.size() || live[a.rule]) return false;
      for (const auto& now : found_.alerts) {
        if (now.rule != a.rule || final_id(now.incident) != a.incident) continue;
        if (!goes_on(now)) a.raised_event_ns = now.raised_event_ns;
        a.message = now.message;
        return false;
      }
      return true;
    });
  }
  for (auto& now : found_.alerts) {
    if (rule_of(now.rule).active(twin_) != nullptr) continue;
    auto& table = twin_.rarely().alerts;
    auto alert = now;
    alert.incident = final_id(now.incident);
    alert.value_level = alert.level;
    alert.ringing_ns = at_.now_ns;
    for (const auto& t : line_.touched)
      if (t.incident == alert.incident) {
        alert.acknowledged = t.acknowledged;
        alert.by = t.by;
      }
    table.remove(now.rule);
    table.add(std::move(alert));
  }
}

// The last word on an incident is what it is now. Of one that has several turns (latched, reopened)
// a late reading may have changed an earlier one, and what a person ended stays ended.
void amendment::say_what_stands(std::size_t first) {
  std::map<effect_id, std::size_t> last;
  for (auto i = first; i < at_.out.size(); ++i)
    if (at_.out[i].kind == effect_kind::alert) last[at_.out[i].alert.incident] = i;
  for (const auto* verdicts : {&before_, &found_.verdicts})
    for (const auto& v : *verdicts)
      if (v.transition == alert_transition::emitted) last.erase(final_id(v.incident));
  for (const auto& [incident, i] : last) {
    const auto said = at_.out[i].alert.transition;
    const bool over = said == alert_transition::cleared || said == alert_transition::retracted;
    auto* alert = twin_.rare ? twin_.rare->alerts.of_incident(incident) : nullptr;
    alert_desk desk(at_);
    evidence proof;
    if (alert != nullptr && over) {
      proof.explanation = "with the readings that came since, it is as before";
      desk.tell(*alert, alert->latched ? alert_transition::latched : alert_transition::reopened,
                desk.silence_of(desk.source_of(*alert), alert), alert->raised_event_ns,
                std::move(proof));
    } else if (alert == nullptr && !over) {
      alert_effect what = at_.out[i].alert;
      what.proof = {};
      what.proof.explanation = "it had been ended before, and stays so";
      say(std::move(what), alert_transition::cleared, incident);
    }
  }
}

void amendment::rename_incidents() {
  for (auto& v : found_.verdicts) {
    v.incident = final_id(v.incident);
    line_.told.push_back(v);
  }
  for (auto& c : line_.checkpoints)
    for (auto& a : c.alerts) a.incident = final_id(a.incident);
}

} // namespace

void amend(step_context& at, std::vector<told_verdict> before, rerun_findings found, bool late) {
  amendment(at, std::move(before), std::move(found), late).run();
}

} // namespace pollux::domain
