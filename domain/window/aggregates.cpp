// SPDX-License-Identifier: Apache-2.0
#include "domain/window/aggregates.hpp"
#include "domain/model/config_node.hpp"
#include <algorithm>
#include <string>

namespace pollux::domain {

const std::vector<aggregate>& all_aggregates() {
  using k = aggregate_kind;
  static const std::vector<aggregate> all = {
      {"count", k::count},
      {"mean", k::mean},
      {"sd", k::sd},
      {"psd", k::psd},
      {"min", k::min},
      {"max", k::max},
      {"sum", k::sum},
      {"range", k::range},
      {"first", k::first},
      {"last", k::last},
      {"delta", k::delta},
      {"rate", k::rate},
      {"slope", k::slope},
      {"ewma", k::ewma},
      {"distinct", k::distinct},
      {"time_weighted_mean", k::time_weighted_mean},
      {"counter_delta", k::counter_delta},
      {"circular_mean", k::circular_mean},
      {"p1", k::quantile, 10},
      {"p5", k::quantile, 50},
      {"p10", k::quantile, 100},
      {"p25", k::quantile, 250},
      {"p50", k::quantile, 500},
      {"p75", k::quantile, 750},
      {"p90", k::quantile, 900},
      {"p95", k::quantile, 950},
      {"p99", k::quantile, 990},
      {"p999", k::quantile, 999},
  };
  return all;
}

void aggregate_plan::choose(const aggregate& a) {
  using k = aggregate_kind;
  chosen.push_back(a);
  sum = sum || a.kind == k::sum || a.kind == k::mean;
  extremes = extremes || a.kind == k::min || a.kind == k::max || a.kind == k::range ||
             a.kind == k::quantile; // a sketch holds its quantiles within them
  moments = moments || a.kind == k::sd || a.kind == k::psd;
  slope = slope || a.kind == k::slope;
  ewma = ewma || a.kind == k::ewma;
  area = area || a.kind == k::time_weighted_mean;
  distinct = distinct || a.kind == k::distinct;
  quantiles = quantiles || a.kind == k::quantile;
  circular = circular || a.kind == k::circular_mean;
  counter = counter || a.kind == k::counter_delta;
}

aggregate_plan read_aggregates(object_reader& in) {
  aggregate_plan plan;
  const auto& all = all_aggregates();
  const auto* list = in.optional("aggregates", config_node::type::array);
  plan.half_life_ns = in.duration_ns_or("half_life", 0);
  if (list == nullptr) {
    for (std::size_t i = 0; i < basic_aggregates; ++i) plan.choose(all[i]);
  } else if (list->members.empty()) {
    in.fail(*list, "aggregates names at least one");
  } else {
    for (const auto& [key, node] : list->members) {
      const auto named = [&](const aggregate& a) { return a.name == node.text; };
      const auto found = node.kind == config_node::type::text
                             ? std::find_if(all.begin(), all.end(), named)
                             : all.end();
      if (found == all.end()) {
        std::vector<std::string_view> known;
        for (const auto& a : all) known.push_back(a.name);
        const auto close = nearest(node.text, known);
        in.fail(node, "no aggregate \"" + node.text + "\"" +
                          (close.empty() ? "" : "; did you mean \"" + std::string(close) + "\"?"));
        return plan;
      }
      if (std::any_of(plan.chosen.begin(), plan.chosen.end(), named)) {
        in.fail(node, "\"" + node.text + "\" stands in the list already");
        return plan;
      }
      plan.choose(*found);
    }
  }
  const auto* half_life = in.optional("half_life", config_node::type::text);
  if (plan.ewma && half_life == nullptr && list != nullptr)
    in.fail(*list, "ewma needs \"half_life\", as \"1m\"");
  if (!plan.ewma && half_life != nullptr) in.fail(*half_life, "half_life belongs to \"ewma\"");
  return plan;
}

} // namespace pollux::domain
