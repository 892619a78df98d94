// SPDX-License-Identifier: Apache-2.0
// Expressions of AWS IoT Events as trees: literals, $input and $variable references, operators,
// calls. Only the form is judged here; what a reference or a function means is the importer's.
#pragma once
#include "domain/base/result.hpp"
#include <string>
#include <string_view>
#include <vector>

namespace pollux::cli {

struct aws_node {
  enum class kind : std::uint8_t {
    number,
    text,
    boolean,
    input,    ///< name: the path, its parts joined by dots; input: the input's name
    variable, ///< name
    word,     ///< a bare word, as in convert(Decimal, ...)
    unary,    ///< name: ! - ~
    binary,   ///< name: the operator
    call      ///< name: the function
  };
  kind what = kind::number;
  std::string name;
  std::string input;
  double number = 0;
  bool boolean = false;
  bool whole = false;   ///< a number without a fraction; a literal
  bool indexed = false; ///< an input's path goes through an array
  std::vector<aws_node> parts;
  std::size_t at = 0; ///< byte in the expression, from 0

  [[nodiscard]] bool operator==(const aws_node& other) const;
};

/// Errors: invalid_argument "at character N: ...". At most 4,096 bytes, nested 32 deep. Untrusted
/// bytes are safe.
[[nodiscard]] result<aws_node> parse_aws_expression(std::string_view text);

/// "${...}" in a text: put together from values.
[[nodiscard]] bool is_template(std::string_view text) noexcept;

} // namespace pollux::cli
