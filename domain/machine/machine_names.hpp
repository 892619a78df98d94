// SPDX-License-Identifier: Apache-2.0
// What expressions of a state machine may name beyond those of other operators: its variables as
// var.<name>, texts, and a few questions about the moment:
//
//   timeout(t)       the timer has fallen due, and nobody has looked since
//   arrived(x)       this reading brought the telemetry, or something of the input, x
//   unknown(x)       x has no value: never seen, or missing in the newest message of its input
//   by_timer()       it is a timer that made the machine look, not a reading
//   starts_with(a, b)   ends_with(a, b)   contains(a, b)     of texts
//
// They become operands of domain/model/expression. A text is "in double quotes", a telemetry of
// texts, or a variable that is a text.
#pragma once
#include "domain/alert/operands.hpp"
#include "domain/machine/machine_state.hpp"
#include "domain/twin/row.hpp"
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::domain {

enum class variable_type : std::uint8_t { number, boolean, text };

struct machine_variable {
  std::string name;
  variable_type type = variable_type::number;
  machine_value initial;
};
struct machine_timer {
  std::string name;
  std::int64_t duration_ns = 0;
};
/// Telemetry that comes in one message: what the newest one lacked is unknown.
struct machine_input {
  std::string name;
  std::vector<std::uint32_t> slots;
};

struct text_operand {
  enum class from : std::uint8_t { literal, telemetry, variable };
  from where = from::literal;
  std::uint32_t id = 0;
  std::string literal;
};

struct machine_operand {
  enum class kind : std::uint8_t {
    model, ///< a number of the model: telemetry, or an output of an operator above
    variable,
    timeout,
    arrived,       ///< id: telemetry slot
    input_arrived, ///< id: input
    unknown_model,
    unknown_text,
    unknown_variable,
    by_timer,
    starts_with,
    ends_with,
    contains
  };
  kind what = kind::model;
  std::uint32_t id = 0;
  int slot = -1; ///< telemetry it comes from
  std::string name;
  text_operand left, right;
};

/// The names of one machine, filled while it is read.
struct machine_names {
  std::vector<machine_variable> variables;
  std::vector<machine_timer> timers;
  std::vector<machine_input> inputs;
  std::vector<machine_operand> operands; ///< what ids in its expressions mean
  std::vector<std::uint32_t> slots;      ///< telemetry it looks at: what makes it run
  bool any_reading = false;              ///< it also looks at outputs that may change with any

  [[nodiscard]] int variable(std::string_view name) const noexcept; ///< -1: none
  [[nodiscard]] int timer(std::string_view name) const noexcept;
  [[nodiscard]] int input(std::string_view name) const noexcept;
  void look_at(int slot);
};

/// The values of one twin at one moment.
class machine_view final : public operand_source {
public:
  machine_view(const machine_names& names, const twin_state::body& twin, const machine_state& state,
               const row* reading)
      : names_(names), twin_(twin), state_(state), reading_(reading), model_(twin) {}
  [[nodiscard]] std::optional<double> operand(std::uint32_t id) const override;
  [[nodiscard]] std::optional<std::string_view> text(const text_operand& of) const;

private:
  [[nodiscard]] bool seen(int slot) const;
  [[nodiscard]] std::optional<double> match(const machine_operand& o) const;

  const machine_names& names_;
  const twin_state::body& twin_;
  const machine_state& state_;
  const row* reading_; ///< nullptr: a timer
  twin_operands model_;
};

} // namespace pollux::domain
