// SPDX-License-Identifier: Apache-2.0
// What the names of an expression stand for at a row: telemetry, and windows of all plain kinds.
#pragma once
#include "domain/audit/plain_windows.hpp"
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
  bool asked_closing = false;         ///< a window that closes was among the names
  std::map<std::string, double> used; ///< what was asked for since the row

private:
  std::optional<double> looked_up(std::string_view name);
  std::optional<double> of_window(const std::string& window, std::string_view what);

  const config_node& model_;
  knowledge known_;
  std::map<std::string, closing_panes> closing_;
  std::map<std::string, last_readings> last_;
  std::map<std::string, plain_window> sliding_;
};

} // namespace pollux::domain::audit
