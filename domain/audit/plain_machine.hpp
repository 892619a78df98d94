// SPDX-License-Identifier: Apache-2.0
// State machines a second time (docs/models.md, "state_machine"): walked straight from the model's
// text, with states, variables and timers by their names. Shares nothing with domain/machine.
#pragma once
#include "domain/audit/plain_names.hpp"
#include "domain/audit/plain_rules.hpp"
#include "domain/base/time.hpp"
#include <variant>

namespace pollux::domain::audit {

struct machine_timer_now {
  std::int64_t due_ns = no_time, set_ns = no_time; ///< no_time: it does not run
  std::int64_t length_ns = 0;                      ///< of the last start
  bool elapsed = false;
};

/// What the machines of one twin look at, whichever of them asks.
struct machine_world {
  explicit machine_world(const config_node& of) : model(of), names(of) {}
  const config_node& model;
  named_values names;
  std::map<std::string, std::pair<std::int64_t, std::string>> texts; ///< newest, with its time
  std::set<std::string> fresh; ///< what this reading brought; empty: a timer, or nothing new
  bool by_timer = false;
  std::string why_not;
  [[nodiscard]] bool is_text(const std::string& telemetry) const;
  [[nodiscard]] std::int64_t time_of(const std::string& telemetry) const;
};

/// Expressions of one machine.
class machine_terms {
public:
  machine_terms(const config_node& machine, machine_world& world);
  [[nodiscard]] std::optional<double> number(std::string_view expression);
  [[nodiscard]] std::optional<std::string> text(std::string_view expression);
  /// What the expression names, with its value, but for variables.
  [[nodiscard]] std::map<std::string, double> looked_at(std::string_view expression);
  /// Timers it asks for.
  [[nodiscard]] std::set<std::string> timeouts(std::string_view expression);
  [[nodiscard]] bool is_text_variable(const std::string& name) const;

  std::map<std::string, std::variant<double, std::string>> variables; ///< those that are known
  std::map<std::string, machine_timer_now> timers;
  std::set<std::string> named; ///< all telemetry that was asked for so far
  bool any_reading = false;    ///< something that may change with any reading was asked for

private:
  [[nodiscard]] std::optional<double> leaf(std::string_view expression);
  [[nodiscard]] std::optional<double> value(const std::string& name);
  [[nodiscard]] std::optional<double> call(const std::string& function,
                                           const std::vector<std::string>& given);
  [[nodiscard]] bool names_text(std::string_view s) const;
  /// Not left out of the newest message of an input that it belongs to.
  [[nodiscard]] bool seen(const std::string& telemetry) const;
  [[nodiscard]] std::set<std::string> of_input(const std::string& name) const;

  const config_node& machine_;
  machine_world& world_;
  std::map<std::string, double> asked_;
  std::set<std::string> asked_timers_;
};

} // namespace pollux::domain::audit
