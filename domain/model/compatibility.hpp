// SPDX-License-Identifier: Apache-2.0
// What a twin keeps when its model changes. One place decides it: domain/twin/lifecycle acts by it,
// `pollux model diff` tells it beforehand (docs/models.md, "Changing a model").
#pragma once
#include "domain/model/model.hpp"
#include <cstdint>
#include <string>
#include <vector>

namespace pollux::domain {

/// Why an operator does not go on with what it remembered.
enum class break_reason : std::uint8_t {
  none,
  type,       ///< the name now belongs to another type of operator
  revision,   ///< the code of its type was corrected
  definition, ///< its own keys (message, description, severity and life-cycle do not count)
  dependency, ///< an operator above that it refers to
  telemetry,  ///< a telemetry that it reads is of another type now
};

enum class operator_fate : std::uint8_t {
  kept,       ///< with its state; an alert that is open stays open
  reads_anew, ///< changed, but remembers nothing of its own: it goes on with the readings kept
  anew,       ///< begins as in a new twin; an open alert is withdrawn
  added,
  gone, ///< an open alert is withdrawn
};

enum class item_fate : std::uint8_t { same, changed, added, gone };

struct operator_change {
  std::string name, type;
  operator_fate fate = operator_fate::kept;
  break_reason why = break_reason::none;
  std::string cause;    ///< dependency: the operator; telemetry: its name
  bool alerts = false;  ///< it can have an alert open
  bool revised = false; ///< kept, but message, severity or what happens to its alerts is new
};

struct telemetry_change {
  std::string name;
  item_fate fate = item_fate::same;             ///< changed: of another type, its values begin anew
  bool limits = false;                          ///< same, but unit, min or max are new
  std::int64_t span_was_ns = 0, span_is_ns = 0; ///< of the readings kept; 0 = none
};

struct command_change {
  std::string name;
  item_fate fate = item_fate::same;
};

struct model_difference {
  std::vector<telemetry_change> telemetry; ///< in the new model's order, then those that are gone
  std::vector<command_change> commands;
  std::vector<operator_change> operators;
  bool event_time = false; ///< how late readings are treated

  /// Twins go on as if nothing had happened: no value, window, state or alert is given up.
  [[nodiscard]] bool keeps_everything() const noexcept;
};

/// Cost: proportional to the product of the models' names; a millisecond at most.
[[nodiscard]] model_difference compare(const model& was, const model& is);

/// The operator of `is` that goes on with what `op` of `was` remembers; nullptr when it begins
/// anew there, or is gone.
[[nodiscard]] const twin_operator* counterpart(const model& was, const twin_operator& op,
                                               const model& is);

[[nodiscard]] const char* to_string(operator_fate fate) noexcept;
[[nodiscard]] const char* to_string(item_fate fate) noexcept;
/// For people: "its definition changed".
[[nodiscard]] std::string wording(const operator_change& change);

} // namespace pollux::domain
