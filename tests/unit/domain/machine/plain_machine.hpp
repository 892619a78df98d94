// SPDX-License-Identifier: Apache-2.0
// A state machine as a beginner would write it: names in maps, conditions as trees, nothing shared
// with the operator. Random ones are made here, too, with the JSON that says the same.
#pragma once
#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace pollux::domain::testing {

struct plain_condition {
  std::string kind; ///< always, above, timeout, arrived, unknown, and, or, not
  std::string name;
  double limit = 0;
  std::vector<plain_condition> parts;
};
struct plain_action {
  std::string kind; ///< set, count, copy, start, restart, stop, raise, clear, emit
  std::string name;
  double number = 0;
};
struct plain_event {
  std::optional<plain_condition> when;
  std::vector<plain_action> actions;
  std::string to;
};
struct plain_place {
  std::string name, alert;
  std::vector<plain_event> enter, input, exit, transitions;
};
struct plain_rules {
  bool batch = false;
  std::vector<std::string> variables, timers;
  std::vector<plain_place> places;
};

/// Times in milliseconds.
class plain_machine {
public:
  explicit plain_machine(plain_rules rules) : rules_(std::move(rules)) {}

  void reading(std::int64_t now, const std::map<std::string, double>& values) {
    told.clear();
    pass(now);
    bool concerned = false;
    for (const auto& [name, v] : values) concerned = concerned || looks_at(name) || !looks();
    for (const auto& [name, v] : values) latest_[name] = v;
    if (!concerned) return;
    arrived_ = values;
    if (state.empty()) go_to(rules_.places.front().name, now);
    round(now);
    arrived_.clear();
  }
  void tick(std::int64_t now) {
    told.clear();
    pass(now);
  }
  std::vector<std::string> told;
  std::string state;
  std::map<std::string, double> variables;

private:
  struct timer {
    std::int64_t due = -1, length = 0;
    bool elapsed = false;
  };
  void pass(std::int64_t now) {
    while (true) {
      std::string next;
      for (const auto& name : rules_.timers)
        if (timers_[name].due >= 0 && timers_[name].due <= now &&
            (next.empty() || timers_[name].due < timers_[next].due))
          next = name;
      if (next.empty()) return;
      timers_[next].due = -1;
      timers_[next].elapsed = true;
      arrived_.clear();
      round(now);
    }
  }
  const plain_place& place(const std::string& name) const {
    for (const auto& p : rules_.places)
      if (p.name == name) return p;
    throw std::runtime_error("no such state");
  }
  void go_to(const std::string& name, std::int64_t now) {
    const auto old = state.empty() ? std::string{} : place(state).alert;
    const auto alert = place(name).alert;
    if (old != alert && !old.empty()) move("clear", old);
    if (!alert.empty()) move("raise", alert);
    state = name;
    all(place(name).enter, now);
  }
  void round(std::int64_t now) {
    const auto here = place(state);
    const auto taken = all(here.input, now, here.transitions);
    if (!taken) return;
    for (const auto& a : taken->actions) act(a, now);
    forget(here.input);
    forget(here.transitions);
    all(here.exit, now);
    go_to(taken->to, now);
  }
  std::optional<plain_event> all(const std::vector<plain_event>& events, std::int64_t now,
                                 const std::vector<plain_event>& transitions = {}) {
    std::vector<bool> hold;
    std::optional<plain_event> taken;
    const auto look = [&] {
      for (const auto& t : transitions)
        if (!taken && holds(t)) taken = t;
    };
    for (const auto& e : events) {
      hold.push_back(holds(e));
      if (!rules_.batch && hold.back())
        for (const auto& a : e.actions) act(a, now);
    }
    look();
    for (std::size_t i = 0; rules_.batch && i < events.size(); ++i)
      if (hold[i])
        for (const auto& a : events[i].actions) act(a, now);
    if (!taken) {
      forget(events);
      forget(transitions);
    }
    return taken;
  }
  void forget(const std::vector<plain_event>& events) {
    for (const auto& e : events)
      if (e.when) forget(*e.when);
  }
  void forget(const plain_condition& c) {
    if (c.kind == "timeout") timers_[c.name].elapsed = false;
    for (const auto& p : c.parts) forget(p);
  }
  bool holds(const plain_event& e) { return !e.when || value(*e.when).value_or(false); }
  std::optional<bool> value(const plain_condition& c) {
    if (c.kind == "always") return true;
    if (c.kind == "timeout") return timers_[c.name].elapsed;
    if (c.kind == "arrived") return arrived_.count(c.name) != 0;
    if (c.kind == "unknown") return !number(c.name).has_value();
    if (c.kind == "above") {
      const auto n = number(c.name);
      return n ? std::optional(*n > c.limit) : std::nullopt;
    }
    if (c.kind == "not") {
      const auto v = value(c.parts[0]);
      return v ? std::optional(!*v) : std::nullopt;
    }
    const auto a = value(c.parts[0]), b = value(c.parts[1]);
    if (c.kind == "or") return a.value_or(false) || b.value_or(false);
    if (a == false || b == false) return false;
    return a && b ? std::optional(true) : std::nullopt;
  }
  std::optional<double> number(const std::string& name) {
    const auto& where = name.rfind("var.", 0) == 0 ? variables : latest_;
    const auto key = name.rfind("var.", 0) == 0 ? name.substr(4) : name;
    const auto found = where.find(key);
    return found == where.end() ? std::nullopt : std::optional(found->second);
  }
  void act(const plain_action& a, std::int64_t now) {
    if (a.kind == "set") variables[a.name] = a.number;
    if (a.kind == "count" && variables.count(a.name) != 0) variables[a.name] += a.number;
    if (a.kind == "copy" && latest_.count("x") != 0) variables[a.name] = latest_["x"];
    auto& t = timers_[a.name];
    if (a.kind == "start") t = {now + std::int64_t(a.number), std::int64_t(a.number), false};
    if (a.kind == "restart" && t.length > 0) t = {now + t.length, t.length, false};
    if (a.kind == "stop") t = {};
    if (a.kind == "raise" || a.kind == "clear" || a.kind == "emit") move(a.kind, a.name);
  }
  void move(const std::string& kind, const std::string& alert) {
    if (kind == "emit") told.push_back("emitted " + alert);
    if (kind == "raise" && !active_[alert]) told.push_back("raised " + alert);
    if (kind == "clear" && active_[alert]) told.push_back("cleared " + alert);
    if (kind != "emit") active_[alert] = kind == "raise";
  }
  // Whether any condition or action names the telemetry at all.
  bool looks_at(const std::string& name) const {
    for (const auto& p : rules_.places)
      for (const auto* list : {&p.enter, &p.input, &p.exit, &p.transitions})
        for (const auto& e : *list) {
          if (e.when && names(*e.when, name)) return true;
          for (const auto& a : e.actions)
            if (a.kind == "copy" && name == "x") return true;
        }
    return false;
  }
  bool looks() const { return looks_at("x") || looks_at("y"); }
  static bool names(const plain_condition& c, const std::string& name) {
    if (c.kind != "timeout" && c.name == name) return true;
    return std::any_of(c.parts.begin(), c.parts.end(),
                       [&](const auto& p) { return names(p, name); });
  }

  plain_rules rules_;
  std::map<std::string, double> latest_, arrived_;
  std::map<std::string, timer> timers_;
  std::map<std::string, bool> active_;
};

/// A random machine.
class machine_maker {
public:
  explicit machine_maker(std::mt19937& dice) : dice_(dice) {}
  plain_rules make() {
    plain_rules r;
    r.batch = chance(2);
    for (std::size_t i = 0, n = up_to(3); i < n; ++i)
      r.variables.push_back("v" + std::to_string(i));
    for (std::size_t i = 0, n = up_to(2); i < n; ++i) r.timers.push_back("t" + std::to_string(i));
    const auto places = 1 + up_to(3);
    for (std::size_t i = 0; i < places; ++i)
      r.places.push_back({"s" + std::to_string(i), {}, {}, {}, {}, {}});
    for (auto& p : r.places) {
      if (chance(4)) p.alert = "a";
      for (auto* list : {&p.enter, &p.input, &p.exit, &p.transitions})
        for (std::size_t i = 0, n = up_to(2); i < n; ++i) list->push_back(event(r));
      for (auto& t : p.transitions) t.to = r.places[up_to(places - 1)].name;
    }
    return r;
  }
  static std::string text(const plain_condition& c) {
    if (c.kind == "always") return "1";
    if (c.kind == "above") return c.name + " > " + std::to_string(int(c.limit));
    if (c.kind == "not") return "!(" + text(c.parts[0]) + ")";
    if (c.kind == "and" || c.kind == "or")
      return "(" + text(c.parts[0]) + (c.kind == "and" ? " && " : " || ") + text(c.parts[1]) + ")";
    return c.kind + "(" + c.name + ")";
  }
  static std::string json(const plain_rules& r) {
    std::string out = std::string("\"evaluation\": \"") + (r.batch ? "batch" : "serial") + "\", ";
    out += "\"initial\": \"s0\", \"variables\": [" +
           list(r.variables, [](const auto& v) { return "{\"name\": \"" + v + "\"}"; }) +
           "], \"timers\": [" +
           list(r.timers, [](const auto& t) { return "{\"name\": \"" + t + "\"}"; }) +
           "], \"states\": [" + list(r.places, [](const auto& p) { return json(p); }) + "]";
    return out;
  }

private:
  template <class T, class F> static std::string list(const std::vector<T>& all, F&& one) {
    std::string out;
    for (const auto& x : all) out += (out.empty() ? "" : ", ") + one(x);
    return out;
  }
  static std::string json(const plain_place& p) {
    std::string out = "{\"name\": \"" + p.name + "\"";
    if (!p.alert.empty()) out += ", \"alert\": \"" + p.alert + "\"";
    const auto events = [&](const char* key, const std::vector<plain_event>& all) {
      out += std::string(", \"") + key + "\": [" +
             list(all, [](const auto& e) { return json(e); }) + "]";
    };
    events("on_enter", p.enter);
    events("on_input", p.input);
    events("on_exit", p.exit);
    events("transitions", p.transitions);
    return out + "}";
  }
  static std::string json(const plain_event& e) {
    std::string out = "{\"do\": [" + list(e.actions, [](const auto& a) { return json(a); }) + "]";
    if (e.when) out += ", \"when\": \"" + text(*e.when) + "\"";
    if (!e.to.empty()) out += ", \"to\": \"" + e.to + "\"";
    return out + "}";
  }
  static std::string json(const plain_action& a) {
    const auto n = std::to_string(int(a.number));
    if (a.kind == "set") return "{\"set\": \"" + a.name + "\", \"to\": \"" + n + "\"}";
    if (a.kind == "count")
      return "{\"set\": \"" + a.name + "\", \"to\": \"var." + a.name + " + " + n + "\"}";
    if (a.kind == "copy") return "{\"set\": \"" + a.name + "\", \"to\": \"x\"}";
    if (a.kind == "start") return "{\"start\": \"" + a.name + "\", \"for\": \"" + n + "ms\"}";
    return "{\"" + a.kind + "\": \"" + a.name + "\"}";
  }
  plain_event event(const plain_rules& r) {
    plain_event e;
    if (!chance(6)) e.when = condition(r, 2);
    for (std::size_t i = 0, n = up_to(2); i < n; ++i)
      if (auto a = action(r)) e.actions.push_back(*a);
    return e;
  }
  plain_condition condition(const plain_rules& r, int depth) {
    if (depth > 0 && chance(3))
      return {chance(2) ? "and" : "or", "", 0, {condition(r, depth - 1), condition(r, depth - 1)}};
    if (depth > 0 && chance(6)) return {"not", "", 0, {condition(r, depth - 1)}};
    if (!r.timers.empty() && chance(3))
      return {"timeout", r.timers[up_to(r.timers.size() - 1)], 0, {}};
    const bool variable = !r.variables.empty() && chance(2);
    const auto name = variable ? "var." + r.variables[up_to(r.variables.size() - 1)]
                               : std::string(chance(2) ? "x" : "y");
    if (!variable && chance(4)) return {"arrived", name, 0, {}};
    if (chance(8)) return {"unknown", name, 0, {}};
    if (chance(12)) return {"always", "", 0, {}};
    return {"above", name, double(up_to(9)), {}};
  }
  std::optional<plain_action> action(const plain_rules& r) {
    const std::vector<std::string> on_variables = {"set", "count", "copy"};
    const std::vector<std::string> on_timers = {"start", "start", "restart", "stop"};
    const std::vector<std::string> on_alerts = {"raise", "clear", "emit"};
    switch (up_to(2)) {
    case 0:
      if (r.variables.empty()) return std::nullopt;
      return plain_action{on_variables[up_to(2)], r.variables[up_to(r.variables.size() - 1)],
                          double(up_to(9))};
    case 1:
      if (r.timers.empty()) return std::nullopt;
      return plain_action{on_timers[up_to(3)], r.timers[up_to(r.timers.size() - 1)],
                          double(1000 + 500 * up_to(10))};
    default: return plain_action{on_alerts[up_to(2)], chance(2) ? "a" : "b", 0};
    }
  }
  std::size_t up_to(std::size_t n) { return dice_() % (n + 1); }
  bool chance(std::size_t n) { return dice_() % n == 0; }

  std::mt19937& dice_;
};

} // namespace pollux::domain::testing
