// SPDX-License-Identifier: Apache-2.0
// Reads a state machine from its model. Lists, not objects, where order or any name matters: it
// decides the layout of what a twin remembers.
#include "domain/base/time.hpp"
#include "domain/machine/machine_rules.hpp"
#include <algorithm>

namespace pollux::domain {
namespace {

using type = config_node::type;
constexpr std::size_t max_name = 128;

class reader {
public:
  reader(object_reader& in, model_scope& scope) : in_(in), scope_(scope) {}

  machine_rules run() {
    out_.batch = in_.choice_or("evaluation", {"serial", "batch"}, 0) == 1;
    out_.restart_grace_ns = in_.duration_ns_or("restart_grace", 60 * ns_per_s);
    const auto* variables = in_.optional("variables", type::array);
    const auto* timers = in_.optional("timers", type::array);
    const auto* inputs = in_.optional("inputs", type::array);
    const auto* initial = in_.require("initial", type::text);
    const auto* states = in_.require("states", type::array);
    if (variables != nullptr) read_variables(*variables);
    if (timers != nullptr) read_timers(*timers);
    if (inputs != nullptr) read_inputs(*inputs);
    if (initial == nullptr || states == nullptr || !ok_) return std::move(out_);
    read_states(*states);
    if (const int at = ok_ ? place(initial->text) : 0; at >= 0)
      out_.initial = static_cast<std::uint32_t>(at);
    else
      unknown(*initial, "state", initial->text, place_names());
    return std::move(out_);
  }

private:
  void fail(const config_node& at, const std::string& what) {
    ok_ = false;
    in_.fail(at, what);
  }
  /// Takes over what a nested reader found; its text names the place already.
  void finish(object_reader& nested) {
    const auto s = nested.finish();
    if (s) return;
    ok_ = false;
    in_.fail(config_node{}, s.error().what);
  }
  void unknown(const config_node& at, const char* what, std::string_view name,
               const std::vector<std::string_view>& known) {
    const auto near = nearest(name, known);
    fail(at, "no " + std::string(what) + " \"" + std::string(name) + "\"" +
                 (near.empty() ? "" : "; did you mean \"" + std::string(near) + "\"?"));
  }

  template <class T>
  bool list(const config_node& at, std::size_t most, const char* what, std::vector<T>& out) {
    if (at.members.size() > most) {
      fail(at, "more than " + std::to_string(most) + " " + what);
      return false;
    }
    out.reserve(at.members.size());
    return true;
  }
  template <class T>
  std::string read_name(object_reader& in, const config_node& at, const std::vector<T>& others,
                        const char* what) {
    const auto* node = in.require("name", type::text);
    if (node == nullptr) return {};
    const auto& name = node->text;
    if (name.empty() || name.size() > max_name || name.find_first_of("'\"(),") != std::string::npos)
      in.fail(*node, std::string("a ") + what + "'s name has 1 to 128 bytes, none of ' \" ( ) ,");
    for (const auto& o : others)
      if (o.name == name) in.fail(at, std::string(what) + " \"" + name + "\" is there twice");
    return name;
  }

  void read_variables(const config_node& at) {
    auto& all = out_.names.variables;
    if (!list(at, max_machine_variables, "variables", all)) return;
    for (const auto& [key, node] : at.members) {
      object_reader in(node, "variable");
      machine_variable v;
      v.name = read_name(in, node, all, "variable");
      v.type = static_cast<variable_type>(in.choice_or("type", {"number", "boolean", "text"}, 0));
      in.text_or("description", "");
      const auto kind = v.type == variable_type::number    ? type::number
                        : v.type == variable_type::boolean ? type::boolean
                                                           : type::text;
      if (const auto* initial = in.optional("initial", kind)) {
        v.initial.known = true;
        v.initial.number = initial->boolean ? 1 : initial->number;
        v.initial.text = initial->text;
        if (v.initial.text.size() > max_machine_text)
          in.fail(*initial, "a text has at most 256 bytes");
      }
      if (v.name == "state") in.fail(node, "\"state\" is what the machine itself offers");
      finish(in);
      all.push_back(std::move(v));
    }
  }

  void read_timers(const config_node& at) {
    auto& all = out_.names.timers;
    if (!list(at, max_machine_timers, "timers", all)) return;
    for (const auto& [key, node] : at.members) {
      object_reader in(node, "timer");
      machine_timer t;
      t.name = read_name(in, node, all, "timer");
      t.duration_ns = in.duration_ns_or("for", 0);
      in.text_or("description", "");
      finish(in);
      all.push_back(std::move(t));
    }
  }

  void read_inputs(const config_node& at) {
    auto& all = out_.names.inputs;
    if (!list(at, max_telemetry, "inputs", all)) return;
    for (const auto& [key, node] : at.members) {
      object_reader in(node, "input");
      machine_input input;
      input.name = read_name(in, node, all, "input");
      const auto* telemetry = in.require("telemetry", type::array);
      if (telemetry != nullptr)
        for (const auto& [none, name] : telemetry->members) {
          const int slot = name.kind == type::text ? scope_.so_far().telemetry_slot(name.text) : -1;
          if (slot < 0) {
            in.fail(name, "no telemetry \"" + name.text + "\"");
            break;
          }
          input.slots.push_back(static_cast<std::uint32_t>(slot));
        }
      if (telemetry != nullptr && telemetry->members.size() > max_telemetry)
        in.fail(*telemetry, "more than 256 telemetry names");
      finish(in);
      all.push_back(std::move(input));
    }
  }

  void read_states(const config_node& at) {
    if (at.members.empty()) return fail(at, "a machine needs a state");
    if (!list(at, max_machine_states, "states", out_.places)) return;
    for (const auto& [key, node] : at.members) { // names first: transitions go both ways
      object_reader in(node, "state");
      machine_place place;
      place.name = read_name(in, node, out_.places, "state");
      out_.places.push_back(std::move(place));
      for (const auto* rest :
           {"description", "alert", "on_enter", "on_input", "on_exit", "transitions"}) {
        const auto* member = node.find(rest);
        (void)in.optional(rest, member != nullptr ? member->kind : type::text);
      }
      finish(in);
    }
    for (std::size_t i = 0; i < at.members.size() && ok_; ++i)
      read_state(at.members[i].second, out_.places[i]);
  }

  void read_state(const config_node& at, machine_place& out) {
    object_reader in(at, "state");
    in.text("name");
    in.text_or("description", "");
    if (in.optional("alert", type::text) != nullptr) out.alert = read_alert(in, "alert");
    for (const auto& [key, list] :
         {std::pair{"on_enter", &out.on_enter}, std::pair{"on_input", &out.on_input},
          std::pair{"on_exit", &out.on_exit}})
      if (const auto* events = in.optional(key, type::array))
        read_events(*events, false, list->events, list->timers);
    if (const auto* transitions = in.optional("transitions", type::array))
      read_events(*transitions, true, out.on_input.transitions, out.on_input.timers);
    finish(in);
  }

  void read_events(const config_node& at, bool transitions, std::vector<machine_event>& out,
                   std::vector<std::uint32_t>& timers) {
    if (!list(at, max_machine_events, transitions ? "transitions" : "events", out)) return;
    for (const auto& [key, node] : at.members) {
      object_reader in(node, transitions ? "transition" : "event");
      machine_event e;
      e.name = in.text_or("name", "");
      in.text_or("description", "");
      if (in.optional("when", type::text) != nullptr) e.when = read_expression(in, "when", timers);
      if (const auto* next = transitions ? in.require("to", type::text) : nullptr) {
        const int found = place(next->text);
        if (found < 0) unknown(*next, "state", next->text, place_names());
        e.next = static_cast<std::uint32_t>(std::max(found, 0));
      }
      if (const auto* actions = in.optional("do", type::array)) {
        if (list(*actions, max_machine_actions, "actions", e.actions))
          for (const auto& [none, action] : actions->members)
            e.actions.push_back(read_action(action, timers));
      }
      finish(in);
      out.push_back(std::move(e));
      if (!ok_) return;
    }
  }

  std::optional<machine_expression> read_expression(object_reader& in, std::string_view key,
                                                    std::vector<std::uint32_t>& timers) {
    const auto* node = in.require(key, type::text);
    if (node == nullptr) return std::nullopt;
    auto parsed = machine_expression::parse(node->text, out_.names, scope_);
    if (!parsed) {
      in.fail(*node, parsed.error().what);
      return std::nullopt;
    }
    for (const auto id : parsed->operands()) {
      const auto& o = out_.names.operands[id];
      if (o.what == machine_operand::kind::timeout &&
          std::find(timers.begin(), timers.end(), o.id) == timers.end())
        timers.push_back(o.id);
    }
    return std::move(*parsed);
  }

  const machine_alert* read_alert(object_reader& in, std::string_view key) {
    const auto* alert = scope_.earlier<machine_alert>(in, key, "machine_alert");
    auto& all = out_.alerts;
    if (alert != nullptr && std::find(all.begin(), all.end(), alert) == all.end())
      all.push_back(alert);
    return alert;
  }

  machine_action read_action(const config_node& at, std::vector<std::uint32_t>& timers) {
    object_reader in(at, "action");
    machine_action a;
    using kind = machine_action::kind;
    static constexpr std::pair<const char*, kind> verbs[] = {
        {"set", kind::set},   {"start", kind::start},    {"restart", kind::restart},
        {"stop", kind::stop}, {"raise", kind::raise},    {"clear", kind::clear},
        {"emit", kind::emit}, {"command", kind::command}};
    const char* verb = nullptr;
    for (const auto& [key, what] : verbs) {
      if (in.optional(key, type::text) == nullptr) continue;
      if (verb != nullptr) in.fail(at, "one action does one thing");
      verb = key;
      a.what = what;
    }
    if (verb == nullptr)
      in.fail(at, "an action is set, start, restart, stop, raise, clear, emit or command");
    else
      read_target(in, at, verb, a, timers);
    finish(in);
    return a;
  }

  void read_target(object_reader& in, const config_node& at, const char* verb, machine_action& a,
                   std::vector<std::uint32_t>& timers) {
    const auto& target = *at.find(verb);
    switch (a.what) {
    case machine_action::kind::set: return read_set(in, target, a, timers);
    case machine_action::kind::start:
    case machine_action::kind::restart:
    case machine_action::kind::stop: return read_timer(in, target, a, timers);
    case machine_action::kind::raise:
    case machine_action::kind::clear:
    case machine_action::kind::emit: a.alert = read_alert(in, verb); return;
    case machine_action::kind::command: return read_command(in, at, target, a, timers);
    }
  }

  void read_set(object_reader& in, const config_node& target, machine_action& a,
                std::vector<std::uint32_t>& timers) {
    const int v = out_.names.variable(target.text);
    if (v < 0) return unknown(target, "variable", target.text, names_of(out_.names.variables));
    a.target = static_cast<std::uint32_t>(v);
    if (out_.names.variables[a.target].type == variable_type::text)
      read_text(in, "to", a.text);
    else
      a.number = read_expression(in, "to", timers);
  }

  void read_text(object_reader& in, std::string_view key, text_operand& out) {
    const auto* node = in.require(key, type::text);
    if (node == nullptr) return;
    auto text = read_text_operand(node->text, out_.names, scope_);
    if (!text)
      in.fail(*node, text.error().what);
    else
      out = std::move(*text);
  }

  void read_timer(object_reader& in, const config_node& target, machine_action& a,
                  std::vector<std::uint32_t>& timers) {
    const int t = out_.names.timer(target.text);
    if (t < 0) return unknown(target, "timer", target.text, names_of(out_.names.timers));
    a.target = static_cast<std::uint32_t>(t);
    if (a.what != machine_action::kind::start) return;
    a.duration_ns = in.duration_ns_or("for", out_.names.timers[a.target].duration_ns);
    if (in.optional("seconds", type::text) != nullptr)
      a.number = read_expression(in, "seconds", timers);
    else if (a.duration_ns == 0)
      in.fail(target, "how long? the timer has no \"for\" of its own, so give one, or \"seconds\"");
  }

  void read_command(object_reader& in, const config_node& at, const config_node& target,
                    machine_action& a, std::vector<std::uint32_t>& timers) {
    const auto* spec = scope_.so_far().find_command(target.text);
    if (spec == nullptr) {
      std::vector<std::string_view> known;
      for (const auto& c : scope_.so_far().commands) known.push_back(c.name);
      return unknown(target, "command", target.text, known);
    }
    a.command = spec->name;
    if (const auto* with = in.optional("with", type::object)) {
      if (with->members.size() > 32) in.fail(*with, "more than 32 arguments");
      object_reader arguments(*with, "arguments");
      for (const auto& [name, value] : with->members) {
        command_argument argument;
        argument.name = name;
        const auto* node = arguments.require(name, type::text);
        if (node != nullptr && node->text.starts_with('"'))
          read_text(arguments, name, argument.text);
        else
          argument.number = read_expression(arguments, name, timers);
        a.arguments.push_back(std::move(argument));
      }
      finish(arguments);
    }
    const bool guarded = std::any_of(a.arguments.begin(), a.arguments.end(), [&](const auto& g) {
      return g.name == spec->argument && g.number;
    });
    if (!spec->argument.empty() && !guarded)
      in.fail(at, "the command needs the number \"" + spec->argument + "\" in \"with\"");
  }

  [[nodiscard]] int place(std::string_view name) const noexcept {
    for (std::size_t i = 0; i < out_.places.size(); ++i)
      if (out_.places[i].name == name) return static_cast<int>(i);
    return -1;
  }
  [[nodiscard]] std::vector<std::string_view> place_names() const { return names_of(out_.places); }
  template <class T> static std::vector<std::string_view> names_of(const std::vector<T>& all) {
    std::vector<std::string_view> names;
    for (const auto& one : all) names.push_back(one.name);
    return names;
  }

  object_reader& in_;
  model_scope& scope_;
  machine_rules out_;
  bool ok_ = true;
};

} // namespace

machine_rules read_machine_rules(object_reader& in, model_scope& scope) {
  return reader(in, scope).run();
}

std::vector<std::string> doubts_about(const machine_rules& rules) {
  std::vector<std::string> doubts;
  std::vector<bool> reached(rules.places.size());
  std::vector<std::uint32_t> to_do = {rules.initial};
  std::vector<bool> started(rules.names.timers.size());
  while (!to_do.empty()) {
    const auto at = to_do.back();
    to_do.pop_back();
    if (reached[at]) continue;
    reached[at] = true;
    for (const auto& t : rules.places[at].on_input.transitions) to_do.push_back(t.next);
  }
  for (std::size_t i = 0; i < reached.size(); ++i)
    if (!reached[i]) doubts.push_back("state \"" + rules.places[i].name + "\" cannot be reached");
  std::vector<bool> looked(started);
  for (const auto& place : rules.places)
    for (const auto* list : {&place.on_enter, &place.on_input, &place.on_exit}) {
      for (const auto t : list->timers) looked[t] = true;
      for (const auto* events : {&list->events, &list->transitions})
        for (const auto& e : *events)
          for (const auto& a : e.actions)
            if (a.what == machine_action::kind::start) started[a.target] = true;
    }
  for (std::size_t i = 0; i < started.size(); ++i) {
    const auto timer = "timer \"" + rules.names.timers[i].name + "\"";
    if (!started[i]) doubts.push_back(timer + " is never started");
    if (!looked[i]) doubts.push_back(timer + " is not looked at by any timeout()");
  }
  return doubts;
}

} // namespace pollux::domain
