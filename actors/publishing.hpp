// SPDX-License-Identifier: Apache-2.0
// How an effect becomes a publication: the first egress rule that matches takes it; topic and
// payload are templates, or CloudEvents (alerts) and the command document where none is given.
#pragma once
#include "domain/base/result.hpp"
#include "domain/twin/effect.hpp"
#include "messages/egress.hpp"
#include "messages/text_template.hpp"
#include <optional>
#include <string>
#include <vector>

namespace pollux::actors {

struct egress_rule {
  domain::effect_kind kind = domain::effect_kind::alert;
  std::string rule_glob = "*"; ///< on the rule's or the command's name
  messages::text_template topic;
  std::optional<messages::text_template> payload; ///< nothing: the standard document
  std::uint8_t qos = 1;
  bool retain = false;
};

/// Compiles one rule. Errors: invalid_argument naming the placeholder and the nearest known one.
[[nodiscard]] result<egress_rule> make_egress_rule(domain::effect_kind kind,
                                                   std::string_view rule_glob,
                                                   std::string_view topic, std::string_view payload,
                                                   std::uint8_t qos, bool retain);

/// The publication of an effect of `twin` (public id); nothing when no rule takes it.
[[nodiscard]] std::optional<messages::publication>
publication_of(const std::vector<egress_rule>& rules, std::string_view twin,
               const domain::effect& what);

} // namespace pollux::actors
