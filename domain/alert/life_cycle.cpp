// SPDX-License-Identifier: Apache-2.0
#include "domain/alert/life_cycle.hpp"
#include "domain/model/registry.hpp"
#include <algorithm>
#include <array>
#include <cmath>

namespace pollux::domain {
namespace {

constexpr std::array<std::string_view, 9> keys = {"latch",      "dedup",          "flapping",
                                                  "levels",     "levels_by",      "escalate",
                                                  "escalation", "suppress_while", "parent_group"};

severity read_severity(object_reader& in, bool required) {
  if (required) (void)in.require("severity", config_node::type::text);
  return static_cast<severity>(in.choice_or("severity", {"info", "warning", "critical"}, 1) + 1);
}

// Reads each object of the array `key`; the first error goes to `in`.
template <class Read>
void each_step(object_reader& in, std::string_view key, const char* what, Read&& read) {
  const auto* list = in.optional(key, config_node::type::array);
  if (list == nullptr) return;
  if (list->members.empty() || list->members.size() > max_life_steps)
    in.fail(*list, "\"" + std::string(key) + "\" has 1 to 16 entries");
  for (const auto& [none, node] : list->members) {
    object_reader part(node, what);
    if (node.kind == config_node::type::object) read(part, node);
    if (auto s = part.finish(); !s) in.fail(config_node{}, s.error().what); // it names its place
  }
}

void read_levels(object_reader& in, life_cycle& out) {
  each_step(in, "levels", "level", [&](object_reader& part, const config_node& node) {
    value_step step;
    const auto* above = part.optional("above", config_node::type::number);
    const auto* below = part.optional("below", config_node::type::number);
    const auto* clear = part.optional("clear", config_node::type::number);
    step.level = read_severity(part, true);
    if ((above == nullptr) == (below == nullptr))
      return part.fail(node, "a level needs above or below, and not both");
    step.below = below != nullptr;
    step.limit = (above != nullptr ? above : below)->number;
    step.clear = clear != nullptr ? clear->number : step.limit;
    if (step.below ? step.clear < step.limit : step.clear > step.limit)
      return part.fail(*clear, "clear must lie on the mild side of the limit");
    if (!out.levels.empty() && (out.levels.back().below != step.below ||
                                (step.below ? step.limit >= out.levels.back().limit
                                            : step.limit <= out.levels.back().limit)))
      return part.fail(node, "levels go from the mildest limit to the worst, on one side");
    out.levels.push_back(step);
  });
  if (const auto* by = in.optional("levels_by", config_node::type::text)) {
    if (out.levels.empty()) in.fail(*by, "levels_by needs levels");
    out.levels_by = by->text;
  }
}

void read_steps(object_reader& in, life_cycle& out) {
  each_step(in, "escalate", "step", [&](object_reader& part, const config_node& node) {
    const time_step step{part.duration_ns("after"), read_severity(part, true)};
    if (!out.escalate.empty() && step.after_ns <= out.escalate.back().after_ns)
      return part.fail(node, "steps go from the soonest to the latest");
    out.escalate.push_back(step);
  });
  each_step(in, "escalation", "step", [&](object_reader& part, const config_node& node) {
    escalation_step step{part.duration_ns("after"), part.text("to")};
    if (step.to.size() > 128) return part.fail(node, "\"to\" has at most 128 bytes");
    if (!out.escalation.empty() && step.after_ns <= out.escalation.back().after_ns)
      return part.fail(node, "steps go from the soonest to the latest");
    out.escalation.push_back(std::move(step));
  });
}

void read_flapping(object_reader& in, life_cycle& out) {
  const auto* node = in.optional("flapping", config_node::type::object);
  if (node == nullptr) return;
  object_reader part(*node, "flapping");
  const double changes = part.number("changes");
  out.flap_within_ns = part.duration_ns("within");
  if (auto s = part.finish(); !s) return in.fail(config_node{}, s.error().what);
  if (!(changes >= 3 && changes <= max_flap_changes) || changes != std::floor(changes))
    return in.fail(*node, "changes is a whole number between 3 and 64");
  out.flap_changes = static_cast<std::uint32_t>(changes);
}

} // namespace

severity life_cycle::level_of(double value, severity now, severity base) const noexcept {
  for (auto step = levels.rbegin(); step != levels.rend(); ++step) {
    const double limit = now >= step->level && step->level > base ? step->clear : step->limit;
    if (step->below ? value < limit : value > limit) return step->level;
  }
  return base;
}

bool is_life_cycle_key(std::string_view key) noexcept {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

std::unique_ptr<const life_cycle> read_life_cycle(object_reader& in, model_scope& scope) {
  life_cycle out;
  out.latch = in.boolean_or("latch", false);
  out.dedup_ns = in.duration_ns_or("dedup", 0);
  read_flapping(in, out);
  read_levels(in, out);
  read_steps(in, out);
  out.group = in.text_or("parent_group", "");
  if (out.group.size() > 128)
    in.fail(*in.optional("parent_group", config_node::type::text),
            "\"parent_group\" has at most 128 bytes");
  if (in.optional("suppress_while", config_node::type::text) != nullptr) {
    std::vector<named_operand> used;
    out.suppress_while = read_expression(in, scope, "suppress_while", used);
  }
  const bool plain = !out.latch && out.dedup_ns == 0 && out.flap_changes == 0 &&
                     out.levels.empty() && out.escalate.empty() && out.escalation.empty() &&
                     !out.suppress_while && out.group.empty();
  return plain ? nullptr : std::make_unique<const life_cycle>(std::move(out));
}

} // namespace pollux::domain
