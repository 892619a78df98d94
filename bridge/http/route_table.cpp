// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/route_table.hpp"

namespace pollux::bridge::http {

namespace {
bool allowed(const route_entry& entry, const request& r) {
  switch (entry.over) {
  case reach::open: return true;
  case reach::somewhere: return r.who.may_somewhere(entry.needed);
  case reach::everywhere: return r.who.may_everywhere(entry.needed);
  case reach::twin: break;
  }
  const auto id = r.parameter("id");
  return r.who.may(entry.needed, id.empty() ? r.parameter("twin") : id);
}
} // namespace

std::optional<response> refusal(const route_entry& entry, const request& r) {
  if (allowed(entry, r)) return {};
  if (r.who.name.empty()) {
    auto out = problem(401, "a token is needed: Authorization: Bearer ...");
    out.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"pollux\"");
    return out;
  }
  return problem(403, r.who.name + " lacks the role " + std::string(to_string(entry.needed)) +
                          (entry.over == reach::twin ? " for this twin" : " for this"));
}

} // namespace pollux::bridge::http
