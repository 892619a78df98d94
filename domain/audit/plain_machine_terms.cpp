// SPDX-License-Identifier: Apache-2.0
// Expressions of state machines: what is unknown does not take all with it, and texts.
#include "domain/audit/plain_expression.hpp"
#include "domain/audit/plain_machine.hpp"
#include "domain/base/time.hpp"
#include <algorithm>

namespace pollux::domain::audit {
namespace {

std::string_view trimmed(std::string_view s) {
  const auto from = s.find_first_not_of(" \t\r\n");
  if (from == s.npos) return {};
  return s.substr(from, s.find_last_not_of(" \t\r\n") - from + 1);
}

std::string unquoted(std::string_view s) {
  const bool quoted = s.size() > 1 && (s[0] == '\'' || s[0] == '"') && s.back() == s[0];
  return std::string(quoted ? s.substr(1, s.size() - 2) : s);
}

// The parts between `sign`, outside quotes and parentheses.
std::vector<std::string_view> parts_of(std::string_view s, std::string_view sign) {
  std::vector<std::string_view> out;
  int depth = 0;
  char quote = 0;
  std::size_t from = 0;
  for (std::size_t i = 0; i < s.size(); ++i) {
    const char c = s[i];
    if (quote != 0) {
      if (c == quote) quote = 0;
      continue;
    }
    if (c == '\'' || c == '"') quote = c;
    if (c == '(') ++depth;
    if (c == ')') --depth;
    if (depth != 0 || s.substr(i, sign.size()) != sign) continue;
    out.push_back(trimmed(s.substr(from, i - from)));
    from = i + sign.size();
    i = from - 1;
  }
  out.push_back(trimmed(s.substr(from)));
  return out;
}

// Whether the first parenthesis closes at the very end.
bool is_enclosed(std::string_view s) {
  if (s.size() < 2 || s.front() != '(' || s.back() != ')') return false;
  int depth = 0;
  char quote = 0;
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (quote != 0) {
      if (s[i] == quote) quote = 0;
      continue;
    }
    if (s[i] == '\'' || s[i] == '"') quote = s[i];
    if (s[i] == '(') ++depth;
    if (s[i] == ')' && --depth == 0) return i + 1 == s.size();
  }
  return false;
}

std::optional<double> truth(bool yes) { return yes ? 1.0 : 0.0; }

} // namespace

bool machine_world::is_text(const std::string& telemetry) const {
  const auto* all = key(model, "telemetry");
  const auto* one = all == nullptr ? nullptr : key(*all, telemetry);
  return one != nullptr && text_of(*one, "type", "number") == "text";
}

std::int64_t machine_world::time_of(const std::string& telemetry) const {
  if (!is_text(telemetry)) return names.known().latest_ns(telemetry);
  const auto found = texts.find(telemetry);
  return found == texts.end() ? no_time : found->second.first;
}

machine_terms::machine_terms(const config_node& machine, machine_world& world)
    : machine_(machine), world_(world) {
  if (const auto* all = key(machine, "variables"))
    for (const auto& [none, v] : all->members) {
      const auto* initial = key(v, "initial");
      if (initial == nullptr) continue;
      if (initial->kind == config_node::type::text)
        variables[text_of(v, "name", "")] = initial->text;
      else
        variables[text_of(v, "name", "")] = initial->boolean ? 1.0 : initial->number;
    }
}

bool machine_terms::is_text_variable(const std::string& name) const {
  if (const auto* all = key(machine_, "variables"))
    for (const auto& [none, v] : all->members)
      if (text_of(v, "name", "") == name) return text_of(v, "type", "number") == "text";
  return false;
}

std::set<std::string> machine_terms::of_input(const std::string& name) const {
  std::set<std::string> out;
  if (const auto* all = key(machine_, "inputs"))
    for (const auto& [none, in] : all->members)
      if (const auto* list = text_of(in, "name", "") == name ? key(in, "telemetry") : nullptr)
        for (const auto& [no, telemetry] : list->members) out.insert(telemetry.text);
  return out;
}

bool machine_terms::seen(const std::string& telemetry) const {
  const auto time = world_.time_of(telemetry);
  if (time == no_time) return false;
  if (const auto* all = key(machine_, "inputs"))
    for (const auto& [none, in] : all->members) {
      const auto together = of_input(text_of(in, "name", ""));
      if (!together.contains(telemetry)) continue;
      for (const auto& other : together)
        if (world_.time_of(other) > time) return false;
    }
  return true;
}

std::optional<double> machine_terms::number(std::string_view s) {
  s = trimmed(s);
  if (const auto parts = parts_of(s, "||"); parts.size() > 1) {
    bool any = false;
    for (const auto& p : parts) any = (number(p).value_or(0) != 0) || any;
    return truth(any);
  }
  if (const auto parts = parts_of(s, "&&"); parts.size() > 1) {
    bool no = false, unknown = false;
    for (const auto& p : parts) {
      const auto v = number(p);
      no = no || (v && *v == 0);
      unknown = unknown || !v;
    }
    if (no) return 0;
    return unknown ? std::nullopt : truth(true);
  }
  if (is_enclosed(s)) return number(s.substr(1, s.size() - 2));
  if (!s.empty() && s.front() == '!' && is_enclosed(trimmed(s.substr(1)))) {
    const auto v = number(s.substr(1));
    return v ? truth(*v == 0) : std::nullopt;
  }
  return leaf(s);
}

bool machine_terms::names_text(std::string_view s) const {
  if (s.empty()) return false;
  if (s.front() == '"') return true;
  const auto name = unquoted(s);
  if (name.starts_with("var.")) return is_text_variable(name.substr(4));
  return world_.is_text(name);
}

std::optional<double> machine_terms::leaf(std::string_view s) {
  for (const std::string_view sign : {"==", "!="}) {
    const auto sides = parts_of(s, sign);
    if (sides.size() != 2 || (!names_text(sides[0]) && !names_text(sides[1]))) continue;
    const auto left = text(sides[0]), right = text(sides[1]);
    if (!left || !right) return std::nullopt;
    return truth((*left == *right) == (sign == "=="));
  }
  const auto result = evaluate(
      s, [&](std::string_view name) { return value(std::string(name)); },
      [&](const std::string& function, const std::vector<std::string>& given) {
        static const std::set<std::string> own{"timeout",     "arrived",   "unknown", "by_timer",
                                               "starts_with", "ends_with", "contains"};
        return own.contains(function) ? plain_result{true, call(function, given)} : plain_result{};
      });
  if (!result.understood)
    world_.why_not = "the plain check does not know the expression " + std::string(s);
  return result.value;
}

std::optional<double> machine_terms::value(const std::string& name) {
  if (name.starts_with("var.")) {
    const auto found = variables.find(name.substr(4));
    if (found == variables.end()) return std::nullopt;
    const auto* known = std::get_if<double>(&found->second);
    return known == nullptr ? std::nullopt : std::optional(*known);
  }
  std::string of = name;
  const auto* declared = key(world_.model, "telemetry");
  if (declared == nullptr || key(*declared, name) == nullptr) {
    const auto* op = find_operator(world_.model, name.substr(0, name.rfind('.')));
    const auto kind = op == nullptr ? "" : text_of(*op, "kind", "sliding");
    of = kind == "sliding" || kind == "count" ? text_of(*op, "of", "") : "";
  }
  of.empty() ? void(any_reading = true) : void(named.insert(of));
  world_.names.beyond.clear();
  auto found = world_.names(name);
  if (!world_.names.beyond.empty())
    world_.why_not = "the plain check does not know " + world_.names.beyond;
  if (!of.empty() && !seen(of)) found.reset();
  if (found) asked_[name] = *found;
  return found;
}

std::optional<double> machine_terms::call(const std::string& function,
                                          const std::vector<std::string>& given) {
  const auto name = unquoted(given[0]);
  const auto asked = [&](bool yes) {
    asked_[function == "by_timer" ? function : function + "(" + name + ")"] = yes ? 1 : 0;
    return truth(yes);
  };
  if (function == "by_timer") return asked(world_.by_timer);
  if (function == "timeout") {
    asked_timers_.insert(name);
    return asked(timers[name].elapsed);
  }
  if (function == "arrived") {
    auto together = of_input(name);
    if (together.empty()) together.insert(name);
    named.insert(together.begin(), together.end());
    return asked(std::any_of(together.begin(), together.end(),
                             [&](const auto& t) { return world_.fresh.contains(t); }));
  }
  if (function == "unknown") {
    if (name.starts_with("var.")) return asked(!variables.contains(name.substr(4)));
    if (world_.is_text(name)) return asked(!text(name));
    const auto others = asked_;
    const bool known = value(name).has_value();
    asked_ = others; // it is not its value that was asked for
    return asked(!known);
  }
  const auto left = text(given[0]), right = text(given.size() > 1 ? given[1] : "");
  if (!left || !right) return std::nullopt;
  if (function == "starts_with") return truth(left->starts_with(*right));
  if (function == "ends_with") return truth(left->ends_with(*right));
  return truth(left->find(*right) != std::string::npos);
}

std::optional<std::string> machine_terms::text(std::string_view s) {
  s = trimmed(s);
  const auto name = unquoted(s);
  if (!s.empty() && s.front() == '"') return name;
  if (name.starts_with("var.")) {
    const auto found = variables.find(name.substr(4));
    if (found == variables.end()) return std::nullopt;
    const auto* known = std::get_if<std::string>(&found->second);
    return known == nullptr ? std::nullopt : std::optional(*known);
  }
  named.insert(name);
  const auto found = world_.texts.find(name);
  if (found == world_.texts.end() || !seen(name)) return std::nullopt;
  return found->second.second;
}

std::map<std::string, double> machine_terms::looked_at(std::string_view expression) {
  asked_.clear();
  (void)number(expression);
  return std::move(asked_);
}

std::set<std::string> machine_terms::timeouts(std::string_view expression) {
  asked_timers_.clear();
  (void)number(expression);
  return std::move(asked_timers_);
}

} // namespace pollux::domain::audit
