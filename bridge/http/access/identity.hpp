// SPDX-License-Identifier: Apache-2.0
// Who asks, and what that lets them do: a name for the record, and roles, each over namespaces.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::bridge::http {

/// Each includes those before it: viewer reads; operator_ sends commands and deals with alerts;
/// engineer changes models, properties, jobs, quarantine; admin deletes and hands out tokens.
enum class role : std::uint8_t { nobody, viewer, operator_, engineer, admin };

[[nodiscard]] std::string_view to_string(role r) noexcept; ///< "operator", ...
/// nobody for an unknown word.
[[nodiscard]] role parse_role(std::string_view word) noexcept;

/// One role over the namespaces that match a glob ("*", "plant1", "site-*").
struct grant {
  role what = role::nobody;
  std::string namespaces = "*";
};

/// Without grants: someone who may do nothing.
struct identity {
  std::string name; ///< of the token; empty: nobody has logged in
  std::vector<grant> grants;
  std::string credential = {}; ///< which secret they came with: its hash; empty without one

  /// Who comes from this machine while no token is configured.
  [[nodiscard]] static identity loopback();

  /// May they do what needs `needed` to this twin ("namespace:name")?
  [[nodiscard]] bool may(role needed, std::string_view twin) const;
  /// The same to the node itself, or to every twin: the grant must hold for all namespaces.
  [[nodiscard]] bool may_everywhere(role needed) const;
  /// The same in at least one namespace: for lists, whose rows are then looked at one by one.
  [[nodiscard]] bool may_somewhere(role needed) const;
  /// The highest role they have anywhere.
  [[nodiscard]] role highest() const;
};

} // namespace pollux::bridge::http
