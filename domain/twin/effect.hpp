// SPDX-License-Identifier: Apache-2.0
// Effects: all that leaves a twin. Each id is made of the input that caused it, so that replay
// makes the same ids and whoever delivers can tell what has already gone out. Effects are rare
// (a fraction of a percent of the readings), so they own their text.
#pragma once
#include "domain/twin/input.hpp"
#include <string>
#include <vector>

namespace pollux::domain {

/// (input, ordinal): unique per twin. As text: "<position hex16>-<index>-<ordinal>".
struct effect_id {
  input_id cause;
  std::uint32_t ordinal = 0;
  auto operator<=>(const effect_id&) const = default;
};

[[nodiscard]] std::string to_string(const effect_id& id);
/// Reads to_string's form. False when malformed.
[[nodiscard]] bool parse_effect_id(std::string_view text, effect_id& out) noexcept;

enum class effect_kind : std::uint8_t { alert = 1, command = 2, fault = 3 };
enum class alert_transition : std::uint8_t {
  raised = 1,
  cleared = 2,
  acknowledged = 3,
  emitted = 4,
  corrected = 5, ///< a late reading changed the evidence, the incident stays
  retracted = 6, ///< a late reading showed that there was nothing to raise or emit
  latched = 7,   ///< the condition is gone; it stays until an operator resets it
  reopened = 8,  ///< the condition is back, and it is the same incident
  snoozed = 9,
  shelved = 10, ///< without an alert: a record of its own, ended by unshelved
  unshelved = 11,
  suppressed = 12, ///< by the rule's suppress_while
  severity_changed = 13,
  flapping = 14, ///< it comes and goes; told no more until it is quiet
  settled = 15,  ///< it flaps no more
  escalated = 16,
  assigned = 17,
  commented = 18,
  maintenance_started = 19, ///< a record of its own, ended by maintenance_ended
  maintenance_ended = 20,
  members_changed = 21, ///< of an incident that stands for alerts of twins below
};
/// Why an alert's transition is recorded and not published. Persisted: never renumber.
enum class silence : std::uint8_t {
  none = 0,
  snoozed = 1,
  shelved = 2,
  suppressed = 3,
  maintenance = 4
};
enum class severity : std::uint8_t { info = 1, warning = 2, critical = 3 };
enum class command_phase : std::uint8_t {
  dispatched = 1,
  refused = 2,
  confirmed = 3,
  rejected = 4,
  timed_out = 5,
  confirmed_late = 6
};

[[nodiscard]] const char* to_string(alert_transition t) noexcept;
[[nodiscard]] const char* to_string(silence s) noexcept;
[[nodiscard]] const char* to_string(severity s) noexcept;
[[nodiscard]] const char* to_string(command_phase p) noexcept;

struct named_number {
  std::string name;
  double value = 0;
};
struct named_time {
  std::string name;
  std::int64_t time_ns = 0;
};

/// What a window held when a verdict was made: enough to recompute mean and standard deviation, and
/// to see whether the same readings were there.
struct window_digest {
  std::string name; ///< of the window operator, or the telemetry
  std::uint64_t count = 0;
  double mean = 0;
  double m2 = 0; ///< sum of squared deviations from the mean
  double min = 0, max = 0;
  std::int64_t from_ns = 0, to_ns = 0; ///< event times of the first and the last reading
};

/// One step of a story that was matched, oldest first.
struct path_stage {
  std::string stage;
  std::int64_t event_time_ns = 0;
  std::vector<named_number> numbers;
};

/// What an independent checker needs to recompute the verdict.
struct evidence {
  std::string field; ///< telemetry judged, empty where none
  std::vector<named_number>
      numbers;                   ///< value, limit, mean, sd, z, n, min, max, ... in a fixed order
  std::vector<named_time> times; ///< armed, window_from, window_to, ...
  std::vector<std::int64_t>
      event_times_ns;      ///< of the readings that took part, oldest first, at most 64
  std::string explanation; ///< one sentence for people
  std::vector<window_digest> windows;
  std::vector<path_stage> path; ///< at most max_path_stages, the newest
};

inline constexpr std::size_t max_path_stages = 64;

/// One transition of an alert. `emitted` alerts (emit = each) have no life of their own.
struct alert_effect {
  alert_transition transition = alert_transition::raised;
  effect_id incident; ///< id of the effect that raised it; its own id for raised and emitted
  std::string rule;   ///< the operator's name in the model
  severity level = severity::warning;
  std::int64_t event_time_ns = 0;
  std::string message;
  std::string by;    ///< who did it, where somebody did
  bool late = false; ///< found only when a late reading had come
  evidence proof;
  silence quiet = silence::none; ///< not none: recorded, not published
  std::string to;                ///< escalated, assigned: who
  std::int64_t until_ns = 0;     ///< snoozed, shelved, maintenance_started: ingest time; 0 = none
  std::string type;              ///< the operator's type
  std::uint32_t revision = 0;    ///< of the type's code; 0 = the rule is no operator
  std::string parent;            ///< id of the twin above that is to know; empty: none
  std::string group;             ///< under which the parent gathers it
  std::uint32_t depth = 0;       ///< twins it has come up through
  std::vector<std::string> members; ///< of an incident for twins below: "<twin> <incident>"
};

/// A step in a command's life. `dispatched` is what goes to the device.
struct command_effect {
  command_phase phase = command_phase::dispatched;
  std::string command_id;
  std::string name;
  std::vector<named_number> numbers;                      ///< numeric arguments (setpoint, ...)
  std::vector<std::pair<std::string, std::string>> texts; ///< text arguments
  std::int64_t expires_at_ns = 0;
  std::string detail; ///< why refused, or the device's words
};

/// step() met something it cannot use and says so instead of failing (an acknowledgement of an
/// unknown incident, a reply to an unknown command, more undeclared names than the bound).
struct fault_effect {
  std::string what;
};

struct effect {
  effect_id id;
  effect_kind kind = effect_kind::fault;
  std::int64_t ingest_time_ns = 0; ///< of the input that caused it
  std::string model_hash;          ///< the model version that ruled
  alert_effect alert;
  command_effect command;
  fault_effect fault;
};

using effects = std::vector<effect>;

} // namespace pollux::domain
