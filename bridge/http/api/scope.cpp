// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/api/scope.hpp"
#include "domain/base/glob.hpp"

namespace pollux::bridge::http {

std::vector<std::string> search_scope(const identity& who, const std::string& glob) {
  std::vector<std::string> out;
  if (who.may_everywhere(role::viewer)) {
    if (glob != "*") out.push_back(glob);
    return out;
  }
  const auto colon = glob.find(':');
  const auto space = colon == std::string::npos ? "*" : glob.substr(0, colon);
  const auto name = colon == std::string::npos ? "*" : glob.substr(colon + 1);
  const bool literal = space.find_first_of("*?") == std::string::npos;
  for (const auto& g : who.grants) {
    if (g.what < role::viewer) continue;
    if (!literal)
      out.push_back(g.namespaces + ":" + (space == "*" ? name : "*"));
    else if (matches_glob(g.namespaces, space))
      out.push_back(glob);
  }
  if (out.empty()) out.emplace_back(":"); // no id is this, and an empty list would mean all
  return out;
}

} // namespace pollux::bridge::http
