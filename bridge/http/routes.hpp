// SPDX-License-Identifier: Apache-2.0
// What the node answers over HTTP: health, readiness, metrics, and questions to its node_actor.
#pragma once
#include "bridge/http/access/access_control.hpp"
#include "bridge/http/route_table.hpp"
#include "bridge/http/server.hpp"
#include "messages/health.hpp"
#include "messages/node_api.hpp"
#include "messages/observability/metrics.hpp"
#include "messages/twin_desk.hpp"
#include <cstdint>

namespace pollux::bridge::http {

/// All of these must outlive the server; stop the server before the actor system.
struct route_sources {
  const messages::health& health;
  const messages::metrics& metrics;
  caf::actor_system& system;
  messages::node_actor node;
  std::int64_t ask_timeout_ns = 5'000'000'000; ///< for node_actor to answer; then 504
  access_control* access = nullptr;            ///< gives tickets; without it there are none
  std::size_t events_bytes = 8 << 20;          ///< of recent events kept for readers who come back
  messages::twin_desk* desk = nullptr; ///< the quick way to one twin; without it the node is asked
};

/// Every operation there is, without the list of them (docs/http_api.md tells what they do).
[[nodiscard]] route_table make_routes(const route_sources& from);

/// Before server::start(): make_routes() with what stands around each operation (roles, fields,
/// repeated requests), GET /api/v1, the list, and the dashboard at all other addresses.
void add_routes(server& to, const route_sources& from);

} // namespace pollux::bridge::http
