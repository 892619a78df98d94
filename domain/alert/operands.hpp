// SPDX-License-Identifier: Apache-2.0
// What the names of a model's expressions stand for: a telemetry's newest value, or an output of an
// operator above, such as a statistic of a window that ends with the newest reading.
#pragma once
#include "domain/model/expression.hpp"
#include "domain/window/window_operator.hpp"
#include <string>
#include <vector>

namespace pollux::domain {

/// One name an expression uses.
struct named_operand {
  std::string name;
  std::uint32_t id;
  int slot; ///< of the telemetry it comes from; -1: of several
};

/// What `name` stands for in the model so far, noted as a dependency; nullopt when nothing.
[[nodiscard]] std::optional<named_operand> resolve_operand(model_scope& scope,
                                                           std::string_view name);
/// All names an expression may use: for "did you mean".
[[nodiscard]] std::vector<std::string> operand_names(const model& m);

/// Reads the required text `key` as an expression over the model so far; notes what it uses.
/// nullopt after an error in `in`.
[[nodiscard]] std::optional<expression> read_expression(object_reader& in, model_scope& scope,
                                                        std::string_view key,
                                                        std::vector<named_operand>& used);

/// The values of one twin, right now. Cheap to make; remembers the last window it looked into.
class twin_operands final : public operand_source {
public:
  explicit twin_operands(const twin_state::body& twin) : twin_(twin) {}
  [[nodiscard]] std::optional<double> operand(std::uint32_t id) const override;
  [[nodiscard]] const twin_state::body& twin() const noexcept { return twin_; }

private:
  const twin_state::body& twin_;
  mutable std::uint32_t window_ = 0;
  mutable bool looked_ = false;
  mutable window_statistics statistics_;
};

} // namespace pollux::domain
