// SPDX-License-Identifier: Apache-2.0
// A state machine: where a device stands, told by conditions over what it reports, variables and
// timers. It begins with the first reading that brings something it looks at: on_enter of the
// initial state, then on_input.
//
//   a reading, or a timer that fell due
//     on_input    events whose conditions hold act; then the first transition that holds is taken
//     transition  its actions, on_exit of the old state, on_enter of the new one; no further
//                 transition before the next reading or timer
//
// Conditions that are unknown do not hold. Timers follow the twin's ingest clock, and so does the
// machine as a whole: late readings do not undo it. A timer that is due when a reading comes goes
// off before it; several go off in the order they were due. One that was running when the node
// started falls due restart_grace after that at the earliest (never later than a full run of it),
// so that what the node has missed is not held against the device.
#pragma once
#include "domain/machine/machine_rules.hpp"

namespace pollux::domain {

class state_machine final : public twin_operator {
public:
  explicit state_machine(machine_rules rules) : rules_(std::move(rules)) {}
  [[nodiscard]] operator_hooks hooks() const noexcept override {
    return {.judge = true, .observe = true, .timer = true, .state = true, .live = true};
  }
  /// Timers that are due before this reading.
  void judge(row& reading) const override;
  void observe(row& reading) const override;
  [[nodiscard]] std::int64_t due_ns(const twin_state::body& twin) const override;
  void fall_due(step_context& at) const override;
  /// `state`: the index of the state; then the variables that are no texts. Unknown before it
  /// began.
  [[nodiscard]] std::vector<operator_output> outputs() const override;
  [[nodiscard]] std::optional<double> output(const twin_state::body& twin,
                                             std::uint32_t which) const override;
  void save(const operator_state& state, byte_writer& out) const override;
  [[nodiscard]] std::unique_ptr<operator_state> load(byte_reader& in) const override;
  [[nodiscard]] std::size_t state_bytes(const operator_state& state) const override;
  [[nodiscard]] described_rule explain(const twin_state::body& twin,
                                       std::int64_t now_ns) const override;
  [[nodiscard]] const machine_rules& rules() const noexcept { return rules_; }

private:
  [[nodiscard]] std::unique_ptr<machine_state> blank() const;
  [[nodiscard]] const machine_state* state_in(const twin_state::body& twin) const {
    return static_cast<const machine_state*>(state_of(twin));
  }
  /// Ingest time at which a running timer goes off.
  [[nodiscard]] std::int64_t due_of(const running_timer& t, const twin_state::body& twin) const;
  [[nodiscard]] int next_timer(const machine_state& s, const twin_state::body& twin) const;

  machine_rules rules_;
};

/// Keys: evaluation, restart_grace, variables, timers, inputs, initial, states.
[[nodiscard]] std::unique_ptr<twin_operator> read_state_machine(object_reader& in,
                                                                model_scope& scope);

/// doubts_about() every state machine of the model, each with the operator's name in front.
[[nodiscard]] std::vector<std::string> machine_doubts(const model& m);

} // namespace pollux::domain
