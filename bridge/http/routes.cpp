// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/routes.hpp"
#include "bridge/http/api/door.hpp"
#include "bridge/http/api/openapi.hpp"
#include "bridge/http/api/served.hpp"
#include "bridge/http/metrics_page.hpp"
#include "bridge/http/stream/routes.hpp"
#include "bridge/http/trace.hpp"
#include "bridge/http/web/dashboard.hpp"
#include "bridge/http/wot/wot.hpp"
#include <chrono>

namespace pollux::bridge::http {

namespace {

std::int64_t wall_clock_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

response readiness(const messages::health& health, bool verbose) {
  response out;
  const bool ready = health.ready();
  out.status = ready ? 200 : 503;
  for (const auto& c : health.conditions()) {
    if (c.ok && !verbose) continue;
    out.body += (c.ok ? "[+]" : "[-]") + c.name + (c.ok ? " ok" : " failed");
    if (!c.why.empty()) out.body += ": " + c.why;
    out.body += "\n";
  }
  out.body += ready ? (verbose ? "ready\n" : "ok\n") : "not ready\n";
  return out;
}

void add_health_routes(route_table& to, const route_sources& from) {
  const auto open = [&](const char* path, handler run) {
    to.push_back({"GET", path, role::nobody, reach::open, std::move(run)});
  };
  const auto alive = [](const request&, const responder& respond) {
    response out;
    out.body = "ok\n";
    respond(out);
  };
  open("/healthz", alive);
  open("/livez", alive);
  open("/readyz", [&health = from.health](const request& r, const responder& respond) {
    respond(readiness(health, r.has_query("verbose")));
  });
  to.push_back({"GET", "/metrics", role::viewer, reach::somewhere,
                [&metrics = from.metrics](const request& r, const responder& respond) {
                  respond(metrics_page(metrics, r));
                }});
  open("/openapi.json", [](const request&, const responder& respond) {
    respond(document_reply(std::string(openapi_document())));
  });
}

/// What the operations share.
struct shared {
  door_pointer link;
  std::shared_ptr<hub> events;
};

shared shared_of(const route_sources& from) {
  hub_options events;
  events.recent_bytes = from.events_bytes;
  return {std::make_shared<const door>(
              door{{&from.system, from.node, from.ask_timeout_ns, from.desk}, wall_clock_ns}),
          make_hub(events)};
}

/// All but the doors of the Web of Things.
route_table api_routes(const route_sources& from, const shared& with) {
  route_table table;
  add_health_routes(table, from);
  const auto& link = with.link;
  add_node_routes(table, link);
  add_twin_routes(table, link);
  add_search_routes(table, link);
  add_patch_routes(table, link);
  add_twin_part_routes(table, link);
  add_past_routes(table, link);
  add_command_routes(table, link);
  add_silence_routes(table, link);
  add_alert_routes(table, link);
  add_model_routes(table, link);
  add_job_routes(table, link);
  add_quarantine_routes(table, link);
  add_stream_routes(table, link->node, with.events);
  add_live_search_routes(table, link);
  if (from.access) add_ticket_routes(table, *from.access);
  return table;
}

} // namespace

route_table make_routes(const route_sources& from) {
  const auto with = shared_of(from);
  auto table = api_routes(from, with);
  add_wot_routes(table, with.link, with.events);
  return table;
}

void add_routes(server& to, const route_sources& from) {
  const auto with = shared_of(from);
  auto table = api_routes(from, with);
  add_wot_routes(table, with.link, with.events);
  table.push_back({"GET", "/api/v1", role::nobody, reach::open, {}});
  table.back().run = [text = table_document(table)](const request&, const responder& respond) {
    respond(document_reply(text));
  };
  const auto memory = std::make_shared<answer_memory>();
  for (const auto& entry : table)
    to.route(entry.method, entry.pattern, traced(served(entry, memory, wall_clock_ns)));
  to.rest(is_page, dashboard(web_files()));
}

} // namespace pollux::bridge::http
