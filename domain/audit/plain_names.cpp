// SPDX-License-Identifier: Apache-2.0
#include "domain/audit/plain_names.hpp"
#include "domain/base/time.hpp"

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
    else if (auto window = find_window(model, name))
      sliding_.emplace(name, std::move(*window));
  }
}

void named_values::learn(const row& r) {
  known_.learn(r);
  for (auto& [name, panes] : closing_) panes.learn(r, known_);
  for (auto& [name, last] : last_) last.learn(r, known_);
  anything_new = false;
  used.clear();
}

std::optional<double> named_values::operator()(std::string_view name) {
  const auto value = looked_up(name);
  anything_new = anything_new || brings(name);
  if (value) used[std::string(name)] = *value;
  return value;
}

bool named_values::brings(std::string_view name) const {
  const std::string whole{name};
  const auto* telemetry = key(model_, "telemetry");
  if (telemetry != nullptr && key(*telemetry, name) != nullptr) return known_.fresh(whole);
  const auto window = whole.substr(0, whole.rfind('.'));
  if (const auto found = closing_.find(window); found != closing_.end())
    return found->second.closed_now();
  if (const auto found = last_.find(window); found != last_.end())
    return known_.fresh(found->second.of());
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
  bool understood = true;
  std::optional<double> out;
  if (const auto panes = closing_.find(window); panes != closing_.end()) {
    asked_closing = true;
    out = panes->second.value(what, understood);
  } else if (const auto last = last_.find(window); last != last_.end()) {
    out = aggregate(last->second.held(), what, understood);
  } else if (const auto found = sliding_.find(window); found != sliding_.end()) {
    const auto& of = found->second.of;
    const auto end = known_.latest_ns(of);
    std::map<std::int64_t, double> inside;
    if (end != no_time)
      inside = known_.between(of, saturating_add(end, -found->second.span_ns), end, true);
    out = aggregate(inside, what, understood);
  } else {
    understood = false;
  }
  if (!understood) beyond = window + '.' + std::string(what);
  return out;
}

} // namespace pollux::domain::audit
