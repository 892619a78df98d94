// SPDX-License-Identifier: Apache-2.0
#include "domain/alert/maintenance_plan.hpp"
#include "domain/model/config_node.hpp"

namespace pollux::domain {
namespace {

// The beginning of the newest window that began at or before `now`; no_time when none did.
std::int64_t newest_beginning(const maintenance_plan& p, std::int64_t now_ns) noexcept {
  if (now_ns < p.from_ns || p.from_ns >= p.until_ns) return no_time;
  if (p.every_ns == 0) return p.from_ns;
  // none begins at or after until_ns
  const auto last = now_ns < p.until_ns ? now_ns : p.until_ns - 1;
  return p.from_ns + (last - p.from_ns) / p.every_ns * p.every_ns;
}

std::int64_t read_when(object_reader& in, std::string_view key, std::int64_t fallback) {
  const auto* node = in.optional(key, config_node::type::text);
  if (node == nullptr) return fallback;
  const auto parsed = parse_rfc3339(node->text);
  if (parsed) return *parsed;
  in.fail(*node, "\"" + std::string(key) + "\": " + parsed.error().what);
  return fallback;
}

} // namespace

bool maintenance_plan::holds(std::int64_t now_ns) const noexcept {
  const auto begun = newest_beginning(*this, now_ns);
  return begun != no_time && now_ns < saturating_add(begun, for_ns);
}

std::int64_t maintenance_plan::next_change_ns(std::int64_t now_ns) const noexcept {
  if (now_ns < from_ns) return from_ns < until_ns ? from_ns : never;
  const auto begun = newest_beginning(*this, now_ns);
  if (begun == no_time) return never;
  const auto end = saturating_add(begun, for_ns);
  if (now_ns < end) return end;
  const auto next = every_ns == 0 ? never : saturating_add(begun, every_ns);
  return next < until_ns ? next : never;
}

std::vector<maintenance_plan> read_maintenance(object_reader& in) {
  std::vector<maintenance_plan> out;
  const auto* list = in.optional("maintenance", config_node::type::array);
  if (list == nullptr) return out;
  if (list->members.size() > max_maintenance_plans)
    in.fail(*list, "\"maintenance\" has at most 16 entries");
  for (const auto& [none, node] : list->members) {
    object_reader part(node, "maintenance");
    maintenance_plan plan;
    (void)part.require("from", config_node::type::text);
    plan.from_ns = read_when(part, "from", 0);
    plan.for_ns = part.duration_ns("for");
    plan.every_ns = part.duration_ns_or("every", 0);
    plan.until_ns = read_when(part, "until", never);
    part.text_or("description", "");
    if (plan.every_ns != 0 && plan.every_ns <= plan.for_ns)
      part.fail(node, "\"every\" must be longer than \"for\"");
    if (auto s = part.finish(); !s) in.fail(config_node{}, s.error().what);
    out.push_back(plan);
  }
  return out;
}

} // namespace pollux::domain
