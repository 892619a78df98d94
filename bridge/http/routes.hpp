// SPDX-License-Identifier: Apache-2.0
// What the node answers over HTTP: health, readiness, metrics, and questions to its node_actor.
#pragma once
#include "bridge/http/server.hpp"
#include "messages/health.hpp"
#include "messages/node_api.hpp"
#include "messages/observability/metrics.hpp"
#include <cstdint>

namespace pollux::bridge::http {

/// All of these must outlive the server; stop the server before the actor system.
struct route_sources {
  const messages::health& health;
  const messages::metrics& metrics;
  caf::actor_system& system;
  messages::node_actor node;
  std::int64_t ask_timeout_ns = 5'000'000'000; ///< for node_actor to answer; then 504
};

/// Before server::start():
///   GET /healthz, /livez   200 "ok" while the process serves
///   GET /readyz            200, or 503 with the reasons; ?verbose lists every condition
///   GET /metrics           Prometheus text 0.0.4
///   GET /api/v1/twins/{id} the twin's document; ETag "rev:<n>", If-None-Match gives 304
///   GET /api/v1/stats      the node's figures
void add_routes(server& to, const route_sources& from);

} // namespace pollux::bridge::http
