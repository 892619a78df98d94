// SPDX-License-Identifier: Apache-2.0
// A state machine as its model says it: states with lists of events, each a condition and actions,
// and transitions.
#pragma once
#include "domain/machine/machine_alert.hpp"
#include "domain/machine/machine_expression.hpp"
#include <optional>
#include <string>
#include <vector>

namespace pollux::domain {

struct command_argument {
  std::string name;
  std::optional<machine_expression> number;
  text_operand text; ///< when there is no number
};

struct machine_action {
  enum class kind : std::uint8_t {
    set,     ///< target: variable
    start,   ///< target: timer
    restart, ///< with the duration of its last start
    stop,
    raise,
    clear,
    emit,
    command
  };
  kind what = kind::set;
  std::uint32_t target = 0;
  std::optional<machine_expression> number; ///< set: the value; start: seconds, rounded down
  text_operand text;                        ///< set, when there is no number
  std::int64_t duration_ns = 0;             ///< start without seconds
  const machine_alert* alert = nullptr;
  std::string command;
  std::vector<command_argument> arguments;
};

struct machine_event {
  std::string name;
  std::optional<machine_expression> when; ///< absent: always
  std::vector<machine_action> actions;
  std::uint32_t next = 0; ///< of a transition: the state
};

/// Events that are looked at together.
struct machine_events {
  std::vector<machine_event> events;
  std::vector<machine_event> transitions; ///< the first whose condition holds is taken
  std::vector<std::uint32_t> timers;      ///< whose timeout() they look at
};

struct machine_place {
  std::string name;
  const machine_alert* alert = nullptr; ///< active while the machine is here
  machine_events on_enter, on_input, on_exit;
};

struct machine_rules {
  /// Batch: all conditions of a list are judged before any of its actions; else one event after
  /// another.
  bool batch = false;
  std::int64_t restart_grace_ns = 0;
  std::uint32_t initial = 0;
  std::vector<machine_place> places;
  machine_names names;
  std::vector<const machine_alert*> alerts; ///< those it moves
};

/// Reads a machine. Errors go to `in`.
[[nodiscard]] machine_rules read_machine_rules(object_reader& in, model_scope& scope);

/// What is allowed but hardly meant: states that cannot be reached, timers nobody looks at.
[[nodiscard]] std::vector<std::string> doubts_about(const machine_rules& rules);

} // namespace pollux::domain
