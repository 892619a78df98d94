// SPDX-License-Identifier: Apache-2.0
// A condition worked out straight from its text, each time anew: the second opinion beside
// domain/model/expression, with which it shares nothing.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::domain::audit {

/// Value of a name; nullopt while it has none.
using value_of = std::function<std::optional<double>(std::string_view name)>;

struct plain_result {
  bool understood = false;     ///< the text is within the grammar known here
  std::optional<double> value; ///< nullopt: a name without value, or a result that is not finite
};

/// Functions beyond the grammar's own, asked first, with the texts of their arguments. Not
/// understood: none of them.
using value_of_call =
    std::function<plain_result(const std::string& function, const std::vector<std::string>& given)>;

/// Grammar: numbers, true, false, names, 'quoted names', + - * /, < <= > >= == !=, && || !, abs,
/// min, max, sqrt, parentheses. Depth at most 64.
[[nodiscard]] plain_result evaluate(std::string_view text, const value_of& names,
                                    const value_of_call& calls = nullptr);

} // namespace pollux::domain::audit
