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

/// What an independent checker needs to recompute the verdict.
struct evidence {
  std::string field; ///< telemetry judged, empty where none
  std::vector<named_number>
      numbers;                   ///< value, limit, mean, sd, z, n, min, max, ... in a fixed order
  std::vector<named_time> times; ///< armed, window_from, window_to, ...
  std::vector<std::int64_t>
      event_times_ns;      ///< of the readings that took part, oldest first, at most 64
  std::string explanation; ///< one sentence for people
};

/// One transition of an alert. `emitted` alerts (emit = each) have no life of their own.
struct alert_effect {
  alert_transition transition = alert_transition::raised;
  effect_id incident; ///< id of the effect that raised it; its own id for raised and emitted
  std::string rule;   ///< the operator's name in the model
  severity level = severity::warning;
  std::int64_t event_time_ns = 0;
  std::string message;
  std::string by;    ///< acknowledged: who
  bool late = false; ///< found only when a late reading had come
  evidence proof;
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
