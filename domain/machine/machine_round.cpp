// SPDX-License-Identifier: Apache-2.0
#include "domain/machine/machine_round.hpp"
#include "domain/base/ensure.hpp"
#include "domain/command/command_steps.hpp"
#include <algorithm>
#include <cmath>

namespace pollux::domain {
namespace {

constexpr double longest_timer_s = 3.2e7; // a little more than a year
static_assert(max_machine_events <= 64, "a bit for each event of a list");

} // namespace

void machine_round::begin() {
  for (const auto* alert : rules_.alerts) {
    if (alert->active(at_.twin) == nullptr) continue;
    evidence proof;
    proof.explanation = "the machine " + machine_.name() + " begins anew";
    alert->clear(at_, event_time_ns(), std::move(proof));
  }
  enter(rules_.initial, nullptr);
}

void machine_round::run() {
  const auto* taken = judge(rules_.places[state_.at].on_input);
  if (taken == nullptr) return;
  after_ = taken->next;
  act(*taken);
  consume(rules_.places[before_].on_input);
  (void)judge(rules_.places[before_].on_exit);
  enter(taken->next, taken);
}

bool machine_round::holds(const machine_event& e) const {
  return !e.when || e.when->evaluate(view_).value_or(0) != 0;
}

const machine_event* machine_round::judge(const machine_events& list) {
  const auto find_transition = [&]() -> const machine_event* {
    const auto found = std::find_if(list.transitions.begin(), list.transitions.end(),
                                    [&](const machine_event& t) { return holds(t); });
    return found == list.transitions.end() ? nullptr : &*found;
  };
  if (!rules_.batch) {
    for (const auto& e : list.events)
      if (holds(e)) act(e);
    const auto* taken = find_transition();
    if (taken == nullptr) consume(list);
    return taken;
  }
  std::uint64_t holding = 0;
  for (std::size_t i = 0; i < list.events.size(); ++i)
    if (holds(list.events[i])) holding |= std::uint64_t{1} << i;
  const auto* taken = find_transition();
  if (taken != nullptr) after_ = taken->next; // for the evidence
  for (std::size_t i = 0; i < list.events.size(); ++i)
    if ((holding >> i & 1) != 0) act(list.events[i]);
  if (taken == nullptr) consume(list);
  return taken;
}

// timeout() is true in one list of events: the first that looks.
void machine_round::consume(const machine_events& list) {
  for (const auto t : list.timers) state_.timers[t].elapsed = false;
}

void machine_round::enter(std::uint32_t place, const machine_event* by) {
  const auto* old = by != nullptr ? rules_.places[before_].alert : nullptr;
  const auto& here = rules_.places[place];
  if (old != nullptr && old != here.alert && old->active(at_.twin) != nullptr)
    old->clear(at_, event_time_ns(), prove(by));
  if (here.alert != nullptr && here.alert->active(at_.twin) == nullptr)
    here.alert->raise(at_, event_time_ns(), prove(by));
  state_.at = place;
  state_.since_ns = at_.now_ns;
  (void)judge(here.on_enter);
}

void machine_round::act(const machine_event& e) {
  for (const auto& a : e.actions) perform(a, e);
}

void machine_round::perform(const machine_action& a, const machine_event& e) {
  switch (a.what) {
  case machine_action::kind::set: return set(a);
  case machine_action::kind::start: return start(a);
  case machine_action::kind::restart: {
    auto& t = state_.timers[a.target];
    if (t.duration_ns == 0) return; // never started, or stopped
    t = {saturating_add(at_.now_ns, t.duration_ns), at_.now_ns, t.duration_ns, false};
    return;
  }
  case machine_action::kind::stop: state_.timers[a.target] = {}; return;
  case machine_action::kind::raise:
  case machine_action::kind::clear:
  case machine_action::kind::emit: return move_alert(a, e);
  case machine_action::kind::command: return request(a);
  }
}

// A value that is unknown leaves the variable as it is: what was known stays known.
void machine_round::set(const machine_action& a) {
  auto& v = state_.variables[a.target];
  if (a.number) {
    const auto value = a.number->evaluate(view_);
    if (!value) return;
    v.number = *value;
    if (rules_.names.variables[a.target].type == variable_type::boolean)
      v.number = *value != 0 ? 1 : 0;
  } else {
    const auto text = view_.text(a.text);
    if (!text) return;
    v.text = std::string(text->substr(0, max_machine_text));
  }
  v.known = true;
}

void machine_round::start(const machine_action& a) {
  auto duration = a.duration_ns;
  if (a.number) {
    const auto seconds = a.number->evaluate(view_);
    if (!seconds || !(*seconds >= 1)) return;
    duration =
        static_cast<std::int64_t>(std::floor(std::min(*seconds, longest_timer_s))) * ns_per_s;
  }
  state_.timers[a.target] = {saturating_add(at_.now_ns, duration), at_.now_ns, duration, false};
}

void machine_round::move_alert(const machine_action& a, const machine_event& e) {
  const bool active = a.alert->active(at_.twin) != nullptr;
  if (a.what == machine_action::kind::emit)
    a.alert->emit(at_, event_time_ns(), prove(&e));
  else if (a.what == machine_action::kind::raise && !active)
    a.alert->raise(at_, event_time_ns(), prove(&e));
  else if (a.what == machine_action::kind::clear && active)
    a.alert->clear(at_, event_time_ns(), prove(&e));
}

// As if somebody had asked for it: the same interlocks, the same life. Its id is that of the effect
// that tells of it, so a replay asks for the same one.
void machine_round::request(const machine_action& a) {
  const auto id = machine_.name() + ":" + to_string(effect_id{at_.in.id, at_.ordinal});
  input in;
  in.id = at_.in.id;
  in.kind = input_kind::command_requested;
  in.ingest_time_ns = at_.in.ingest_time_ns;
  in.command_id = id;
  in.command_name = a.command;
  in.by = machine_.name();
  std::vector<std::string> texts;
  texts.reserve(a.arguments.size()); // views point into them
  for (const auto& argument : a.arguments) {
    if (argument.number) {
      const auto value = argument.number->evaluate(view_);
      if (!value) {
        at_.fault("command " + a.command + " of " + machine_.name() + ": " + argument.name +
                  " has no value yet");
        return;
      }
      in.fields.push_back({argument.name, value_view::of(*value)});
    } else if (const auto text = view_.text(argument.text)) {
      in.fields.push_back({argument.name, value_view::text(texts.emplace_back(*text))});
    }
  }
  step_context asked{at_.twin, in, at_.out, at_.now_ns, at_.ordinal};
  request_command(asked);
  at_.ordinal = asked.ordinal;
}

evidence machine_round::prove(const machine_event* e) const {
  evidence proof;
  const auto& names = rules_.names;
  proof.numbers = {{"state", static_cast<double>(before_)},
                   {"next_state", static_cast<double>(after_)}};
  for (std::size_t i = 0; i < names.variables.size(); ++i)
    if (names.variables[i].type != variable_type::text && state_.variables[i].known)
      proof.numbers.push_back({"var." + names.variables[i].name, state_.variables[i].number});
  if (e != nullptr && e->when)
    for (const auto id : e->when->operands()) {
      const auto& o = names.operands[id];
      const auto value = view_.operand(id);
      if (o.what != machine_operand::kind::variable && !o.name.empty() && value)
        proof.numbers.push_back({o.name, *value});
    }
  if (state_.since_ns != no_time) proof.times = {{"since", state_.since_ns}};
  if (reading_ != nullptr) proof.event_times_ns = {reading_->event_time_ns()};
  proof.explanation = rules_.places[before_].name;
  if (after_ != before_) proof.explanation += " -> " + rules_.places[after_].name;
  if (e == nullptr) return proof;
  if (!e->name.empty()) proof.explanation += ": " + e->name;
  if (e->when) proof.explanation += " (" + e->when->text() + ")";
  return proof;
}

} // namespace pollux::domain
