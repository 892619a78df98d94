// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/routes.hpp"
#include "tests/unit/bridge/http/plain_client.hpp"
#include <doctest/doctest.h>

using namespace pollux;
using namespace pollux::bridge::http;
using tests::plain_client;

namespace {
struct config : caf::actor_system_config {
  config() {
    messages::add_message_types(*this);
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", std::size_t{2});
  }
};

/// Answers like a node for one twin; others are not found, "x:silent" never gets an answer.
caf::behavior fake_node(caf::event_based_actor* self) {
  return {[self](const messages::twin_query& q) -> caf::result<messages::twin_answer> {
            if (q.id == "x:silent") return self->make_response_promise<messages::twin_answer>();
            if (q.id != "plant1:press-7")
              return messages::to_caf({errc::not_found, "no twin " + q.id});
            messages::twin_answer a;
            a.id = q.id;
            a.revision = 42;
            a.document = R"({"id":"plant1:press-7"})";
            return a;
          },
          [](const messages::stats_query&) {
            messages::stats_answer a;
            a.document = R"({"stored":3})";
            return a;
          }};
}

struct node_with_http {
  config cfg;
  caf::actor_system system{cfg};
  messages::health health;
  messages::metrics metrics;
  caf::actor node = system.spawn(fake_node);
  server http;
  std::uint16_t port = 0;

  node_with_http() {
    add_routes(http,
               {health, metrics, system, caf::actor_cast<messages::node_actor>(node), 200'000'000});
    port = *http.start("127.0.0.1", 0);
  }
  ~node_with_http() {
    http.stop();
    caf::anon_send_exit(node, caf::exit_reason::user_shutdown);
  }
};
} // namespace

TEST_CASE("a twin is answered as JSON with its revision as tag; the same tag gives 304") {
  node_with_http n;
  plain_client c(n.port);
  const auto r = c.get("/api/v1/twins/plant1:press-7");
  CHECK(r.status == 200);
  CHECK(r.header("Content-Type") == "application/json");
  CHECK(r.header("ETag") == "\"rev:42\"");
  CHECK(r.body == R"({"id":"plant1:press-7"})");
  CHECK(c.get("/api/v1/twins/plant1%3Apress-7").status == 200);
  const auto same = c.get("/api/v1/twins/plant1:press-7", "If-None-Match: \"a\", W/\"rev:42\"\r\n");
  CHECK(same.status == 304);
  CHECK(same.body.empty());
  CHECK(same.header("ETag") == "\"rev:42\"");
  CHECK(c.get("/api/v1/twins/plant1:press-7", "If-None-Match: \"rev:41\"\r\n").status == 200);
}

TEST_CASE("an unknown twin is 404, a bad id 400, a silent node 504, a dead one 503") {
  node_with_http n;
  plain_client c(n.port);
  const auto missing = c.get("/api/v1/twins/plant1:nobody");
  CHECK(missing.status == 404);
  CHECK(missing.header("Content-Type") == "application/problem+json");
  CHECK(missing.body.find("no twin plant1:nobody") != std::string::npos);
  CHECK(c.get("/api/v1/twins/no-namespace").status == 400);
  CHECK(c.get("/api/v1/twins/a:b%00c").status == 400);
  CHECK(c.get("/api/v1/twins/x:silent").status == 504);
  caf::anon_send_exit(n.node, caf::exit_reason::kill);
  CHECK(c.get("/api/v1/twins/plant1:press-7").status == 503);
}

TEST_CASE("stats come as the node's document") {
  node_with_http n;
  CHECK(plain_client(n.port).get("/api/v1/stats").body == R"({"stored":3})");
}

TEST_CASE("health is always ok; readiness says what is missing") {
  node_with_http n;
  plain_client c(n.port);
  CHECK(c.get("/healthz").body == "ok\n");
  CHECK(c.get("/livez").status == 200);
  CHECK(c.get("/readyz").status == 503); // nothing has reported yet
  n.health.set("store", true);
  n.health.set("broker", false, "connection refused");
  const auto not_ready = c.get("/readyz");
  CHECK(not_ready.status == 503);
  CHECK(not_ready.body == "[-]broker failed: connection refused\nnot ready\n");
  CHECK(c.get("/readyz?verbose").body ==
        "[-]broker failed: connection refused\n[+]store ok\nnot ready\n");
  n.health.set("broker", true);
  CHECK(c.get("/readyz").body == "ok\n");
  CHECK(c.get("/readyz?verbose").body == "[+]broker ok\n[+]store ok\nready\n");
}

TEST_CASE("metrics are served as Prometheus text") {
  node_with_http n;
  n.metrics.make_counter("pollux_things_total", "Things.").add(3);
  const auto r = plain_client(n.port).get("/metrics");
  CHECK(r.status == 200);
  CHECK(r.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8");
  CHECK(r.body.find("\npollux_things_total 3\n") != std::string::npos);
}
