// SPDX-License-Identifier: Apache-2.0
#include "domain/alert/alert_table.hpp"
#include "domain/alert/life_cycle.hpp"
#include <algorithm>

namespace pollux::domain {
namespace {

std::size_t heap_of(const std::string& s) noexcept {
  return s.capacity() > std::string{}.capacity() ? s.capacity() + 1 : 0;
}

bool known(std::uint8_t level) noexcept { return level >= 1 && level <= 3; }

// What the first release wrote of an alert; the rest follows in save_life().
void save_plain(const active_alert& a, byte_writer& out) {
  save(a.incident, out);
  out.u32(a.rule);
  out.u8(static_cast<std::uint8_t>(a.level));
  out.i64(a.raised_event_ns);
  out.text(a.message);
  out.boolean(a.acknowledged);
  out.text(a.by);
}

void save_life(const active_alert& a, byte_writer& out) {
  for (const bool b : {a.condition, a.latched, a.flapping, a.told, a.owes_clear, a.closed})
    out.boolean(b);
  out.u8(static_cast<std::uint8_t>(a.quiet));
  out.u8(static_cast<std::uint8_t>(a.value_level));
  out.u8(static_cast<std::uint8_t>(a.timed_level));
  out.u8(a.escalated);
  out.u32(a.effects);
  for (const auto t : {a.ringing_ns, a.snoozed_until_ns, a.closed_ns}) out.i64(t);
  out.u64(a.last_comment);
  out.text(a.assignee);
  out.u32(static_cast<std::uint32_t>(a.changes.size()));
  for (const auto t : a.changes) out.i64(t);
}

bool load_life(byte_reader& in, active_alert& a) {
  for (bool* b : {&a.condition, &a.latched, &a.flapping, &a.told, &a.owes_clear, &a.closed})
    *b = in.boolean();
  const auto quiet = in.u8();
  const auto value_level = in.u8();
  const auto timed_level = in.u8();
  if (quiet > 4 || !known(value_level) || !known(timed_level)) return false;
  a.quiet = static_cast<silence>(quiet);
  a.value_level = static_cast<severity>(value_level);
  a.timed_level = static_cast<severity>(timed_level);
  a.escalated = in.u8();
  a.effects = in.u32();
  for (auto* t : {&a.ringing_ns, &a.snoozed_until_ns, &a.closed_ns}) *t = in.i64();
  a.last_comment = in.u64();
  a.assignee = in.text();
  const auto changes = in.u32();
  if (changes > max_flap_changes) return false;
  for (std::uint32_t i = 0; i < changes; ++i) a.changes.push_back(in.i64());
  return in.ok() && a.escalated <= max_life_steps;
}

// A count that no first-release table can have: a table of the present form follows.
constexpr std::uint32_t second_form = 0xffffff02;

} // namespace

const active_alert* alert_table::of_rule(std::uint32_t rule) const noexcept {
  for (const auto& a : active_)
    if (a.rule == rule) return &a;
  return nullptr;
}

active_alert* alert_table::of_rule(std::uint32_t rule) noexcept {
  for (auto& a : active_)
    if (a.rule == rule) return &a;
  return nullptr;
}

active_alert* alert_table::of_incident(const effect_id& incident) noexcept {
  for (auto& a : active_)
    if (a.incident == incident && a.open()) return &a;
  return nullptr;
}

void alert_table::remove(std::uint32_t rule) {
  std::erase_if(active_, [&](const active_alert& a) { return a.rule == rule; });
}

std::size_t alert_table::open_count() const noexcept {
  return static_cast<std::size_t>(
      std::count_if(active_.begin(), active_.end(), [](const auto& a) { return a.open(); }));
}

bool alert_table::empty() const noexcept {
  return active_.empty() && shelves.empty() && maintenance.empty() && groups.empty() &&
         children.empty() && parent.empty();
}

const shelf* alert_table::shelf_of(std::string_view rule) const noexcept {
  for (const auto& s : shelves)
    if (s.rule == rule) return &s;
  return nullptr;
}

void alert_table::renumber(const std::vector<int>& now) {
  std::erase_if(active_, [&](active_alert& a) {
    if ((a.rule & group_rule) != 0) return false;
    const int next = a.rule < now.size() ? now[a.rule] : -1;
    if (next >= 0) a.rule = static_cast<std::uint32_t>(next);
    return next < 0;
  });
}

std::size_t alert_table::heap_bytes() const noexcept {
  std::size_t bytes = active_.capacity() * sizeof(active_alert) +
                      shelves.capacity() * sizeof(shelf) +
                      maintenance.capacity() * sizeof(maintenance_window) +
                      groups.capacity() * sizeof(child_group) +
                      children.capacity() * sizeof(child_mark) + heap_of(parent);
  for (const auto& a : active_)
    bytes += heap_of(a.message) + heap_of(a.by) + heap_of(a.assignee) +
             a.changes.capacity() * sizeof(std::int64_t);
  for (const auto& s : shelves) bytes += heap_of(s.rule) + heap_of(s.by) + heap_of(s.reason);
  for (const auto& w : maintenance) bytes += heap_of(w.by) + heap_of(w.reason);
  for (const auto& g : groups) {
    bytes += heap_of(g.name) + g.members.capacity() * sizeof(group_member);
    for (const auto& m : g.members) bytes += heap_of(m.child) + heap_of(m.incident);
  }
  for (const auto& c : children) bytes += heap_of(c.child);
  return bytes;
}

void alert_table::save(byte_writer& out) const {
  if (empty()) return out.u32(0);
  out.u32(second_form);
  out.u32(static_cast<std::uint32_t>(active_.size()));
  for (const auto& a : active_) {
    save_plain(a, out);
    save_life(a, out);
  }
  out.u32(static_cast<std::uint32_t>(shelves.size()));
  for (const auto& s : shelves) {
    out.text(s.rule);
    out.i64(s.until_ns);
    domain::save(s.incident, out);
    out.text(s.by);
    out.text(s.reason);
  }
  out.u32(static_cast<std::uint32_t>(maintenance.size()));
  for (const auto& w : maintenance) {
    domain::save(w.id, out);
    out.i64(w.until_ns);
    out.text(w.by);
    out.text(w.reason);
  }
  out.text(parent);
  out.u32(static_cast<std::uint32_t>(groups.size()));
  for (const auto& g : groups) {
    out.text(g.name);
    out.u32(g.unnamed);
    out.u32(g.depth);
    out.u32(static_cast<std::uint32_t>(g.members.size()));
    for (const auto& m : g.members) {
      out.text(m.child);
      out.text(m.incident);
      out.u8(static_cast<std::uint8_t>(m.level));
    }
  }
  out.u32(static_cast<std::uint32_t>(children.size()));
  for (const auto& c : children) {
    out.text(c.child);
    domain::save(c.upto, out);
  }
}

bool alert_table::load(byte_reader& in, std::size_t rules) {
  *this = alert_table{};
  auto count = in.u32();
  const bool plain = count != second_form;
  if (!plain) count = in.u32();
  if (count > rules + (plain ? 0 : max_child_groups)) return false;
  if (!load_active(in, rules, count, plain)) return false;
  if (plain) return in.ok();
  if (!load_silences(in) || !load_children(in) || !in.ok() || empty()) return false;
  for (const auto& a : active_)
    if ((a.rule & group_rule) != 0 && (a.rule & ~group_rule) >= groups.size()) return false;
  return true;
}

bool alert_table::load_active(byte_reader& in, std::size_t rules, std::size_t count, bool plain) {
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    active_alert a;
    a.incident = load_effect_id(in);
    a.rule = in.u32();
    const auto level = in.u8();
    const bool group = !plain && (a.rule & group_rule) != 0;
    if ((!group && a.rule >= rules) || !known(level) || of_rule(a.rule) != nullptr) return false;
    a.level = static_cast<severity>(level);
    a.raised_event_ns = in.i64();
    a.message = in.text();
    a.acknowledged = in.boolean();
    a.by = in.text();
    a.value_level = a.level;
    a.ringing_ns = a.raised_event_ns; // the first form does not say when we heard of it
    if (!plain && !load_life(in, a)) return false;
    active_.push_back(std::move(a));
  }
  return in.ok();
}

bool alert_table::load_silences(byte_reader& in) {
  const auto shelved = in.u32();
  if (shelved > max_shelves) return false;
  for (std::uint32_t i = 0; i < shelved && in.ok(); ++i) {
    shelf s;
    s.rule = in.text();
    s.until_ns = in.i64();
    s.incident = load_effect_id(in);
    s.by = in.text();
    s.reason = in.text();
    shelves.push_back(std::move(s));
  }
  const auto windows = in.u32();
  if (windows > max_maintenance_windows) return false;
  for (std::uint32_t i = 0; i < windows && in.ok(); ++i) {
    maintenance_window w;
    w.id = load_effect_id(in);
    w.until_ns = in.i64();
    w.by = in.text();
    w.reason = in.text();
    maintenance.push_back(std::move(w));
  }
  return in.ok();
}

bool alert_table::load_children(byte_reader& in) {
  parent = in.text();
  const auto group_count = in.u32();
  if (group_count > max_child_groups) return false;
  for (std::uint32_t i = 0; i < group_count && in.ok(); ++i) {
    child_group g;
    g.name = in.text();
    g.unnamed = in.u32();
    g.depth = in.u32();
    const auto members = in.u32();
    if (members > max_group_members) return false;
    for (std::uint32_t m = 0; m < members && in.ok(); ++m) {
      group_member member;
      member.child = in.text();
      member.incident = in.text();
      const auto level = in.u8();
      if (!known(level)) return false;
      member.level = static_cast<severity>(level);
      g.members.push_back(std::move(member));
    }
    groups.push_back(std::move(g));
  }
  const auto known_children = in.u32();
  if (known_children > max_children) return false;
  for (std::uint32_t i = 0; i < known_children && in.ok(); ++i) {
    child_mark c;
    c.child = in.text();
    c.upto = load_effect_id(in);
    if (!children.empty() && c.child <= children.back().child) return false;
    children.push_back(std::move(c));
  }
  return in.ok();
}

void save(const effect_id& id, byte_writer& out) {
  out.u64(id.cause.at.value);
  out.u32(id.cause.index);
  out.u32(id.ordinal);
}

effect_id load_effect_id(byte_reader& in) {
  effect_id id;
  id.cause.at.value = in.u64();
  id.cause.index = in.u32();
  id.ordinal = in.u32();
  return id;
}

} // namespace pollux::domain
