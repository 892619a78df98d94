// SPDX-License-Identifier: Apache-2.0
// The keys of a threshold.
#include "domain/alert/threshold.hpp"
#include "domain/model/registry.hpp"

namespace pollux::domain {
namespace {

using type = config_node::type;

/// Two finite numbers; false after an error.
bool read_pair(object_reader& in, const config_node& node, double& low, double& high) {
  if (node.kind == type::array && node.members.size() == 2 &&
      node.members[0].second.kind == type::number && node.members[1].second.kind == type::number) {
    low = node.members[0].second.number;
    high = node.members[1].second.number;
    // A difference that is not finite: one of them is not, or they lie too far apart to compare.
    if (high - low <= 1.7e308 && low <= high) return true;
    in.fail(node, "a range is [low, high] with low not above high");
    return false;
  }
  in.fail(node, "a range is [low, high]: two numbers");
  return false;
}

void read_range(object_reader& in, const config_node& limits, bool inside, threshold_rule& rule) {
  rule.which = inside ? threshold_rule::kind::inside : threshold_rule::kind::outside;
  if (!read_pair(in, limits, rule.limit, rule.high)) return;
  rule.clear = rule.limit;
  rule.clear_high = rule.high;
  if (inside && rule.limit == rule.high) in.fail(limits, "nothing lies inside an empty range");
  const auto* clear = in.optional("clear", type::array);
  if (clear == nullptr || !read_pair(in, *clear, rule.clear, rule.clear_high)) return;
  const bool wider = rule.clear <= rule.limit && rule.clear_high >= rule.high;
  const bool narrower = rule.clear >= rule.limit && rule.clear_high <= rule.high;
  if (inside && !wider) in.fail(*clear, "clear must not be narrower than inside");
  if (!inside && !narrower) in.fail(*clear, "clear must not be wider than outside");
}

void read_limit(object_reader& in, const config_node& limit, bool above, threshold_rule& rule) {
  rule.which = above ? threshold_rule::kind::above : threshold_rule::kind::below;
  rule.limit = limit.number;
  const auto* clear = in.optional("clear", type::number);
  rule.clear = clear != nullptr ? clear->number : rule.limit;
  if (above && rule.clear > rule.limit) in.fail(*clear, "clear must not be above the limit");
  if (!above && rule.clear < rule.limit) in.fail(*clear, "clear must not be below the limit");
}

threshold_rule read_limits(object_reader& in) {
  threshold_rule rule;
  const auto* above = in.optional("above", type::number);
  const auto* below = in.optional("below", type::number);
  const auto* outside = in.optional("outside", type::array);
  const auto* inside = in.optional("inside", type::array);
  const config_node* last = nullptr;
  int given = 0;
  for (const auto* node : {above, below, outside, inside}) {
    if (node == nullptr) continue;
    last = node;
    ++given;
  }
  if (given > 1) {
    in.fail(*last, "one of above, below, outside and inside, not both: make two operators");
  } else if (outside != nullptr || inside != nullptr) {
    read_range(in, *last, inside != nullptr, rule);
  } else if (above != nullptr || below != nullptr) {
    read_limit(in, *last, above != nullptr, rule);
  } else if (const auto* clear = in.optional("clear", type::number)) {
    in.fail(*clear, "clear needs above or below, outside or inside");
  }
  return rule;
}

hold_rule read_hold(object_reader& in) {
  hold_rule hold;
  hold.for_ns = in.duration_ns_or("for", 0);
  hold.within_ns = in.duration_ns_or("within", 0);
  hold.clear_for_ns = in.duration_ns_or("clear_for", 0);
  const auto* times = in.optional("times", type::number);
  const auto* within = in.optional("within", type::text);
  const double wanted = times != nullptr ? times->number : 1;
  if (!(wanted >= 1 && wanted <= max_hold_times) || wanted != static_cast<std::uint32_t>(wanted)) {
    in.fail(*times, "times is a whole number, 1 to 64");
    return hold;
  }
  hold.times = static_cast<std::uint32_t>(wanted);
  if (within != nullptr && hold.times < 2) in.fail(*within, "within needs times, 2 or more");
  if (within != nullptr && hold.for_ns > 0)
    in.fail(*within, "for and within exclude each other: a hold allows no reading in between");
  return hold;
}

} // namespace

std::unique_ptr<twin_operator> read_threshold(object_reader& in, model_scope& scope) {
  std::vector<named_operand> used;
  auto value = read_expression(in, scope, "value", used);
  const auto rule = read_limits(in);
  const auto hold = read_hold(in);
  std::optional<schedule> when;
  if (const auto* node = in.optional("active", type::object)) when = read_schedule(in, *node);
  const auto keys = read_alert_keys(in);
  if (!value) return nullptr;
  if (used.empty()) {
    if (const auto* node = in.optional("value", type::text))
      in.fail(*node, "the expression names no telemetry: it could never change");
    return nullptr;
  }
  return std::make_unique<threshold_operator>(rule, hold, std::move(when), std::move(*value),
                                              std::move(used), keys);
}

} // namespace pollux::domain
