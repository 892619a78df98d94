// SPDX-License-Identifier: Apache-2.0
// What a state machine remembers about one twin: where it stands, its variables, its timers.
#pragma once
#include "domain/base/bytes.hpp"
#include "domain/base/time.hpp"
#include "domain/model/operator_state.hpp"
#include <cstdint>
#include <string>
#include <vector>

namespace pollux::domain {

inline constexpr std::size_t max_machine_states = 64;
inline constexpr std::size_t max_machine_variables = 64;
inline constexpr std::size_t max_machine_timers = 32;
inline constexpr std::size_t max_machine_events = 64;  ///< of one list
inline constexpr std::size_t max_machine_actions = 32; ///< of one event
inline constexpr std::size_t max_machine_text = 256;   ///< bytes of a variable; longer is cut

struct machine_value {
  bool known = false;
  double number = 0; ///< of a text: 0
  std::string text;  ///< of a number: empty
};

/// All times are the twin's ingest clock.
struct running_timer {
  std::int64_t due_ns = never;   ///< never: it does not run
  std::int64_t set_ns = no_time; ///< when it was started; no_time: it does not run
  std::int64_t duration_ns = 0;  ///< of the last start, for a restart; 0: never started, or stopped
  bool elapsed = false;          ///< it fell due, and nobody has looked since
};

/// Bounded by the machine: its variables, each at most max_machine_text, and its timers.
struct machine_state final : operator_state {
  std::uint32_t at = 0;            ///< index of the state
  std::int64_t since_ns = no_time; ///< when it was entered
  std::vector<machine_value> variables;
  std::vector<running_timer> timers;

  void save(byte_writer& out) const;
  /// Reads into variables and timers as they are sized. False on damage.
  [[nodiscard]] bool load(byte_reader& in, std::size_t states);
};

} // namespace pollux::domain
