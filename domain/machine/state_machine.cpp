// SPDX-License-Identifier: Apache-2.0
#include "domain/machine/state_machine.hpp"
#include "domain/alert/wording.hpp"
#include "domain/machine/machine_round.hpp"
#include <algorithm>

namespace pollux::domain {

std::unique_ptr<machine_state> state_machine::blank() const {
  auto s = std::make_unique<machine_state>();
  s->at = rules_.initial;
  for (const auto& v : rules_.names.variables) s->variables.push_back(v.initial);
  s->timers.resize(rules_.names.timers.size());
  return s;
}

std::int64_t state_machine::due_of(const running_timer& t, const twin_state::body& twin) const {
  if (t.set_ns == no_time) return never;
  if (twin.node_started_ns == no_time || twin.node_started_ns < t.set_ns) return t.due_ns;
  const auto grace = std::min(t.duration_ns, rules_.restart_grace_ns);
  return std::max(t.due_ns, saturating_add(twin.node_started_ns, grace));
}

int state_machine::next_timer(const machine_state& s, const twin_state::body& twin) const {
  int next = -1;
  std::int64_t due = never;
  for (std::size_t i = 0; i < s.timers.size(); ++i) {
    const auto when = due_of(s.timers[i], twin);
    if (when >= due) continue;
    due = when;
    next = static_cast<int>(i);
  }
  return next;
}

std::int64_t state_machine::due_ns(const twin_state::body& twin) const {
  const auto* s = state_in(twin);
  if (s == nullptr) return never;
  const int next = next_timer(*s, twin);
  return next < 0 ? never : due_of(s->timers[static_cast<std::size_t>(next)], twin);
}

// What goes off may start timers anew, but only for later than now: each goes off once at most.
void state_machine::fall_due(step_context& at) const {
  auto& slot = state_of(at.twin);
  if (!slot) return;
  auto& s = static_cast<machine_state&>(*slot);
  for (std::size_t n = 0; n < s.timers.size() && due_ns(at.twin) <= at.now_ns; ++n) {
    auto& t = s.timers[static_cast<std::size_t>(next_timer(s, at.twin))];
    t.elapsed = true;
    t.due_ns = never;
    t.set_ns = no_time;
    machine_round(*this, rules_, s, at, nullptr).run();
  }
}

void state_machine::judge(row& reading) const { fall_due(reading.at()); }

void state_machine::observe(row& reading) const {
  const auto& names = rules_.names;
  const bool concerned = names.any_reading || names.slots.empty() ||
                         std::any_of(names.slots.begin(), names.slots.end(), [&](auto slot) {
                           return reading.fresh(static_cast<int>(slot));
                         });
  if (!concerned) return;
  auto& at = reading.at();
  auto& slot = state_of(reading.twin());
  if (!slot) {
    slot = blank();
    machine_round(*this, rules_, static_cast<machine_state&>(*slot), at, &reading).begin();
  }
  machine_round(*this, rules_, static_cast<machine_state&>(*slot), at, &reading).run();
}

std::vector<operator_output> state_machine::outputs() const {
  std::vector<operator_output> all = {{"state", -1}};
  for (const auto& v : rules_.names.variables)
    if (v.type != variable_type::text) all.push_back({v.name, -1});
  return all;
}

std::optional<double> state_machine::output(const twin_state::body& twin,
                                            std::uint32_t which) const {
  const auto* s = state_in(twin);
  if (s == nullptr) return std::nullopt;
  if (which == 0) return s->at;
  for (std::size_t i = 0; i < s->variables.size(); ++i) {
    if (rules_.names.variables[i].type == variable_type::text || --which != 0) continue;
    return s->variables[i].known ? std::optional(s->variables[i].number) : std::nullopt;
  }
  return std::nullopt;
}

void state_machine::save(const operator_state& state, byte_writer& out) const {
  static_cast<const machine_state&>(state).save(out);
}

std::unique_ptr<operator_state> state_machine::load(byte_reader& in) const {
  auto s = blank();
  if (!s->load(in, rules_.places.size())) in.fail();
  return s;
}

std::size_t state_machine::state_bytes(const operator_state& state) const {
  const auto& s = static_cast<const machine_state&>(state);
  std::size_t bytes = sizeof(machine_state) + s.variables.capacity() * sizeof(machine_value) +
                      s.timers.capacity() * sizeof(running_timer);
  for (const auto& v : s.variables)
    if (v.text.capacity() >= sizeof(std::string)) bytes += v.text.capacity();
  return bytes;
}

described_rule state_machine::explain(const twin_state::body& twin, std::int64_t) const {
  const auto* s = state_in(twin);
  if (s == nullptr)
    return {name(), "state_machine", "no data", "it begins with the first reading it looks at"};
  std::string text = "since " + format_rfc3339(s->since_ns);
  for (std::size_t i = 0; i < s->timers.size(); ++i) {
    const auto& t = s->timers[i];
    if (t.set_ns == no_time && !t.elapsed) continue;
    text += ", timer " + rules_.names.timers[i].name +
            (t.elapsed ? " has fallen due" : " falls due " + format_rfc3339(due_of(t, twin)));
  }
  for (std::size_t i = 0; i < s->variables.size(); ++i) {
    const auto& v = s->variables[i];
    if (!v.known) continue;
    const auto& declared = rules_.names.variables[i];
    text += ", " + declared.name + " = ";
    text += declared.type == variable_type::text      ? "\"" + v.text + "\""
            : declared.type == variable_type::boolean ? (v.number != 0 ? "true" : "false")
                                                      : brief(v.number);
  }
  return {name(), "state_machine", rules_.places[s->at].name, text};
}

std::unique_ptr<twin_operator> read_state_machine(object_reader& in, model_scope& scope) {
  return std::make_unique<state_machine>(read_machine_rules(in, scope));
}

std::vector<std::string> machine_doubts(const model& m) {
  std::vector<std::string> all;
  for (const auto& op : m.operators)
    if (const auto* machine = dynamic_cast<const state_machine*>(op.get()))
      for (const auto& doubt : doubts_about(machine->rules()))
        all.push_back(op->name() + ": " + doubt);
  return all;
}

} // namespace pollux::domain
