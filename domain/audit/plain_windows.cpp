// SPDX-License-Identifier: Apache-2.0
#include "domain/audit/plain_windows.hpp"
#include "domain/base/time.hpp"
#include <algorithm>
#include <cmath>

namespace pollux::domain::audit {

plain_statistics add_up(const std::vector<double>& values) {
  plain_statistics s;
  if (values.empty()) return s;
  s.n = static_cast<double>(values.size());
  long double sum = 0;
  for (const double v : values) sum += v;
  const long double mean = sum / static_cast<long double>(values.size());
  long double squares = 0;
  for (const double v : values) squares += (v - mean) * (v - mean);
  s.mean = static_cast<double>(mean);
  s.psd = std::sqrt(static_cast<double>(squares) / s.n);
  s.sd = values.size() > 1 ? std::sqrt(static_cast<double>(squares) / (s.n - 1)) : 0;
  s.min = *std::min_element(values.begin(), values.end());
  s.max = *std::max_element(values.begin(), values.end());
  return s;
}

void knowledge::learn(const row& r) {
  fresh_.clear();
  for (const auto& [name, value] : r.values) {
    values_[name][r.event_ns] = value;
    if (!r.judged) continue;
    const auto before = latest_.find(name);
    fresh_[name] = before == latest_.end() || r.event_ns > before->second.first;
    if (before == latest_.end() || r.event_ns >= before->second.first)
      latest_[name] = {r.event_ns, value};
  }
}

bool knowledge::fresh(const std::string& telemetry) const {
  const auto found = fresh_.find(telemetry);
  return found != fresh_.end() && found->second;
}

std::optional<double> knowledge::latest(const std::string& telemetry) const {
  const auto found = latest_.find(telemetry);
  if (found == latest_.end()) return std::nullopt;
  return found->second.second;
}

std::int64_t knowledge::latest_ns(const std::string& telemetry) const {
  const auto found = latest_.find(telemetry);
  return found == latest_.end() ? no_time : found->second.first;
}

std::map<std::int64_t, double> knowledge::between(const std::string& telemetry,
                                                  std::int64_t from_ns, std::int64_t to_ns,
                                                  bool closed) const {
  const auto found = values_.find(telemetry);
  if (found == values_.end()) return {};
  const auto& known = found->second;
  return {known.upper_bound(from_ns), closed ? known.upper_bound(to_ns) : known.lower_bound(to_ns)};
}

const config_node* key(const config_node& of, std::string_view name) {
  for (const auto& [found, value] : of.members)
    if (found == name) return &value;
  return nullptr;
}

std::string text_of(const config_node& of, std::string_view name, std::string_view otherwise) {
  const auto* found = key(of, name);
  return found != nullptr ? found->text : std::string(otherwise);
}

double number_of(const config_node& of, std::string_view name, double otherwise) {
  const auto* found = key(of, name);
  return found != nullptr ? found->number : otherwise;
}

std::int64_t duration_of(const config_node& of, std::string_view name, std::int64_t otherwise) {
  const auto* found = key(of, name);
  if (found == nullptr) return otherwise;
  const auto read = parse_duration(found->text);
  return read ? *read : otherwise;
}

const config_node* find_operator(const config_node& model, std::string_view name) {
  const auto* all = key(model, "operators");
  if (all == nullptr) return nullptr;
  for (const auto& [index, op] : all->members)
    if (text_of(op, "name", "") == name) return &op;
  return nullptr;
}

std::optional<plain_window> find_window(const config_node& model, std::string_view name) {
  const auto* op = find_operator(model, name);
  if (op == nullptr || text_of(*op, "type", "") != "window") return std::nullopt;
  for (const auto& [found, value] : op->members) {
    const bool known = found == "name" || found == "type" || found == "of" || found == "span" ||
                       found == "description" || found == "max_entries" || found == "aggregates" ||
                       found == "half_life" || (found == "kind" && value.text == "sliding");
    if (!known) return std::nullopt;
  }
  return plain_window{text_of(*op, "of", ""), duration_of(*op, "span", 0)};
}

} // namespace pollux::domain::audit
