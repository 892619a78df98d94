// SPDX-License-Identifier: Apache-2.0
// The alerts of one twin that step() has to remember: at most one incident per rule, what operators
// have silenced, and what twins below have told. Which alerts went out, and their history, is the
// alert store's business.
#pragma once
#include "domain/base/bytes.hpp"
#include "domain/base/time.hpp"
#include "domain/twin/effect.hpp"
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::domain {

inline constexpr std::uint32_t group_rule = 0x80000000; ///< this bit: an incident of a child_group
/// Effects of one incident; beyond it what is not its end changes the state and is told no more.
inline constexpr std::uint32_t max_incident_effects = 200;
inline constexpr std::size_t max_shelves = 256;
inline constexpr std::size_t max_maintenance_windows = 16;
inline constexpr std::size_t max_child_groups = 64;
inline constexpr std::size_t max_group_members = 256; ///< named; more are only counted
inline constexpr std::size_t max_children = 10'000;   ///< twins below that ever told something

struct active_alert {
  effect_id incident;     ///< of the effect that raised it
  std::uint32_t rule = 0; ///< operator index, or group_rule and the index of a child_group
  severity level = severity::warning;
  std::int64_t raised_event_ns = 0;
  std::string message;
  bool acknowledged = false;
  std::string by;

  bool condition = true;   ///< the rule's verdict now
  bool latched = false;    ///< the condition is gone, an operator has yet to reset it
  bool flapping = false;   ///< its changes are not told
  bool told = true;        ///< whoever listens takes it for raised
  bool owes_clear = false; ///< it ended in silence: to be told when that ends
  bool closed = false;     ///< it is over; remembered for dedup and flapping
  silence quiet = silence::none;
  severity value_level = severity::warning;
  severity timed_level = severity::info;
  std::uint8_t escalated = 0; ///< steps of the escalation that are done
  std::uint32_t effects = 1;
  std::int64_t ringing_ns = 0; ///< ingest time of the last published raising
  std::int64_t snoozed_until_ns = no_time;
  std::int64_t closed_ns = no_time;
  std::uint64_t last_comment = 0; ///< a digest: the same comment again is not a second one
  std::string assignee;
  std::vector<std::int64_t>
      changes; ///< ingest times of raising and clearing, while flapping counts

  [[nodiscard]] bool open() const noexcept {
    return !closed && !owes_clear && (condition || latched || flapping);
  }
  [[nodiscard]] bool room() const noexcept { return effects < max_incident_effects; }
};

/// A rule that an operator has put aside for a while.
struct shelf {
  std::string rule;
  std::int64_t until_ns = 0;
  effect_id incident; ///< of the alert it was put aside with, else of the shelving itself
  std::string by, reason;
};
struct maintenance_window {
  effect_id id;
  std::int64_t until_ns = 0;
  std::string by, reason;
};

struct group_member {
  std::string child, incident;
  severity level = severity::warning;
};
/// Alerts of twins below, gathered into one incident.
struct child_group {
  std::string name;
  std::vector<group_member> members; ///< oldest first
  std::uint32_t unnamed = 0;         ///< beyond max_group_members
  std::uint32_t depth = 1;           ///< twins its alerts have come up through
};
/// The last effect of a child that was taken: what comes again is dropped.
struct child_mark {
  std::string child;
  effect_id upto;
};

class alert_table {
public:
  [[nodiscard]] const active_alert* of_rule(std::uint32_t rule) const noexcept;
  [[nodiscard]] active_alert* of_rule(std::uint32_t rule) noexcept;
  /// An incident that is open.
  [[nodiscard]] active_alert* of_incident(const effect_id& incident) noexcept;
  void add(active_alert alert) { active_.push_back(std::move(alert)); }
  void remove(std::uint32_t rule);
  /// Open ones, and those that are remembered or owed.
  [[nodiscard]] const std::vector<active_alert>& all() const noexcept { return active_; }
  [[nodiscard]] std::vector<active_alert>& all() noexcept { return active_; }
  [[nodiscard]] std::size_t open_count() const noexcept;
  /// Nothing that a save would have to hold.
  [[nodiscard]] bool empty() const noexcept;
  [[nodiscard]] const shelf* shelf_of(std::string_view rule) const noexcept;
  /// A new model: operator i becomes now[i]; below 0 it is gone, and with it what it had.
  void renumber(const std::vector<int>& now);
  [[nodiscard]] std::size_t heap_bytes() const noexcept;
  void save(byte_writer& out) const;
  /// `rules`: how many operators the model has. Reads every form since release 1. False on damage.
  [[nodiscard]] bool load(byte_reader& in, std::size_t rules);

  std::vector<shelf> shelves;                  ///< in the order they were made
  std::vector<maintenance_window> maintenance; ///< likewise
  std::vector<child_group> groups;             ///< an incident's rule points here
  std::vector<child_mark> children;            ///< sorted by child
  std::string parent;                          ///< the twin above; empty: none

private:
  [[nodiscard]] bool load_active(byte_reader& in, std::size_t rules, std::size_t count, bool plain);
  [[nodiscard]] bool load_silences(byte_reader& in);
  [[nodiscard]] bool load_children(byte_reader& in);
  std::vector<active_alert> active_; // oldest first
};

void save(const effect_id& id, byte_writer& out);
[[nodiscard]] effect_id load_effect_id(byte_reader& in);

} // namespace pollux::domain
