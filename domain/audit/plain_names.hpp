// SPDX-License-Identifier: Apache-2.0
// What the names of an expression stand for at a row: telemetry, and windows of all plain kinds.
#pragma once
#include "domain/audit/plain_aggregates.hpp"
#include "domain/audit/plain_keyed.hpp"
#include "domain/twin/effect.hpp"
#include <set>

namespace pollux::domain::audit {

/// Follows the rows of one twin and knows each name at the newest of them.
class named_values {
public:
  explicit named_values(const config_node& model);
  /// Takes a row in; afterwards anything_new tells of this row alone.
  void learn(const row& r);
  [[nodiscard]] std::optional<double> operator()(std::string_view name);
  [[nodiscard]] const knowledge& known() const noexcept { return known_; }
  /// Telemetry that this row brought anew, or a window that closed at it.
  [[nodiscard]] bool brings(std::string_view name) const;

  std::string beyond;                 ///< a name that is not worked out here
  bool anything_new = false;          ///< the newest row brought something that was asked for
  bool asked_any = false;             ///< one of the names may change with any row
  std::map<std::string, double> used; ///< what was asked for since the row
  /// What an alert says of this row: where the twin keeps a sketch, any value within the sketch's
  /// stated error is taken for the exact one.
  const evidence* stated = nullptr;
  bool sketched = false; ///< such a value was asked for

private:
  std::optional<double> looked_up(std::string_view name);
  std::optional<double> of_window(const std::string& window, std::string_view what);
  plain_number of_readings(const std::string& window, std::string_view what, bool& understood);
  std::optional<double> as_stated(std::string_view name, const plain_number& exact);
  void learn_conditions(const row& r);
  [[nodiscard]] bool may_change_with_any(std::string_view name) const;

  const config_node& model_;
  knowledge known_;
  std::map<std::string, closing_panes> closing_;
  std::map<std::string, last_readings> last_;
  std::map<std::string, plain_window> sliding_;
  std::map<std::string, keyed_readings> keyed_;
  std::map<std::string, readings_while> while_;
  std::map<std::string, side_by_side> beside_;
};

} // namespace pollux::domain::audit
