// SPDX-License-Identifier: Apache-2.0
// /api/v1/search/aggregate: figures of groups of twins. The search itself is GET /api/v1/twins.
#include "bridge/http/api/door.hpp"
#include "bridge/http/api/scope.hpp"

namespace pollux::bridge::http {

namespace {

constexpr std::size_t most_words = 16;
constexpr std::int64_t patience_ns = 30'000'000'000; ///< the first search reads sleeping twins

void aggregate(const door_pointer& to, const request& r, const responder& respond) {
  query_reader q(r);
  messages::twin_search wanted;
  wanted.filter = q.text("filter");
  wanted.group_by = q.list("group_by", most_words);
  wanted.values = q.list("values", most_words);
  wanted.at_least = q.text("at_least");
  if (auto wrong = q.refusal()) return respond(std::move(*wrong));
  if (wanted.values.empty()) wanted.values = {"count"};
  // figures cannot be held against a role afterwards, as rows can: other twins are not looked at
  wanted.within = search_scope(r.who, "*");
  answer(
      to, std::move(wanted), respond,
      [](const messages::search_answer& found) -> response {
        auto document = parse_document(found.document);
        if (!document.is_object()) return problem(500, "the node's answer cannot be read");
        document["count"] = found.total;
        return json_reply(document);
      },
      patience_ns);
}

} // namespace

void add_search_routes(route_table& to, const door_pointer& from) {
  to.push_back(
      {"GET", "/api/v1/search/aggregate", role::viewer, reach::somewhere, bound(from, aggregate)});
}

} // namespace pollux::bridge::http
