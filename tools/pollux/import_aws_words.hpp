// SPDX-License-Identifier: Apache-2.0
// All expressions of one detector model together: parsed once, typed by all their uses, said in our
// words one by one.
#pragma once
#include "tools/pollux/import_aws_detector.hpp"
#include "tools/pollux/import_aws_types.hpp"
#include <map>
#include <optional>

namespace pollux::cli {

class aws_words {
public:
  /// Finds the types of all names. Both must outlive it.
  aws_words(const aws_detector& from, std::vector<import_finding>& findings);
  /// Our text of the expression there; nothing when it is refused. What is refused or differs is
  /// noted.
  [[nodiscard]] std::optional<aws_translation> say(const aws_place& at);
  /// The type of an expression that could be said.
  [[nodiscard]] aws_type type_of(const aws_place& at);
  /// nullptr when there is none, or none that can be read.
  [[nodiscard]] const aws_node* parsed(const config_node* node);
  [[nodiscard]] const aws_types& types() const noexcept { return types_; }

private:
  void learn(const aws_event& e);
  void learn(const aws_action& a);
  void learn(const config_node* node, const aws_node& tree, aws_type wanted);

  std::vector<import_finding>& findings_;
  aws_types types_;
  std::map<const config_node*, std::optional<aws_node>> expressions_;
  std::map<const config_node*, std::string> why_not_;
};

} // namespace pollux::cli
