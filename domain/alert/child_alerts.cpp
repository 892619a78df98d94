// SPDX-License-Identifier: Apache-2.0
// Alerts of twins below, gathered: one incident for each group, raised with the first member and
// cleared with the last.
#include "domain/alert/alert_actions.hpp"
#include "domain/alert/alert_desk.hpp"
#include <algorithm>

namespace pollux::domain {
namespace {

constexpr std::size_t max_id_bytes = 300;

/// False: it was taken before, or there are too many children.
bool is_new(step_context& at, alert_table& table, const effect_id& id) {
  auto& known = table.children;
  auto place =
      std::lower_bound(known.begin(), known.end(), at.in.by,
                       [](const child_mark& c, std::string_view child) { return c.child < child; });
  if (place != known.end() && place->child == at.in.by) {
    if (id <= place->upto) return false;
    place->upto = id;
    return true;
  }
  if (known.size() >= max_children) {
    at.fault("more than 10000 twins below tell of alerts; not taken: " + std::string(at.in.by));
    return false;
  }
  known.insert(place, {std::string(at.in.by), id});
  return true;
}

std::uint32_t group_named(step_context& at, alert_table& table) {
  auto& groups = table.groups;
  for (std::uint32_t i = 0; i < groups.size(); ++i)
    if (groups[i].name == at.in.rule) return i;
  if (groups.size() >= max_child_groups) {
    at.fault("more than 64 groups of alerts below; not taken: " + std::string(at.in.rule));
    return group_rule;
  }
  groups.push_back({std::string(at.in.rule), {}, 0, 1});
  return static_cast<std::uint32_t>(groups.size() - 1);
}

severity worst_of(const child_group& group) {
  auto level = severity::info;
  for (const auto& m : group.members) level = std::max(level, m.level);
  return level;
}

evidence proof_of(const step_context& at, const child_group& group) {
  evidence proof;
  proof.numbers = {
      {"members", static_cast<double>(group.members.size()) + static_cast<double>(group.unnamed)}};
  proof.explanation = std::string(at.in.by) + ": " + std::string(at.in.detail);
  return proof;
}

std::string member_text(const step_context& at) {
  return std::string(at.in.by) + " " + std::string(at.in.incident);
}

/// Brings the member in; true when the group has changed.
bool join(step_context& at, child_group& group, severity level) {
  for (auto& m : group.members)
    if (m.child == at.in.by && m.incident == at.in.incident) {
      const bool changed = m.level != level;
      m.level = level;
      return changed;
    }
  if (group.members.size() >= max_group_members)
    ++group.unnamed;
  else
    group.members.push_back({std::string(at.in.by), std::string(at.in.incident), level});
  return true;
}

bool leave(step_context& at, child_group& group) {
  const auto gone = std::erase_if(group.members, [&](const group_member& m) {
    return m.child == at.in.by && m.incident == at.in.incident;
  });
  if (gone != 0) return true;
  if (group.unnamed == 0) return false; // it was never here
  --group.unnamed;
  return true;
}

} // namespace

void take_child_alert(step_context& at) {
  if (at.twin.deleted) return;
  effect_id id;
  if (!parse_effect_id(at.in.command_id, id) || at.in.by.empty() ||
      at.in.by.size() > max_id_bytes || at.in.rule.empty() || at.in.rule.size() > max_id_bytes ||
      at.in.incident.size() > max_id_bytes || at.in.timer < 1 || at.in.timer > 3)
    return at.fault("an alert of a twin below that is not well formed");
  if (at.in.generation > max_parent_depth || at.in.by == at.twin.id)
    return at.fault("an alert came up through too many twins (is one its own parent?): " +
                    std::string(at.in.by));
  auto& table = at.twin.rarely().alerts;
  if (!is_new(at, table, id)) return;
  const auto index = group_named(at, table);
  if (index == group_rule) return;
  auto& group = table.groups[index];
  group.depth = static_cast<std::uint32_t>(std::max<std::uint64_t>(at.in.generation, 1));
  const auto level = static_cast<severity>(at.in.timer);
  if (at.in.accepted ? !join(at, group, level) : !leave(at, group)) return;

  alert_desk desk(at);
  alert_source source{
      group_rule | index, "children:" + group.name, "children", 0, worst_of(group), {}, nullptr};
  auto* alert = table.of_rule(source.rule);
  const auto event_time_ns = at.in.expires_at_ns; // the child's own
  if (group.members.empty() && group.unnamed == 0)
    return desk.clear(source, event_time_ns, proof_of(at, group));
  const auto before = at.out.size();
  if (alert == nullptr || !alert->condition) {
    desk.raise(source, event_time_ns, proof_of(at, group));
  } else {
    alert->level = alert->value_level = source.level;
    if (alert->room())
      desk.tell(*alert, alert_transition::members_changed, desk.silence_of(source, alert),
                event_time_ns, proof_of(at, group));
  }
  if (at.out.size() > before) at.out.back().alert.members = {member_text(at)};
}

} // namespace pollux::domain
