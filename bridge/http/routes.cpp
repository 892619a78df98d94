// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/routes.hpp"
#include "domain/base/twin_id.hpp"
#include <chrono>

namespace pollux::bridge::http {

namespace {
/// Asks the node in a one-shot actor, which ends with the answer or the time-out: the server's
/// thread never waits. `tell` turns the answer into a response.
template <class Answer, class Query, class Tell>
void ask(const route_sources& from, Query query, const responder& respond, Tell tell) {
  const std::chrono::nanoseconds timeout(from.ask_timeout_ns);
  from.system.spawn<caf::hidden>([=, node = from.node](caf::event_based_actor* self) {
    self->request(node, timeout, query)
        .then([=](const Answer& a) { respond(tell(a)); },
              [=](const caf::error& e) { respond(problem(messages::from_caf(e))); });
  });
}

response json(std::string document) {
  response out;
  out.content_type = "application/json";
  out.body = std::move(document);
  out.headers.emplace_back("Cache-Control", "no-cache");
  return out;
}

/// RFC 9110, 13.1.2: a list of tags or "*", compared weakly.
bool names_tag(std::string_view header, std::string_view tag) {
  while (!header.empty()) {
    const auto end = std::min(header.find(','), header.size());
    auto one = header.substr(0, end);
    header.remove_prefix(std::min(end + 1, header.size()));
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one == tag || one == "*") return true;
  }
  return false;
}

void twin(const route_sources& from, const request& r, const responder& respond) {
  const std::string id(r.parameter("id"));
  if (const auto parsed = parse_twin_id(id); !parsed) return respond(problem(parsed.error()));
  ask<messages::twin_answer>(from, messages::twin_query{id}, respond,
                             [wanted = std::string(r.header("if-none-match"))](const auto& a) {
                               const auto tag = "\"rev:" + std::to_string(a.revision) + "\"";
                               auto out = json(a.document);
                               out.headers.emplace_back("ETag", tag);
                               if (names_tag(wanted, tag)) {
                                 out.status = 304;
                                 out.body.clear();
                               }
                               return out;
                             });
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
} // namespace

void add_routes(server& to, const route_sources& from) {
  const auto alive = [](const request&, const responder& respond) {
    response out;
    out.body = "ok\n";
    respond(out);
  };
  to.route("GET", "/healthz", alive);
  to.route("GET", "/livez", alive);
  to.route("GET", "/readyz", [from](const request& r, const responder& respond) {
    respond(readiness(from.health, r.has_query("verbose")));
  });
  to.route("GET", "/metrics", [from](const request&, const responder& respond) {
    response out;
    out.content_type = "text/plain; version=0.0.4; charset=utf-8";
    out.body = from.metrics.render();
    respond(std::move(out));
  });
  to.route("GET", "/api/v1/twins/{id}",
           [from](const request& r, const responder& respond) { twin(from, r, respond); });
  to.route("GET", "/api/v1/stats", [from](const request&, const responder& respond) {
    ask<messages::stats_answer>(from, messages::stats_query{}, respond,
                                [](const auto& a) { return json(a.document); });
  });
}

} // namespace pollux::bridge::http
