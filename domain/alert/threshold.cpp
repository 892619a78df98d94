// SPDX-License-Identifier: Apache-2.0
#include "domain/alert/threshold.hpp"
#include "domain/alert/wording.hpp"
#include "domain/model/registry.hpp"
#include <algorithm>

namespace pollux::domain {

bool judge(const threshold_rule& rule, double value, bool active) noexcept {
  switch (rule.which) {
  case threshold_rule::kind::above: return active ? value > rule.clear : value > rule.limit;
  case threshold_rule::kind::below: return active ? value < rule.clear : value < rule.limit;
  case threshold_rule::kind::condition: break;
  }
  return value != 0;
}

void threshold_operator::observe(row& reading) const {
  const bool concerned = std::any_of(used_.begin(), used_.end(), [&](const named_operand& u) {
    return u.slot < 0 || reading.fresh(u.slot);
  });
  if (!concerned) return;
  const twin_operands source(reading.twin());
  const auto value = value_.evaluate(source);
  if (!value) return;
  const bool was = active(reading.twin()) != nullptr;
  const bool is = domain::judge(rule_, *value, was);
  if (is == was) return;
  auto proof = prove(reading, *value, source, is);
  if (is)
    raise(reading.at(), reading.event_time_ns(), std::move(proof));
  else
    clear(reading.at(), reading.event_time_ns(), std::move(proof));
}

std::string threshold_operator::side(bool raised) const {
  const double limit = raised ? rule_.limit : rule_.clear;
  switch (rule_.which) {
  case threshold_rule::kind::above: return (raised ? " above " : " at or below ") + brief(limit);
  case threshold_rule::kind::below: return (raised ? " below " : " at or above ") + brief(limit);
  case threshold_rule::kind::condition: break;
  }
  return raised ? " is true" : " is false";
}

evidence threshold_operator::prove(const row& reading, double value, const twin_operands& source,
                                   bool raised) const {
  evidence proof;
  if ((used_.size() == 1 || value_.text() == used_.front().name) && used_.front().slot >= 0)
    proof.field =
        reading.twin().ruling().telemetry[static_cast<std::size_t>(used_.front().slot)].name;
  proof.numbers = {{"value", value}};
  if (rule_.which != threshold_rule::kind::condition) {
    proof.numbers.push_back({"limit", rule_.limit});
    proof.numbers.push_back({"clear", rule_.clear});
  }
  for (const auto& u : used_)
    if (const auto v = source.operand(u.id)) proof.numbers.push_back({u.name, *v});
  proof.event_times_ns = {reading.event_time_ns()};
  const bool condition = rule_.which == threshold_rule::kind::condition;
  proof.explanation =
      condition ? value_.text() + side(raised) : value_.text() + " " + brief(value) + side(raised);
  return proof;
}

described_rule threshold_operator::explain(const twin_state::body& twin, std::int64_t) const {
  const twin_operands source(twin);
  if (const auto* alert = active(twin))
    return {name(), "threshold", "alerting", alert->message + "; clears" + side(false)};
  for (const auto& u : used_)
    if (!source.operand(u.id))
      return {name(), "threshold", "no data", u.name + " is not known yet"};
  const auto value = value_.evaluate(source);
  if (!value) return {name(), "threshold", "no data", value_.text() + " has no finite value"};
  return {name(), "threshold", "ok",
          value_.text() + " is " + brief(*value) + "; fires" + side(true)};
}

std::unique_ptr<twin_operator> read_threshold(object_reader& in, model_scope& scope) {
  std::vector<named_operand> used;
  auto value = read_expression(in, scope, "value", used);
  const auto* above = in.optional("above", config_node::type::number);
  const auto* below = in.optional("below", config_node::type::number);
  const auto* clear = in.optional("clear", config_node::type::number);
  const auto keys = read_alert_keys(in);
  threshold_rule rule;
  if (above != nullptr && below != nullptr)
    in.fail(*below, "above or below, not both: make two operators");
  if (clear != nullptr && above == nullptr && below == nullptr)
    in.fail(*clear, "clear needs above or below");
  if (const auto* limit = above != nullptr ? above : below) {
    rule.which = above != nullptr ? threshold_rule::kind::above : threshold_rule::kind::below;
    rule.limit = limit->number;
    rule.clear = clear != nullptr ? clear->number : rule.limit;
    if (above != nullptr && rule.clear > rule.limit)
      in.fail(*clear, "clear must not be above the limit");
    if (above == nullptr && rule.clear < rule.limit)
      in.fail(*clear, "clear must not be below the limit");
  }
  if (!value) return nullptr;
  if (used.empty()) {
    if (const auto* node = in.optional("value", config_node::type::text))
      in.fail(*node, "the expression names no telemetry: it could never change");
    return nullptr;
  }
  return std::make_unique<threshold_operator>(rule, std::move(*value), std::move(used), keys);
}

} // namespace pollux::domain
