// SPDX-License-Identifier: Apache-2.0
// A machine's life, input by input, and what it did to its alerts.
#include "domain/audit/plain_machine.hpp"
#include "domain/base/time.hpp"
#include <algorithm>
#include <cmath>

namespace pollux::domain::audit {
namespace {

struct told_move {
  std::string what, alert; // raise, clear, emit
  input_id cause;
  std::int64_t event_ns = 0;
  std::map<std::string, double> numbers;
  std::map<std::string, std::int64_t> times;
};

bool names_alert(const config_node& node, const std::string& alert) {
  for (const auto& [name, value] : node.members) {
    const bool moves = name == "alert" || name == "raise" || name == "clear" || name == "emit";
    if ((moves && value.text == alert) || names_alert(value, alert)) return true;
  }
  return false;
}

class machine_walk {
public:
  machine_walk(const config_node& machine, machine_world& world, std::set<std::string>& active,
               std::vector<told_move>& told)
      : machine_(machine), world_(world), active_(active), told_(told), terms_(machine, world),
        batch_(text_of(machine, "evaluation", "serial") == "batch"),
        grace_(duration_of(machine, "restart_grace", 60 * ns_per_s)) {
    notice(machine);
  }

  void at(const moment& m) { moment_ = m; }

  // Timers that are due by now, in the order they were due.
  void fall_due() {
    if (state_.empty()) return;
    for (std::size_t n = all_of("timers").size(); n > 0; --n) {
      std::string next;
      for (const auto& [none, t] : all_of("timers")) {
        const auto name = text_of(t, "name", "");
        if (due_of(name) != never && (next.empty() || due_of(name) < due_of(next))) next = name;
      }
      if (next.empty() || due_of(next) > moment_.now_ns) return;
      auto& t = terms_.timers[next];
      t.elapsed = true;
      t.due_ns = t.set_ns = no_time;
      world_.by_timer = true;
      world_.fresh.clear();
      reading_.reset();
      round();
      world_.by_timer = false;
    }
  }

  void look_at(const row& r) {
    const bool concerned =
        terms_.any_reading || terms_.named.empty() ||
        std::any_of(terms_.named.begin(), terms_.named.end(),
                    [&](const auto& name) { return world_.fresh.contains(name); });
    if (!concerned) return;
    reading_ = r.event_ns;
    if (state_.empty()) {
      before_ = after_ = text_of(machine_, "initial", "");
      for (const auto& alert : moved_)
        if (active_.contains(alert)) move("clear", alert, nullptr);
      enter(before_, nullptr);
    }
    round();
  }

private:
  using nodes = std::vector<config_member>;
  [[nodiscard]] static const nodes& list(const config_node& of, std::string_view name) {
    static const nodes none;
    const auto* found = key(of, name);
    return found == nullptr ? none : found->members;
  }
  [[nodiscard]] const nodes& all_of(std::string_view name) const { return list(machine_, name); }
  [[nodiscard]] const config_node& place(const std::string& name) const {
    for (const auto& [none, p] : all_of("states"))
      if (text_of(p, "name", "") == name) return p;
    return machine_;
  }
  [[nodiscard]] double number_of_place(const std::string& name) const {
    double at = 0;
    for (const auto& [none, p] : all_of("states")) {
      if (text_of(p, "name", "") == name) return at;
      at += 1;
    }
    return -1;
  }

  // Every expression is looked at once, for the telemetry it names; and the alerts it moves.
  void notice(const config_node& node) {
    for (const auto& [name, value] : node.members) {
      const bool number = name == "when" || name == "seconds" ||
                          (name == "to" && key(node, "set") != nullptr &&
                           !terms_.is_text_variable(text_of(node, "set", "")));
      if (number) (void)terms_.number(value.text);
      if (name == "to" && key(node, "set") != nullptr && !number) (void)terms_.text(value.text);
      if (name == "with")
        for (const auto& [argument, what] : value.members)
          what.text.starts_with('"') ? void(terms_.text(what.text))
                                     : void(terms_.number(what.text));
      if (name == "alert" || name == "raise" || name == "clear" || name == "emit")
        moved_.insert(value.text);
      notice(value);
    }
  }

  [[nodiscard]] std::int64_t due_of(const std::string& name) {
    const auto& t = terms_.timers[name];
    if (t.set_ns == no_time) return never;
    if (moment_.started_ns == no_time || moment_.started_ns < t.set_ns) return t.due_ns;
    return std::max(t.due_ns, saturating_add(moment_.started_ns, std::min(t.length_ns, grace_)));
  }

  [[nodiscard]] bool holds(const config_node& event) {
    const auto* when = key(event, "when");
    return when == nullptr || terms_.number(when->text).value_or(0) != 0;
  }

  void round() {
    before_ = after_ = state_;
    const auto& here = place(state_);
    const auto* taken = go_through(list(here, "on_input"), list(here, "transitions"));
    if (taken == nullptr) return;
    after_ = text_of(*taken, "to", "");
    act(*taken);
    forget(list(here, "on_input"));
    forget(list(here, "transitions"));
    (void)go_through(list(here, "on_exit"), {});
    enter(after_, taken);
  }

  const config_node* go_through(const nodes& events, const nodes& transitions) {
    std::vector<const config_node*> holding;
    for (const auto& [none, e] : events) {
      if (!holds(e)) continue;
      batch_ ? holding.push_back(&e) : act(e);
    }
    const config_node* taken = nullptr;
    for (const auto& [none, t] : transitions)
      if (taken == nullptr && holds(t)) taken = &t;
    if (batch_ && taken != nullptr) after_ = text_of(*taken, "to", "");
    for (const auto* e : holding) act(*e);
    if (taken != nullptr) return taken;
    forget(events);
    forget(transitions);
    return nullptr;
  }

  // timeout() is true in one list of events: the first that looks.
  void forget(const nodes& events) {
    for (const auto& [none, e] : events) {
      forget_of(e, "when");
      for (const auto& [no, action] : list(e, "do")) {
        if (!terms_.is_text_variable(text_of(action, "set", ""))) forget_of(action, "to");
        forget_of(action, "seconds");
        for (const auto& [argument, what] : list(action, "with"))
          if (!what.text.starts_with('"'))
            for (const auto& t : terms_.timeouts(what.text)) terms_.timers[t].elapsed = false;
      }
    }
  }
  void forget_of(const config_node& of, std::string_view name) {
    if (const auto* found = key(of, name))
      for (const auto& t : terms_.timeouts(found->text)) terms_.timers[t].elapsed = false;
  }

  void enter(const std::string& name, const config_node* by) {
    const auto old = by == nullptr ? "" : text_of(place(before_), "alert", "");
    const auto alert = text_of(place(name), "alert", "");
    if (old != alert && active_.contains(old)) move("clear", old, by);
    if (!alert.empty() && !active_.contains(alert)) move("raise", alert, by);
    state_ = name;
    since_ = moment_.now_ns;
    (void)go_through(list(place(name), "on_enter"), {});
  }

  void act(const config_node& event) {
    for (const auto& [none, a] : list(event, "do")) {
      if (key(a, "set") != nullptr) set(a);
      if (key(a, "start") != nullptr) start(a);
      if (key(a, "stop") != nullptr) terms_.timers[text_of(a, "stop", "")] = machine_timer_now{};
      if (const auto* again = key(a, "restart")) {
        auto& t = terms_.timers[again->text];
        if (t.length_ns != 0) run(again->text, t.length_ns);
      }
      for (const char* what : {"raise", "clear", "emit"}) {
        const auto alert = text_of(a, what, "");
        const bool is = active_.contains(alert), raises = std::string_view(what) == "raise";
        if (!alert.empty() && (std::string_view(what) == "emit" || is != raises))
          move(what, alert, &event);
      }
    }
  }
  void set(const config_node& a) {
    const auto name = text_of(a, "set", "");
    if (terms_.is_text_variable(name)) {
      if (const auto text = terms_.text(text_of(a, "to", "")))
        terms_.variables[name] = text->substr(0, 256);
      return;
    }
    const auto value = terms_.number(text_of(a, "to", ""));
    if (!value) return;
    terms_.variables[name] = *value;
    for (const auto& [none, v] : all_of("variables"))
      if (text_of(v, "name", "") == name && text_of(v, "type", "number") == "boolean")
        terms_.variables[name] = *value != 0 ? 1.0 : 0.0;
  }
  void start(const config_node& a) {
    const auto name = text_of(a, "start", "");
    std::int64_t length = 0;
    for (const auto& [none, t] : all_of("timers"))
      if (text_of(t, "name", "") == name) length = duration_of(t, "for", 0);
    length = duration_of(a, "for", length);
    if (const auto* given = key(a, "seconds")) {
      const auto seconds = terms_.number(given->text);
      if (!seconds || *seconds < 1) return;
      length = static_cast<std::int64_t>(std::floor(std::min(*seconds, 3.2e7))) * ns_per_s;
    }
    run(name, length);
  }
  void run(const std::string& timer, std::int64_t length) {
    terms_.timers[timer] = {saturating_add(moment_.now_ns, length), moment_.now_ns, length, false};
  }

  void move(const char* what, const std::string& alert, const config_node* by) {
    told_move m{what, alert, moment_.id, reading_.value_or(moment_.now_ns), {}, {}};
    if (by != nullptr || std::string_view(what) == "raise") {
      if (by != nullptr && key(*by, "when") != nullptr)
        m.numbers = terms_.looked_at(key(*by, "when")->text);
      m.numbers["state"] = number_of_place(before_);
      m.numbers["next_state"] = number_of_place(after_);
      for (const auto& [name, value] : terms_.variables)
        if (const auto* number = std::get_if<double>(&value)) m.numbers["var." + name] = *number;
      if (since_ != no_time) m.times["since"] = since_;
    }
    const std::string_view kind = what;
    if (kind == "raise") active_.insert(alert);
    if (kind == "clear") active_.erase(alert);
    told_.push_back(std::move(m));
  }

  const config_node& machine_;
  machine_world& world_;
  std::set<std::string>& active_;
  std::vector<told_move>& told_;
  machine_terms terms_;
  bool batch_;
  std::int64_t grace_;
  std::set<std::string> moved_;
  std::string state_, before_, after_;
  std::int64_t since_ = no_time;
  moment moment_;
  std::optional<std::int64_t> reading_;
};

// What rows there are for a machine: in the order of arrival, each with what it brought anew.
class arrivals {
public:
  arrivals(const rule_case& at, machine_world& world) : at_(at), world_(world) {
    if (const auto* block = key(at.model, "event_time")) future_ = duration_of(*block, "future", 0);
  }
  void learn(const row& r, std::int64_t now) {
    world_.fresh.clear();
    if (future_ > 0 && r.event_ns > saturating_add(now, future_)) return;
    const bool in_order = r.event_ns > newest_;
    newest_ = std::max(newest_, r.event_ns);
    world_.names.learn(r);
    for (const auto& [name, value] : r.values) {
      const bool anew = world_.names.known().fresh(name);
      if (anew && (in_order || !at_.in_event_order)) world_.fresh.insert(name);
      if (anew && !in_order) unsure = unsure || at_.in_event_order;
    }
    for (const auto& [name, text] : r.texts) {
      const auto known = world_.texts.find(name);
      const bool anew = known == world_.texts.end() || r.event_ns > known->second.first;
      if (anew || r.event_ns == known->second.first) world_.texts[name] = {r.event_ns, text};
      if (anew && (in_order || !at_.in_event_order)) world_.fresh.insert(name);
      if (anew && !in_order) unsure = unsure || at_.in_event_order;
    }
  }
  bool unsure = false; ///< whether a late reading was known by then is not settled

private:
  const rule_case& at_;
  machine_world& world_;
  std::int64_t newest_ = no_time, future_ = 0;
};

std::string why_unsure(const rule_case& at, bool late) {
  if (late)
    return "a reading out of order may have been worked in before or after the machine looked";
  for (const auto& m : at.history.moments()) {
    if (m.id > at.alert.id.cause) break;
    if (m.kind == input_kind::alert_action)
      return "people dealt with alerts of the twin, and the plain machine does not know of it";
    if (m.kind == input_kind::model_changed)
      return "the model was changed, and a changed machine begins anew";
  }
  return {};
}

bool fits(const told_move& m, const rule_case& at) {
  const auto t = at.alert.alert.transition;
  if (m.what == "emit") return t == alert_transition::emitted;
  if (m.what == "raise") return t == alert_transition::raised || t == alert_transition::reopened;
  return t == alert_transition::cleared || t == alert_transition::latched;
}

bool same_evidence(const told_move& m, const evidence& proof) {
  std::map<std::string, std::int64_t> times;
  for (const auto& t : proof.times) times[t.name] = t.time_ns;
  return times == m.times &&
         std::all_of(proof.numbers.begin(), proof.numbers.end(), [&](const named_number& n) {
           const auto found = m.numbers.find(n.name);
           return found != m.numbers.end() &&
                  std::fabs(found->second - n.value) <= 1e-9 * std::max(1.0, std::fabs(n.value));
         });
}

} // namespace

rule_answer judge_machine_alert(const rule_case& at) {
  if (const auto key = unknown_key(at.rule, {}); !key.empty())
    return not_known("the plain machine alert does not know the key " + key);
  machine_world world(at.model);
  std::set<std::string> active;
  std::vector<told_move> told;
  std::vector<machine_walk> machines;
  for (const auto& [none, op] : key(at.model, "operators")->members)
    if (text_of(op, "type", "") == "state_machine" && names_alert(op, at.alert.alert.rule))
      machines.emplace_back(op, world, active, told);
  const auto& cause = at.alert.id.cause;
  const auto rows = at.history.as_seen(cause, {}, cause);
  arrivals coming(at, world);
  std::size_t next = 0;
  for (const auto& m : at.history.moments()) {
    if (m.id > cause || !world.why_not.empty()) break;
    for (auto& machine : machines) machine.at(m);
    const bool new_rows = next < rows.size() && rows[next].id == m.id;
    if (m.kind == input_kind::tick || new_rows || (!at.in_event_order && m.end_row > m.first_row))
      for (auto& machine : machines) machine.fall_due();
    for (; next < rows.size() && rows[next].id == m.id; ++next) {
      if (!rows[next].brings()) continue;
      coming.learn(rows[next], m.now_ns);
      for (auto& machine : machines) machine.look_at(rows[next]);
    }
  }
  if (!world.why_not.empty()) return not_known(world.why_not);
  rule_answer out{true, false, "no machine did that to the alert with this input", {}};
  for (const auto& m : told) {
    if (m.alert != at.alert.alert.rule || m.cause != cause || !fits(m, at) ||
        m.event_ns != at.alert.alert.event_time_ns)
      continue;
    out = {true, true, "a machine did that with this input", m.numbers, m.times};
    if (same_evidence(m, at.alert.alert.proof)) return out;
  }
  out.agrees = false;
  if (!out.numbers.empty()) out.what = "a machine did that, but with other evidence";
  const auto unsure = why_unsure(at, coming.unsure);
  return unsure.empty() ? out : not_known(unsure);
}

} // namespace pollux::domain::audit
