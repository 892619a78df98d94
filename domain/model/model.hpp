// SPDX-License-Identifier: Apache-2.0
// A model: what a kind of twin measures, which commands it takes, and the operators that judge it.
// Compiled once from a config tree, immutable, shared by all twins of that model version.
#pragma once
#include "domain/alert/maintenance_plan.hpp"
#include "domain/base/result.hpp"
#include "domain/model/config_node.hpp"
#include "domain/model/event_time.hpp"
#include "domain/model/retention.hpp"
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::domain {

class twin_operator; // domain/model/operator.hpp

enum class telemetry_type : std::uint8_t { number, integer, boolean, text, samples };

struct telemetry_spec {
  std::string name;
  std::string unit;
  telemetry_type type = telemetry_type::number;
  double min, max; ///< readings outside are quarantined by the bridge; -inf, +inf where not given
};

/// Interlocks of one command with one numeric argument (the setpoint); further arguments pass
/// through.
struct command_spec {
  std::string name;
  std::string argument;             ///< name of the guarded numeric argument, empty = none
  double min, max;                  ///< inclusive
  double max_step;                  ///< largest change against the last confirmed value; +inf = any
  std::int64_t min_interval_ns = 0; ///< between two dispatched commands (rate)
  std::int64_t default_ttl_ns =
      0; ///< how long an answer is awaited, when the request names no expiry
};

inline constexpr std::size_t max_telemetry = 256; ///< declared names in a model
inline constexpr std::size_t max_operators = 256; ///< operators in a model
inline constexpr std::size_t max_commands = 256;  ///< commands in a model

/// The operators that late readings undo, and those they do not (operator_hooks::live, or a timer).
struct operators_by_time {
  std::vector<const twin_operator*> judging, observing, watching, keeping; ///< undone and redone
  std::vector<const twin_operator*> live_judging, live_observing;
  std::vector<bool> live; ///< by operator index
};

struct model {
  std::string name; ///< "motor"
  std::string kind; ///< device, vehicle, building, motor, ...
  std::string hash; ///< content hash, 32 hex digits, set by the codec (decision 23)
  std::vector<telemetry_spec> telemetry; ///< slot = index
  std::vector<command_spec> commands;
  std::vector<std::unique_ptr<const twin_operator>> operators; ///< in evaluation order
  event_time_rule event_time;
  retention_rule retention;
  std::vector<maintenance_plan> maintenance;

  // What the operators together need, gathered by compile():
  std::vector<std::int64_t>
      series_span_ns; ///< per telemetry slot: the longest window, 0 = no series
  std::vector<std::size_t> series_entries; ///< per telemetry slot: the most readings a series keeps
  std::vector<std::int16_t> series_index; ///< per telemetry slot: which series of a twin, -1 = none
  std::size_t series_count = 0;
  std::size_t state_count = 0;                 ///< operators that keep a state in each twin
  std::vector<const twin_operator*> judging;   ///< those that judge a reading before it joins
  std::vector<const twin_operator*> observing; ///< those that look at it afterwards
  std::vector<const twin_operator*> timed;     ///< those that may want a wake-up
  std::vector<const twin_operator*> watching;  ///< those that wait for the watermark
  operators_by_time by_time;

  model();
  model(model&&) noexcept;
  model& operator=(model&&) noexcept;
  ~model();

  [[nodiscard]] int telemetry_slot(std::string_view name) const noexcept; ///< -1 when undeclared
  /// The same, looking at `hint` first: a device names its fields in the same order every time.
  [[nodiscard]] int telemetry_slot(std::string_view name, std::size_t hint) const noexcept;
  [[nodiscard]] const twin_operator* find_operator(std::string_view name) const noexcept;
  [[nodiscard]] const command_spec* find_command(std::string_view name) const noexcept;
};

/// Compiles a config tree. Errors: invalid_argument "line:column: ..." naming the nearest valid
/// key.
[[nodiscard]] result<model> compile(const config_node& root);

/// "window@1 threshold@1 ...": operator types with the revision of their code; enters the model's
/// hash, so a corrected operator is a new model version (decision 23).
[[nodiscard]] std::string operator_revisions(const model& m);

} // namespace pollux::domain
