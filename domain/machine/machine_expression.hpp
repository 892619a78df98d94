// SPDX-License-Identifier: Apache-2.0
// An expression of a state machine: && || ! and texts above domain/model/expression, which does all
// that is numbers. What is unknown does not take everything with it here, because a machine hears
// of its telemetry in several messages and of some of it never:
//
//   a || b   a side that is unknown counts as false
//   a && b   false when one side is false, else unknown when one side is
//   texts    == and != between texts; unknown when one is
#pragma once
#include "domain/machine/machine_names.hpp"
#include "domain/model/registry.hpp"

namespace pollux::domain {

class machine_expression {
public:
  /// Reads `text`, noting in `names` (and in the scope's dependencies) what it uses. Errors:
  /// invalid_argument that names the part. At most 4,096 bytes, nested 32 deep.
  static result<machine_expression> parse(std::string_view text, machine_names& names,
                                          model_scope& scope);
  /// nullopt: unknown. Cost: no allocation.
  [[nodiscard]] std::optional<double> evaluate(const machine_view& view) const;
  [[nodiscard]] const std::string& text() const noexcept { return text_; }
  /// Operands it looks at, in the order they are named, each once.
  [[nodiscard]] const std::vector<std::uint32_t>& operands() const noexcept { return operands_; }

private:
  friend class machine_expression_reader;
  struct node {
    enum class kind : std::uint8_t { leaf, equal, differ, both, either, negated };
    kind what;
    std::uint32_t left, right; ///< nodes; leaf: index in leaves_; equal, differ: in texts_
  };
  [[nodiscard]] std::optional<double> evaluate(std::uint32_t at, const machine_view& view) const;

  std::string text_;
  std::vector<node> nodes_; ///< the last one is the root
  std::vector<expression> leaves_;
  std::vector<text_operand> texts_;
  std::vector<std::uint32_t> operands_;
};

/// Reads a text: "literal", a telemetry of texts, or var.<name> of a text. Errors:
/// invalid_argument.
[[nodiscard]] result<text_operand> read_text_operand(std::string_view text, machine_names& names,
                                                     model_scope& scope);

} // namespace pollux::domain
