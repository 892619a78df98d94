// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/server.hpp"
#include "tests/unit/bridge/http/plain_client.hpp"
#include <atomic>
#include <doctest/doctest.h>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

using namespace pollux;
using namespace pollux::bridge::http;
using tests::plain_client;

namespace {
constexpr std::int64_t ms = 1'000'000;

struct running_server {
  messages::metrics metrics;
  std::mutex mutex;
  std::vector<responder> kept; ///< of /keep: answered by the test, or never
  std::atomic<std::size_t> keeping{0};
  server http;
  std::uint16_t port = 0;

  static server_options with(server_options o, messages::metrics& m) {
    o.metrics = &m;
    return o;
  }
  explicit running_server(server_options o = {}) : http(with(o, metrics)) {
    http.route("GET", "/hello", [](const request& r, const responder& respond) {
      response out;
      out.body = "hello " + std::string(r.query.empty() ? "" : r.query.front().second);
      respond(out);
    });
    http.route("POST", "/echo", [](const request& r, const responder& respond) {
      response out;
      out.body = r.body;
      respond(out);
    });
    http.route("GET", "/things/{id}/parts/{part}", [](const request& r, const responder& respond) {
      response out;
      out.body = std::string(r.parameter("id")) + "|" + std::string(r.parameter("part"));
      respond(out);
    });
    http.route("GET", "/drop", [](const request&, const responder&) {});
    http.route("GET", "/throw",
               [](const request&, const responder&) { throw std::runtime_error("no"); });
    http.route("GET", "/twice", [](const request&, const responder& respond) {
      respond(problem(404, "first"));
      respond(problem(400, "second"));
    });
    http.route("GET", "/keep", [this](const request&, responder respond) {
      const std::lock_guard lock(mutex);
      kept.push_back(std::move(respond));
      ++keeping;
    });
    http.route("GET", "/elsewhere", [](const request&, responder respond) {
      std::thread([respond = std::move(respond)] {
        response out;
        out.body = "from afar";
        respond(out);
      }).detach();
    });
    const auto started = http.start("127.0.0.1", 0);
    REQUIRE_MESSAGE(started.ok(), started.error().what);
    port = *started;
  }
  ~running_server() {
    http.stop();
    kept.clear();
  }
  void wait_until_kept(std::size_t n) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (keeping < n && std::chrono::steady_clock::now() < until) std::this_thread::yield();
    REQUIRE(keeping >= n);
  }
};
} // namespace

TEST_CASE("a request is answered, with query and bound words decoded") {
  running_server s;
  plain_client c(s.port);
  const auto r = c.get("/hello?name=a%20b+c");
  CHECK(r.status == 200);
  CHECK(r.body == "hello a b c");
  CHECK(r.header("Server") == "pollux");
  CHECK(c.get("/things/plant1:press%2F7/parts/x").body == "plant1:press/7|x");
  CHECK(c.get("http://localhost/hello").status == 200); // absolute form
}

TEST_CASE("HEAD is answered like GET, without the body") {
  running_server s;
  plain_client c(s.port);
  c.send("HEAD /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto r = c.receive(true);
  CHECK(r.status == 200);
  CHECK(r.header("Content-Length") == "6");
  CHECK(c.get("/hello").body == "hello "); // no stray body bytes in between
}

TEST_CASE("errors are problem documents") {
  running_server s;
  plain_client c(s.port);
  const auto missing = c.get("/nothing/here");
  CHECK(missing.status == 404);
  CHECK(missing.header("Content-Type") == "application/problem+json");
  CHECK(missing.body.find("\"title\":\"Not Found\",\"status\":404") != std::string::npos);
  c.send("DELETE /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto wrong = c.receive();
  CHECK(wrong.status == 405);
  CHECK(wrong.header("Allow") == "GET, HEAD");
  CHECK(c.get("/things//parts/x").status == 404); // an empty word binds nothing
  CHECK(c.get("/things/%zz/parts/x").status == 400);
  CHECK(c.get("/hello?%").status == 400);
}

TEST_CASE("malformed requests get 400 and the connection ends") {
  running_server s;
  for (const std::string_view bad :
       {"GARBAGE\r\n\r\n", "GET /hello HTTP/9.9\r\n\r\n", "GET /hello HTTP/1.1\r\nno colon\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: many\r\n\r\n",
        "\1\2\3\r\n\r\n"}) {
    CAPTURE(bad);
    plain_client c(s.port);
    c.send(bad);
    CHECK(c.receive().status == 400);
    CHECK(c.closed(5'000));
  }
  plain_client c(s.port);
  c.send("GET /hello HTTP/1.1\r\n\r\n");
  CHECK(c.receive().status == 400); // no Host
}

TEST_CASE("a foreign host name is refused, so that no web site can reach the node by one") {
  running_server s;
  plain_client c(s.port);
  c.send("GET /hello HTTP/1.1\r\nHost: evil.example\r\n\r\n");
  CHECK(c.receive().status == 421);
  c.send("GET /hello HTTP/1.1\r\nHost: 127.0.0.1.evil.example:80\r\n\r\n");
  CHECK(c.receive().status == 421);
  for (const auto* host : {"127.0.0.1:8080", "localhost:1", "[::1]:8080", "127.9.9.9"}) {
    CAPTURE(host);
    c.send("GET /hello HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n");
    CHECK(c.receive().status == 200);
  }
}

TEST_CASE("oversize headers get 431, oversize bodies 413, and the answer arrives") {
  running_server s;
  {
    plain_client c(s.port);
    c.send("GET /hello HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n");
    CHECK(c.receive().status == 431);
    CHECK(c.closed(5'000));
  }
  {
    plain_client c(s.port);
    c.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n\r\n");
    c.send(std::string(2'000'000, 'x'));
    CHECK(c.receive().status == 413);
  }
  {
    plain_client c(s.port);
    c.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
    const std::string chunk = "10000\r\n" + std::string(0x10000, 'x') + "\r\n";
    for (int i = 0; i < 20; ++i) c.send(chunk);
    CHECK(c.receive().status == 413);
  }
  plain_client c(s.port);
  const std::string body(1 << 20, 'y'); // exactly the limit
  c.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048576\r\n\r\n" + body);
  CHECK(c.receive().body == body);
}

TEST_CASE("a client that asks for 100-continue is told to go on, or not to") {
  running_server s;
  plain_client c(s.port);
  c.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nExpect: "
         "100-continue\r\n\r\n");
  CHECK(c.receive().status == 100);
  c.send("ab");
  CHECK(c.receive().body == "ab");
  c.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\nExpect: "
         "100-continue\r\n\r\n");
  CHECK(c.receive().status == 413);
}

TEST_CASE("a client that sends its request drop by drop is cut off") {
  server_options o;
  o.idle_ns = 300 * ms;
  running_server s(o);
  plain_client c(s.port);
  c.send("GET /hello HTTP/1.1\r\nHost: localhost\r\n");
  const auto start = std::chrono::steady_clock::now();
  bool closed = false;
  while (!closed && std::chrono::steady_clock::now() - start < std::chrono::seconds(10)) {
    c.send("X: y\r\n"); // always busy, never finished
    closed = c.closed(50);
  }
  CHECK(closed);
  CHECK(std::chrono::steady_clock::now() - start > std::chrono::milliseconds(250));
  CHECK(plain_client(s.port).get("/hello").status == 200);
}

TEST_CASE("one connection serves 1,000 requests in a row, and pipelined ones in order") {
  running_server s;
  plain_client c(s.port);
  int good = 0;
  for (int i = 0; i < 1000; ++i)
    good += c.get("/hello?n=" + std::to_string(i)).body == "hello " + std::to_string(i) ? 1 : 0;
  CHECK(good == 1000);
  std::string all;
  for (int i = 0; i < 50; ++i)
    all += "GET /hello?n=" + std::to_string(i) + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
  c.send(all);
  for (int i = 0; i < 50; ++i) CHECK(c.receive().body == "hello " + std::to_string(i));
  CHECK(s.metrics.total("pollux_http_requests_total") == 1050);
}

TEST_CASE("many clients are served at the same time, answers from other threads included") {
  running_server s;
  std::atomic<int> good{0};
  std::vector<std::thread> clients;
  for (int t = 0; t < 16; ++t)
    clients.emplace_back([&] {
      plain_client c(s.port);
      for (int i = 0; i < 50; ++i) good += c.get("/elsewhere").body == "from afar" ? 1 : 0;
    });
  for (auto& c : clients) c.join();
  CHECK(good == 800);
}

TEST_CASE("one connection too many is told 503; once one leaves, there is room again") {
  server_options o;
  o.connections = 4;
  running_server s(o);
  std::vector<std::unique_ptr<plain_client>> held;
  for (int i = 0; i < 4; ++i) {
    held.push_back(std::make_unique<plain_client>(s.port));
    REQUIRE(held.back()->get("/hello").status == 200);
  }
  {
    plain_client extra(s.port);
    const auto r = extra.receive();
    CHECK(r.status == 503);
    CHECK(r.header("Retry-After") == "1");
  }
  held.clear();
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  int status = 0;
  while (status != 200 && std::chrono::steady_clock::now() < until)
    status = plain_client(s.port).get("/hello").status;
  CHECK(status == 200);
}

TEST_CASE("a handler that drops, throws, stays silent or answers twice harms nobody") {
  server_options o;
  o.answer_ns = 100 * ms;
  running_server s(o);
  plain_client c(s.port);
  CHECK(c.get("/drop").status == 500);
  CHECK(c.get("/throw").status == 500);
  CHECK(c.get("/twice").status == 404);
  CHECK(c.get("/keep").status == 504);
  {
    const std::lock_guard lock(s.mutex);
    s.kept.at(0)(problem(400, "too late")); // must not become the answer to the next request
  }
  CHECK(c.get("/hello?x=1").body == "hello 1");
}

TEST_CASE("a client that goes away while its answer is due is forgotten") {
  running_server s;
  {
    plain_client c(s.port);
    c.send("GET /keep HTTP/1.1\r\nHost: localhost\r\n\r\n");
    s.wait_until_kept(1);
  }
  {
    const std::lock_guard lock(s.mutex);
    s.kept.at(0)(problem(404, "for nobody"));
  }
  CHECK(plain_client(s.port).get("/hello").status == 200);
}

TEST_CASE("stopping lets a request in progress finish and closes idle connections at once") {
  running_server s;
  plain_client idle(s.port), busy(s.port);
  REQUIRE(idle.get("/hello").status == 200);
  busy.send("GET /keep HTTP/1.1\r\nHost: localhost\r\n\r\n");
  s.wait_until_kept(1);
  std::thread stopper([&] { s.http.stop(); });
  CHECK(idle.closed(5'000));
  {
    const std::lock_guard lock(s.mutex);
    response out;
    out.body = "finished";
    s.kept.at(0)(out);
  }
  const auto r = busy.receive();
  CHECK(r.body == "finished");
  CHECK(r.header("Connection") == "close");
  stopper.join();
  CHECK_FALSE(plain_client(s.port).connected());
}

TEST_CASE("stopping does not wait for a handler that never answers") {
  server_options o;
  o.drain_ns = 50 * ms;
  auto s = std::make_unique<running_server>(o);
  plain_client c(s->port);
  c.send("GET /keep HTTP/1.1\r\nHost: localhost\r\n\r\n");
  s->wait_until_kept(1);
  auto late = s->kept.at(0);
  const auto start = std::chrono::steady_clock::now();
  s.reset();
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));
  late(problem(404, "the server is gone")); // and this is harmless
}

TEST_CASE("a port in use, a foreign address and nonsense are refused with a reason") {
  running_server s;
  server other;
  const auto taken = other.start("127.0.0.1", s.port);
  REQUIRE_FALSE(taken.ok());
  CHECK(taken.error().code == errc::locked);
  CHECK(taken.error().what.find("in use") != std::string::npos);
  server open_to_all;
  CHECK(open_to_all.start("0.0.0.0", 0).error().code == errc::refused);
  server nowhere;
  CHECK(nowhere.start("localhorst", 0).error().code == errc::invalid_argument);
}

TEST_CASE("property: whatever bytes arrive, the server goes on serving") {
  running_server s;
  std::mt19937 random{5};
  const std::string good =
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello";
  for (int round = 0; round < 300; ++round) {
    auto bytes = good;
    for (auto flips = 1 + random() % 4; flips > 0; --flips)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    plain_client c(s.port);
    c.send(bytes.substr(0, 1 + random() % bytes.size()));
  }
  CHECK(plain_client(s.port).get("/hello").status == 200);
}
