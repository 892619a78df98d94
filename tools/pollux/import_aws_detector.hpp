// SPDX-License-Identifier: Apache-2.0
// The form of a detector model: states, events, actions, each with its place in the file. What its
// expressions and actions mean is not looked at here.
#pragma once
#include "domain/model/config_node.hpp"
#include "tools/pollux/import_aws.hpp"

namespace pollux::cli {

using domain::config_node;

/// A value of the file and the way to it; node may be nullptr: not there.
struct aws_place {
  const config_node* node = nullptr;
  std::string path;
};
struct aws_action {
  aws_place at; ///< the body
  std::string verb;
};
struct aws_event {
  aws_place at, condition;
  std::string name, next;
  std::vector<aws_action> actions;
};
struct aws_state {
  aws_place at;
  std::string name;
  std::vector<aws_event> on_enter, on_input, on_exit, transitions;
};
struct aws_detector {
  std::string name, initial, key, description;
  bool serial = false;
  aws_place initial_at;
  std::vector<aws_state> states;
};

/// Notes a finding at a place.
void note(std::vector<import_finding>& findings, import_finding::kind what, const aws_place& at,
          std::string text);

/// The member whose key is `key`, or with a capital letter in front, as CloudFormation has it.
[[nodiscard]] const config_node* aws_member(const config_node& node, std::string_view key) noexcept;
/// Its text, or empty.
[[nodiscard]] std::string aws_text(const config_node& node, std::string_view key);

/// Errors: invalid_argument when there are no states. Parts that are not understood are noted as
/// refused. The detector points into `root`.
[[nodiscard]] result<aws_detector> read_aws_detector(const config_node& root,
                                                     std::vector<import_finding>& findings);

} // namespace pollux::cli
