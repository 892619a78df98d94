// SPDX-License-Identifier: Apache-2.0
// The node itself: its figures, and who is asking.
#include "bridge/http/api/door.hpp"

namespace pollux::bridge::http {

namespace {

void stats(const door_pointer& to, const request& r, const responder& respond) {
  query_reader q(r);
  if (auto wrong = q.refusal()) return respond(std::move(*wrong));
  answer(to, messages::stats_query{}, respond,
         [](messages::stats_answer a) { return document_reply(std::move(a.document)); });
}

void whoami(const door_pointer&, const request& r, const responder& respond) {
  query_reader q(r);
  if (auto wrong = q.refusal()) return respond(std::move(*wrong));
  json grants = json::array();
  for (const auto& g : r.who.grants)
    grants.push_back({{"role", to_string(g.what)}, {"namespaces", g.namespaces}});
  respond(json_reply(
      {{"name", r.who.name}, {"role", to_string(r.who.highest())}, {"grants", std::move(grants)}}));
}

} // namespace

void add_node_routes(route_table& to, const door_pointer& from) {
  to.push_back({"GET", "/api/v1/stats", role::viewer, reach::somewhere, bound(from, stats)});
  to.push_back({"GET", "/api/v1/whoami", role::viewer, reach::somewhere, bound(from, whoami)});
}

} // namespace pollux::bridge::http
