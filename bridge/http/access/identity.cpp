// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/access/identity.hpp"
#include "domain/base/glob.hpp"
#include <algorithm>
#include <array>
#include <utility>

namespace pollux::bridge::http {

namespace {
constexpr std::array<std::pair<role, std::string_view>, 5> names{{{role::nobody, "nobody"},
                                                                  {role::viewer, "viewer"},
                                                                  {role::operator_, "operator"},
                                                                  {role::engineer, "engineer"},
                                                                  {role::admin, "admin"}}};
} // namespace

std::string_view to_string(role r) noexcept {
  for (const auto& [known, name] : names)
    if (known == r) return name;
  return "nobody";
}

role parse_role(std::string_view word) noexcept {
  for (const auto& [known, name] : names)
    if (name == word) return known;
  return role::nobody;
}

identity identity::loopback() { return {"loopback", {{role::admin, "*"}}}; }

bool identity::may(role needed, std::string_view twin) const {
  const auto space = twin.substr(0, twin.find(':'));
  return std::any_of(grants.begin(), grants.end(), [&](const grant& g) {
    return g.what >= needed && matches_glob(g.namespaces, space);
  });
}

bool identity::may_everywhere(role needed) const {
  return std::any_of(grants.begin(), grants.end(),
                     [&](const grant& g) { return g.what >= needed && g.namespaces == "*"; });
}

bool identity::may_somewhere(role needed) const {
  return std::any_of(grants.begin(), grants.end(),
                     [&](const grant& g) { return g.what >= needed; });
}

role identity::highest() const {
  auto out = role::nobody;
  for (const auto& g : grants) out = std::max(out, g.what);
  return out;
}

} // namespace pollux::bridge::http
