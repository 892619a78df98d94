// SPDX-License-Identifier: Apache-2.0
// Inputs: all that ever reaches a twin. A twin is a pure function of the sequence of these.
// Views point into the journal segment (or test fixture) that carries the input; a twin copies
// what it keeps. One `input` object is decoded into again and again, so its vectors stay warm.
#pragma once
#include "domain/twin/value.hpp"
#include <compare>
#include <cstdint>
#include <string_view>
#include <vector>

namespace pollux::domain {

/// A place in a shard's log: epoch (24 bits, raised at every start) and offset (40 bits).
/// Opaque to the domain: increasing per shard, not dense. Zero is before everything.
struct position {
  std::uint64_t value = 0;
  auto operator<=>(const position&) const = default;
};

/// One input: the position of its segment and its index there.
struct input_id {
  position at;
  std::uint32_t index = 0;
  auto operator<=>(const input_id&) const = default;
};

/// Persisted: never renumber. Below 32 an input is one twin's own; from 32 on it is shard-wide
/// (decision 7) and reaches every twin of the shard, in order, at the latest before its next own
/// input.
enum class input_kind : std::uint8_t {
  none = 0,
  readings = 1,
  command_requested = 2,
  command_replied = 3,
  alert_acknowledged = 4,
  tick = 5,
  twin_created = 6,
  twin_deleted = 7,
  connection_changed = 8,
  alert_action = 9, ///< an operator deals with an alert, a rule, or the twin as a whole
  child_alert = 10, ///< an alert of a twin below this one changed
  parent_changed = 11,
  properties_changed = 12, ///< what people say of the twin: a text it keeps and does not read
  model_changed = 32,
  node_started = 33,
  ingress_changed = 34,
  input_skipped = 35,
};

[[nodiscard]] constexpr bool is_shard_wide(input_kind kind) noexcept {
  return static_cast<std::uint8_t>(kind) >= 32;
}

/// What an operator does (alert_action). Persisted: never renumber. An acknowledgement is an input
/// of its own.
enum class alert_verb : std::uint8_t {
  none = 0,
  clear = 1,  ///< ends the incident; a rule whose condition still holds raises anew
  reset = 2,  ///< ends a latched incident, whose condition is gone
  snooze = 3, ///< nothing is published of the incident until `expires_at_ns`
  shelve = 4, ///< nothing is published of the rule until `expires_at_ns`
  unshelve = 5,
  assign = 6, ///< `detail` is responsible; empty: nobody
  comment = 7,
  start_maintenance = 8, ///< nothing is published of the twin until `expires_at_ns`
  stop_maintenance = 9,  ///< `incident`: the id its start was given; empty: all of them
};

/// One named value of a reading, or one named argument of a command.
struct field {
  std::string_view name;
  value_view value;
};

/// What a device measured at one instant: `count` fields from `first` in input::fields.
struct reading {
  std::int64_t event_time_ns = 0; ///< the device's time; the ingest time where it sent none
  std::uint64_t sequence = 0;     ///< the device's own running number; 0 = it has none
  std::uint32_t first = 0;
  std::uint32_t count = 0;
};

inline constexpr std::size_t max_readings_per_input = 1000;

/// One input. Only the members of its kind mean anything.
struct input {
  input_id id;
  input_kind kind = input_kind::none;
  std::int64_t ingest_time_ns = 0; ///< our clock when it was journaled; may step back

  // readings: in arrival order. Also the arguments of a command (one row's worth, in `fields`)
  // and the values a command reply reports.
  std::vector<reading> readings;
  std::vector<field> fields;

  // command_requested, command_replied
  std::string_view command_id;    ///< chosen by the requester; idempotency key
  std::string_view command_name;  ///< requested: a name of the model, e.g. set_setpoint
  std::int64_t expires_at_ns = 0; ///< requested: ingest time after which it must not be carried out
  bool accepted = false;          ///< replied: the device's verdict

  // alert_acknowledged: incident as text of an effect id; who and why
  std::string_view incident;
  std::string_view by;     ///< also the issuer of a command
  std::string_view detail; ///< also a device's words in its reply, and why an input was skipped

  // alert_action: the verb, on an `incident` or on a `rule`, with `by`, `detail` and
  // `expires_at_ns`. child_alert: `by` is the child's id, `command_id` its effect's id, `incident`
  // its incident, `rule` the group, `detail` the message, `timer` the severity, `accepted` whether
  // the alert stands, `generation` how many twins it has come up through, `expires_at_ns` its
  // event time.
  // parent_changed: `rule` is the parent's id; empty: none.
  // properties_changed: `detail` is the whole text from now on, `by` who says so, `generation` the
  // number of changes before this one, plus one; 0: whatever it is.
  alert_verb verb = alert_verb::none;
  std::string_view rule;

  // tick: a timer that really fell due
  std::uint32_t timer = 0;
  std::uint64_t generation = 0;

  // twin_created, model_changed: the model's content hash (32 hex digits). model_changed also has
  // `by`, and in `detail` the glob of the twins it is for; empty: all of the model.
  std::string_view model_hash;
  std::string_view model_name;
  std::uint32_t incarnation = 0; ///< twin_created, twin_deleted

  // connection_changed, ingress_changed
  bool connected = false;

  // input_skipped: the poisoned input that is passed over, in live run and replay alike
  input_id skipped;

  /// Back to an empty input that keeps its vectors' memory.
  void clear();
};

} // namespace pollux::domain
