// SPDX-License-Identifier: Apache-2.0
// One round of a state machine: what one reading, or one timer, makes it do.
#pragma once
#include "domain/machine/machine_rules.hpp"
#include "domain/twin/row.hpp"
#include "domain/twin/step_context.hpp"

namespace pollux::domain {

class machine_round {
public:
  /// `reading`: nullptr when a timer has gone off.
  machine_round(const twin_operator& machine, const machine_rules& rules, machine_state& state,
                step_context& at, const row* reading)
      : machine_(machine), rules_(rules), state_(state), at_(at), reading_(reading),
        view_(rules.names, at.twin, state, reading), before_(state.at), after_(state.at) {}

  /// The machine begins: on_enter of its initial state.
  void begin();
  /// on_input, and perhaps a transition.
  void run();

private:
  [[nodiscard]] bool holds(const machine_event& e) const;
  /// on_enter or on_exit, or the events of on_input. Gives the transition that holds, if any.
  const machine_event* judge(const machine_events& list);
  void consume(const machine_events& list);
  void enter(std::uint32_t place, const machine_event* by);
  void act(const machine_event& e);
  void perform(const machine_action& a, const machine_event& e);
  void set(const machine_action& a);
  void start(const machine_action& a);
  void request(const machine_action& a);
  void move_alert(const machine_action& a, const machine_event& e);
  [[nodiscard]] evidence prove(const machine_event* e) const;
  [[nodiscard]] std::int64_t event_time_ns() const noexcept {
    return reading_ != nullptr ? reading_->event_time_ns() : at_.now_ns;
  }

  const twin_operator& machine_;
  const machine_rules& rules_;
  machine_state& state_;
  step_context& at_;
  const row* reading_;
  machine_view view_;
  std::uint32_t before_, after_; ///< states, for the evidence
};

} // namespace pollux::domain
