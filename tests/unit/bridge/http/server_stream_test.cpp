// SPDX-License-Identifier: Apache-2.0
// Answers that go on, on the wire: a handler of the test's own pushes.
#include "bridge/http/server.hpp"
#include "bridge/http/wire/any_stream.hpp"
#include "tests/unit/bridge/http/plain_client.hpp"
#include <algorithm>
#include <atomic>
#include <boost/beast/websocket.hpp>
#include <doctest/doctest.h>
#include <functional>
#include <mutex>
#include <thread>

using namespace pollux;
using namespace pollux::bridge::http;
using tests::plain_client;

namespace {

struct streaming_server {
  std::mutex mutex;
  std::vector<std::shared_ptr<outlet>> outlets;
  std::atomic<int> opened{0}, closed{0};
  server http;
  std::uint16_t port = 0;

  handler streaming(bool web_socket) {
    return [this, web_socket](const request&, const responder& respond) {
      auto on = std::make_shared<stream>();
      on->web_socket = web_socket;
      on->opened = [this](const std::shared_ptr<outlet>& to) {
        const std::lock_guard lock(mutex);
        outlets.push_back(to);
        ++opened;
      };
      on->received = [this](std::string_view message) {
        const std::lock_guard lock(mutex);
        outlets.back()->push(
            std::make_shared<const std::string>("you said " + std::string(message)));
      };
      on->closed = [this] { ++closed; };
      response out;
      out.content_type = "text/event-stream";
      out.goes_on = std::move(on);
      respond(std::move(out));
    };
  }
  explicit streaming_server(server_options o = {}) : http(o) {
    http.route("GET", "/events", streaming(false));
    http.route("GET", "/ws", streaming(true));
    http.route("GET", "/hello", [](const request&, const responder& respond) { respond({}); });
    const auto started = http.start("127.0.0.1", 0);
    REQUIRE_MESSAGE(started.ok(), started.error().what);
    port = *started;
  }
  static bool soon(const std::function<bool()>& true_at_last) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!true_at_last())
      if (std::chrono::steady_clock::now() > until)
        return false;
      else
        std::this_thread::yield();
    return true;
  }
  std::shared_ptr<outlet> to(std::size_t which) {
    REQUIRE(soon([&] { return opened > static_cast<int>(which); }));
    const std::lock_guard lock(mutex);
    return outlets[which];
  }
};

chunk text(const std::string& t) { return std::make_shared<const std::string>(t); }

} // namespace

TEST_CASE("a stream's header comes at once, and what is pushed from any thread follows in order") {
  streaming_server s;
  plain_client c(s.port);
  c.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto head = c.receive(true);
  CHECK(head.status == 200);
  CHECK(head.header("Content-Type") == "text/event-stream");
  CHECK(head.header("Content-Length").empty());
  CHECK(head.header("Connection") == "close");
  const auto to = s.to(0);
  std::thread([&] {
    for (int i = 0; i < 100; ++i) CHECK(to->push(text(std::to_string(i) + "\n")));
  }).join();
  std::string wanted;
  for (int i = 0; i < 100; ++i) wanted += std::to_string(i) + "\n";
  CHECK(c.receive_bytes(wanted.size()) == wanted);
  CHECK(streaming_server::soon([&] { return to->unsent() == 0; }));
  to->close();
  CHECK(c.closed(10'000));
  CHECK(streaming_server::soon([&] { return s.closed == 1; }));
  CHECK_FALSE(to->push(text("late")));
}

TEST_CASE("a reader who takes nothing holds a bounded number of bytes, and others do not notice") {
  server_options o;
  o.unsent_bytes = 10'000;
  o.idle_ns = 2'000'000'000;
  streaming_server s(o);
  plain_client slow(s.port);
  slow.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto to = s.to(0);
  const auto one = text(std::string(1000, 'x'));
  std::size_t most = 0;
  const auto fill = [&] {
    to->push(one);
    most = std::max(most, to->unsent());
    return s.closed == 1; // once the system's buffers are full it is given idle_ns
  };
  CHECK(streaming_server::soon(fill));
  CHECK(most > 9'000);
  CHECK(most <= 10'000);
  CHECK(plain_client(s.port).get("/hello").status == 200);
}

TEST_CASE("a stream whose client goes is closed once; stop() ends those that are open") {
  auto s = std::make_unique<streaming_server>();
  {
    plain_client gone(s->port);
    gone.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    (void)s->to(0);
  }
  CHECK(streaming_server::soon([&] { return s->closed == 1; }));
  plain_client open(s->port);
  open.send("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto to = s->to(1);
  s->http.stop();
  CHECK(s->closed == 2);
  CHECK_FALSE(to->push(text("x")));
  CHECK(open.closed(10'000));
  s.reset();
  to->close(); // after the server: harmless
}

TEST_CASE("a WebSocket carries messages both ways, bounded, and pings are answered") {
  streaming_server s;
  asio::io_context io;
  boost::beast::websocket::stream<tcp::socket> c(io);
  c.next_layer().connect({asio::ip::address_v4::loopback(), s.port});
  c.handshake("localhost", "/ws");
  c.text(true);
  c.write(asio::buffer(std::string("hello")));
  beast::flat_buffer got;
  c.read(got);
  CHECK(beast::buffers_to_string(got.data()) == "you said hello");
  got.clear();
  CHECK(s.to(0)->push(text("from afar")));
  c.read(got);
  CHECK(beast::buffers_to_string(got.data()) == "from afar");
  bool answered = false;
  c.control_callback([&](auto kind, auto) {
    answered = answered || kind == boost::beast::websocket::frame_type::pong;
  });
  c.ping({});
  c.write(asio::buffer(std::string("again")));
  got.clear();
  c.read(got);
  CHECK(answered);
  error_code e;
  c.write(asio::buffer(std::string(20'000, 'x')), e); // more than 16 KiB
  got.clear();
  c.read(got, e);
  CHECK(e); // closed, or broken off while it was being sent
  CHECK(streaming_server::soon([&] { return s.closed == 1; }));
  // what asks for a socket without the words of one gets no stream
  plain_client plain(s.port);
  plain.send("GET /ws HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(plain.receive().status == 400);
}
