// SPDX-License-Identifier: Apache-2.0
// Conditions of a model as small programs: parsed once, evaluated without allocation.
//
//   temperature > 90 && (door_open || temperature_5m.mean > 80) && abs(delta) < 3
//
// Numbers, booleans (as 0 and 1), + - * /, comparison, && || !, parentheses, abs min max sqrt.
// Names: a telemetry, or `<window>.<statistic>` (count mean sd psd min max); a name of other bytes
// stands between single quotes: 'flow rate'. A name without a value yet makes the whole result
// unknown (nullopt), never zero; so does any intermediate result that is not finite.
#pragma once
#include "domain/base/result.hpp"
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::domain {

/// What a name stands for: an operand number the evaluator asks its source for.
using name_resolver = std::function<std::optional<std::uint32_t>(std::string_view name)>;

/// What a call with plain arguments stands for, as last(a.temperature) in a pattern: an operand
/// number, an error to report, or nothing when it is none of the resolver's functions.
using call_resolver = std::function<std::optional<result<std::uint32_t>>(
    std::string_view function, const std::vector<std::string_view>& arguments)>;

/// Values at evaluation; `operand` is what the resolver answered.
class operand_source {
public:
  virtual ~operand_source() = default;
  [[nodiscard]] virtual std::optional<double> operand(std::uint32_t id) const = 0;
};

class expression {
public:
  /// Errors: invalid_argument with the byte offset (from 1) and what was expected; unknown names
  /// are reported with the nearest of `known_names`. At most 256 instructions, depth 32.
  static result<expression> parse(std::string_view text, const name_resolver& names,
                                  const std::vector<std::string_view>& known_names = {},
                                  const call_resolver& calls = {});
  [[nodiscard]] std::optional<double> evaluate(const operand_source& source) const;
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
  class parser;
  enum class code : std::uint8_t {
    number,
    operand,
    add,
    sub,
    mul,
    div,
    neg,
    lt,
    le,
    gt,
    ge,
    eq,
    ne,
    land,
    lor,
    lnot,
    abs,
    min,
    max,
    sqrt
  };
  struct instruction {
    code op;
    std::uint32_t operand;
    double number;
  };
  static double combine(code op, double left, double right) noexcept;
  std::string text_;
  std::vector<instruction> program_; ///< postfix
};

} // namespace pollux::domain
