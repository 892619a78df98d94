// SPDX-License-Identifier: Apache-2.0
// GET /api/v1/events (server-sent events) and GET /api/v1/ws (WebSocket): what happens to the
// twins, as it happens; GET /api/v1/search/live: a search that goes on. docs/streams.md
#pragma once
#include "bridge/http/api/door.hpp"
#include "bridge/http/route_table.hpp"
#include "bridge/http/stream/hub.hpp"

namespace pollux::bridge::http {

[[nodiscard]] std::shared_ptr<hub> make_hub(const hub_options& options);
void add_stream_routes(route_table& to, const node_link& link, const std::shared_ptr<hub>& events);
void add_live_search_routes(route_table& to, const door_pointer& from);

inline constexpr std::size_t longest_glob = 512;

/// What a query (?twins=&kinds=&filter=&last_event_id=) or a message of a WebSocket asks for.
struct wanted_events {
  subscription what;
  std::string last_id;
};
/// Errors: invalid_argument (an unknown kind or word).
[[nodiscard]] result<wanted_events> wanted_by(const request& r);
[[nodiscard]] result<wanted_events> wanted_by(const identity& who, std::string_view message);

} // namespace pollux::bridge::http
