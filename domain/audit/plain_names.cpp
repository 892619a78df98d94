// SPDX-License-Identifier: Apache-2.0
#include "domain/audit/plain_names.hpp"
#include "domain/audit/plain_expression.hpp"
#include "domain/base/time.hpp"
#include <algorithm>
#include <cmath>

namespace pollux::domain::audit {

named_values::named_values(const config_node& model) : model_(model) {
  const auto* all = key(model, "operators");
  if (all == nullptr) return;
  const auto* times = key(model, "event_time");
  const auto disorder = times == nullptr ? 0 : duration_of(*times, "disorder", 0);
  for (const auto& [index, op] : all->members) {
    const auto name = text_of(op, "name", "");
    if (auto panes = closing_panes::read(op, disorder))
      closing_.emplace(name, std::move(*panes));
    else if (auto last = last_readings::read(op))
      last_.emplace(name, std::move(*last));
    else if (auto by_key = keyed_readings::read(op))
      keyed_.emplace(name, std::move(*by_key));
    else if (auto state = readings_while::read(op, disorder))
      while_.emplace(name, std::move(*state));
    else if (auto beside = side_by_side::read(op))
      beside_.emplace(name, std::move(*beside));
    else if (auto window = find_window(model, name))
      sliding_.emplace(name, std::move(*window));
  }
}

void named_values::learn(const row& r) {
  known_.learn(r);
  for (auto& [name, panes] : closing_) panes.learn(r, known_);
  for (auto& [name, last] : last_) last.learn(r, known_);
  for (auto& [name, by_key] : keyed_) by_key.learn(r, known_);
  for (auto& [name, beside] : beside_) beside.learn(r, known_);
  learn_conditions(r);
  anything_new = false;
  used.clear();
}

void named_values::learn_conditions(const row& r) {
  for (auto& [name, state] : while_) {
    bool new_here = false;
    const auto result = evaluate(state.condition(), [&](std::string_view n) {
      new_here = new_here || brings(n);
      return looked_up(n);
    });
    std::optional<bool> holds;
    if (r.judged && new_here && result.value) holds = *result.value != 0;
    if (!result.understood) beyond = name + "'s condition";
    state.learn(r, known_, holds);
  }
}

std::optional<double> named_values::operator()(std::string_view name) {
  const auto value = looked_up(name);
  if (may_change_with_any(name))
    asked_any = true;
  else
    anything_new = anything_new || brings(name);
  if (value) used[std::string(name)] = *value;
  return value;
}

// What windows that close give, but for those that are still open, and what joins give.
bool named_values::may_change_with_any(std::string_view name) const {
  const auto dot = name.rfind('.');
  if (dot == std::string_view::npos) return false;
  const std::string whole{name}, window = whole.substr(0, dot);
  if (closing_.contains(window) || while_.contains(window))
    return !name.substr(dot + 1).starts_with("open_");
  return std::any_of(beside_.begin(), beside_.end(),
                     [&](const auto& join) { return whole.starts_with(join.first + '.'); });
}

bool named_values::brings(std::string_view name) const {
  const std::string whole{name};
  const auto* telemetry = key(model_, "telemetry");
  if (telemetry != nullptr && key(*telemetry, name) != nullptr) return known_.fresh(whole);
  const auto window = whole.substr(0, whole.rfind('.'));
  if (whole.starts_with(window + ".open_"))
    if (const auto* op = find_operator(model_, window)) return known_.fresh(text_of(*op, "of", ""));
  if (const auto found = closing_.find(window); found != closing_.end())
    return found->second.closed_now();
  if (const auto found = last_.find(window); found != last_.end())
    return known_.fresh(found->second.of());
  if (const auto found = keyed_.find(window); found != keyed_.end()) return found->second.fresh();
  if (const auto found = while_.find(window); found != while_.end())
    return found->second.closed_now();
  for (const auto& [join, beside] : beside_)
    if (name.starts_with(join + '.')) return beside.fresh();
  const auto found = sliding_.find(window);
  return found != sliding_.end() && known_.fresh(found->second.of);
}

std::optional<double> named_values::looked_up(std::string_view name) {
  if (const auto latest = known_.latest(std::string(name))) return latest;
  const auto dot = name.rfind('.');
  const auto* telemetry = key(model_, "telemetry");
  if (telemetry != nullptr && key(*telemetry, name) != nullptr) return std::nullopt;
  if (dot == std::string_view::npos) {
    beyond = std::string(name);
    return std::nullopt;
  }
  return of_window(std::string(name.substr(0, dot)), name.substr(dot + 1));
}

std::optional<double> named_values::of_window(const std::string& window, std::string_view what) {
  const auto name = window + '.' + std::string(what);
  bool understood = true;
  for (const auto& [join, beside] : beside_)
    if (name.starts_with(join + '.')) {
      const auto out =
          beside.value(std::string_view(name).substr(join.size() + 1), known_, understood);
      if (!understood) beyond = name;
      return out;
    }
  if (const auto by_key = keyed_.find(window); by_key != keyed_.end())
    if (what == "keys" || what == "overflow") return by_key->second.count_of(what);
  const auto out = of_readings(window, what, understood);
  if (!understood) beyond = name;
  return as_stated(name, out);
}

plain_number named_values::of_readings(const std::string& window, std::string_view what,
                                       bool& understood) {
  std::map<std::int64_t, double> readings;
  std::int64_t end = no_time;
  bool any = true; // a window of the kind has been there
  if (const auto panes = closing_.find(window); panes != closing_.end()) {
    any = panes->second.closed().has_value();
    readings = panes->second.closed().value_or(readings);
    end = panes->second.closed_to_ns();
  } else if (const auto state = while_.find(window); state != while_.end()) {
    const auto* part = state->second.closed() ? &*state->second.closed() : nullptr;
    if (what.starts_with("open_")) part = state->second.open();
    if (what.starts_with("open_")) what.remove_prefix(5);
    any = part != nullptr;
    if (any) readings = part->readings;
    if (any && part->to != never) end = part->to;
  } else if (const auto last = last_.find(window); last != last_.end()) {
    readings = last->second.held();
  } else if (const auto by_key = keyed_.find(window); by_key != keyed_.end()) {
    readings = by_key->second.held();
    any = !readings.empty();
  } else if (const auto found = sliding_.find(window); found != sliding_.end()) {
    const auto& of = found->second.of;
    end = known_.latest_ns(of);
    if (end != no_time)
      readings = known_.between(of, saturating_add(end, -found->second.span_ns), end, true);
  } else {
    understood = false;
    return {};
  }
  plain_number out{aggregate(readings, what, understood), 0};
  if (!understood)
    out = further_aggregate(readings, what, *find_operator(model_, window), end, understood);
  if (!any) out.value.reset();
  return out;
}

std::optional<double> named_values::as_stated(std::string_view name, const plain_number& exact) {
  if (!exact.value || exact.may_differ <= 0) return exact.value;
  sketched = true;
  if (stated == nullptr) return exact.value;
  for (const auto& n : stated->numbers)
    if (n.name == name && std::fabs(n.value - *exact.value) <= exact.may_differ) return n.value;
  return exact.value;
}

} // namespace pollux::domain::audit
