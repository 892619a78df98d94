// SPDX-License-Identifier: Apache-2.0
// AWS IoT Events declares no types: what telemetry and variables are is found from how they are
// used. And what an expression says in the words of a state machine of ours, once that is known.
#pragma once
#include "tools/pollux/import_aws_expression.hpp"
#include <map>
#include <set>
#include <string>
#include <vector>

namespace pollux::cli {

enum class aws_type : std::uint8_t { open, number, boolean, text };
[[nodiscard]] const char* to_string(aws_type t) noexcept;

/// What is known of names, across the whole detector model.
class aws_types {
public:
  /// The type of `node` where `wanted` (open: any) is due; notes what that tells of names. Errors:
  /// invalid_argument when it contradicts what is known. Repeat until changed() stays false.
  result<aws_type> infer(const aws_node& node, aws_type wanted);
  result<aws_type> variable(const std::string& name, aws_type wanted);
  [[nodiscard]] bool changed() noexcept;

  std::map<std::string, aws_type> telemetry; ///< by its name in our model
  std::map<std::string, aws_type> variables;
  std::map<std::string, std::set<std::string>> inputs; ///< the telemetry each brings

private:
  result<aws_type> settle(std::map<std::string, aws_type>& where, const std::string& name,
                          aws_type wanted);
  result<aws_type> infer_binary(const aws_node& node);
  result<aws_type> infer_call(const aws_node& node);
  result<aws_type> infer_pair(const aws_node& node, aws_type each, aws_type whole);
  bool changed_ = false;
};

/// A translated expression, and in what it differs.
struct aws_translation {
  std::string text;
  std::vector<std::string> differences;
  std::vector<std::string> timers; ///< those it asks for by timeout(), each time
};

/// `node` as an expression of a state machine. Errors: refused, with the reason.
[[nodiscard]] result<aws_translation> translate(const aws_node& node, const aws_types& types);

/// Our name of a variable or timer.
[[nodiscard]] std::string variable_name(const std::string& theirs);
[[nodiscard]] std::string plain_name(std::string_view theirs);

} // namespace pollux::cli
