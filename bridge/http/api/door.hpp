// SPDX-License-Identifier: Apache-2.0
// What the handlers of /api/v1 share, and where each resource adds its operations to the table.
#pragma once
#include "bridge/http/api/body.hpp"
#include "bridge/http/api/query.hpp"
#include "bridge/http/api/reply.hpp"
#include "bridge/http/ask.hpp"
#include "bridge/http/route_table.hpp"
#include <functional>
#include <memory>

namespace pollux::bridge::http {

struct door {
  node_link node;
  std::function<std::int64_t()> now; ///< wall clock, ns
};
using door_pointer = std::shared_ptr<const door>;

/// An operation's work: answers by `respond` once, now or later.
using operation = void (*)(const door_pointer&, const request&, const responder&);

/// The operation as a table's handler.
[[nodiscard]] handler bound(const door_pointer& to, operation run);

/// Asks, and answers with what `tell` makes of it; a failure becomes its problem.
template <class Query, class Tell>
void answer(const door_pointer& to, Query query, const responder& respond, Tell tell,
            std::int64_t timeout_ns = 0) {
  ask<Query>(
      to->node, std::move(query),
      [respond, tell = std::move(tell)](result<messages::answer_to<Query>> a) {
        respond(a ? tell(std::move(*a)) : problem(a.error()));
      },
      timeout_ns);
}

/// A body's JSON, or nothing when `respond` was called with what is wrong with it.
[[nodiscard]] std::optional<json> body_of(const request& r, const responder& respond);

/// The {id} of the path.
[[nodiscard]] std::string id_of(const request& r);
[[nodiscard]] std::string twin_path(std::string_view id); ///< "/api/v1/twins/plant1:press-7"

void add_twin_routes(route_table& to, const door_pointer& from);
void add_search_routes(route_table& to, const door_pointer& from);
void add_patch_routes(route_table& to, const door_pointer& from);
void add_twin_part_routes(route_table& to, const door_pointer& from);
void add_past_routes(route_table& to, const door_pointer& from);
void add_command_routes(route_table& to, const door_pointer& from);
void add_alert_routes(route_table& to, const door_pointer& from);
void add_silence_routes(route_table& to, const door_pointer& from);
void add_model_routes(route_table& to, const door_pointer& from);
void add_job_routes(route_table& to, const door_pointer& from);
void add_quarantine_routes(route_table& to, const door_pointer& from);
void add_node_routes(route_table& to, const door_pointer& from);

} // namespace pollux::bridge::http
