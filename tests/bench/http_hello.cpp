// SPDX-License-Identifier: Apache-2.0
// The yardstick of the HTTP door: the least a Boost.Beast server can do, on one thread, and a
// client that asks any server as fast as it answers.
//
//   http_hello serve PORT BYTES                     answers everything with so many bytes of JSON
//   http_hello load PORT TARGET CONNECTIONS SECONDS prints
//   {"requests_per_s":..,"p50_ms":..,"p99_ms":..}
#include <algorithm>
#include <arpa/inet.h>
#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace wire = boost::beast::http;
using asio::ip::tcp;
using std::chrono::steady_clock;

class hello : public std::enable_shared_from_this<hello> {
public:
  hello(tcp::socket socket, const std::string& body) : stream_(std::move(socket)), body_(body) {}
  void read() {
    parser_.emplace();
    wire::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](boost::system::error_code e, std::size_t) {
                       if (!e) self->answer();
                     });
  }

private:
  void answer() {
    out_ = {};
    out_.result(wire::status::ok);
    out_.version(11);
    out_.set(wire::field::content_type, "application/json");
    out_.keep_alive(parser_->keep_alive());
    out_.body() = body_;
    out_.prepare_payload();
    wire::async_write(stream_, out_,
                      [self = shared_from_this()](boost::system::error_code e, std::size_t) {
                        if (!e) self->read();
                      });
  }
  beast::tcp_stream stream_;
  const std::string& body_;
  beast::flat_buffer buffer_;
  std::optional<wire::request_parser<wire::string_body>> parser_;
  wire::response<wire::string_body> out_;
};

void accept(tcp::acceptor& from, const std::string& body) {
  from.async_accept([&](boost::system::error_code e, tcp::socket socket) {
    if (!e) {
      socket.set_option(tcp::no_delay(true));
      std::make_shared<hello>(std::move(socket), body)->read();
    }
    accept(from, body);
  });
}

int serve(std::uint16_t port, std::size_t bytes) {
  asio::io_context io(1);
  tcp::acceptor from(io, {asio::ip::address_v4::loopback(), port});
  const std::string body = "\"" + std::string(bytes - 2, 'x') + "\"";
  accept(from, body);
  io.run();
  return 0;
}

struct asker {
  int fd = -1;
  std::string got;
  steady_clock::time_point since;
};

/// The length of the first whole response in `got`, or 0.
std::size_t whole(std::string_view got) {
  const auto end = got.find("\r\n\r\n");
  if (end == std::string_view::npos) return 0;
  const auto at = got.substr(0, end).find("Content-Length: ");
  if (at == std::string_view::npos) return 0;
  const auto size = end + 4 + std::strtoul(got.data() + at + 16, nullptr, 10);
  return got.size() >= size ? size : 0;
}

bool ask(asker& a, const std::string& request) {
  a.since = steady_clock::now();
  return ::send(a.fd, request.data(), request.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(request.size());
}

int load(std::uint16_t port, const std::string& target, std::size_t connections, int seconds) {
  const auto request = "GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const int poll = ::epoll_create1(EPOLL_CLOEXEC);
  std::vector<asker> askers(connections);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  for (std::size_t i = 0; i < connections; ++i) {
    askers[i].fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(askers[i].fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) return 1;
    epoll_event e{};
    e.events = EPOLLIN;
    e.data.u64 = i;
    ::epoll_ctl(poll, EPOLL_CTL_ADD, askers[i].fd, &e);
    if (!ask(askers[i], request)) return 1;
  }
  std::vector<double> took_ms;
  const auto began = steady_clock::now();
  while (steady_clock::now() - began < std::chrono::seconds(seconds)) {
    epoll_event ready[64];
    const int n = ::epoll_wait(poll, ready, 64, 100);
    for (int i = 0; i < n; ++i) {
      auto& a = askers[ready[i].data.u64];
      char chunk[16384];
      const auto size = ::recv(a.fd, chunk, sizeof chunk, 0);
      if (size <= 0) return 1;
      a.got.append(chunk, static_cast<std::size_t>(size));
      const auto length = whole(a.got);
      if (length == 0) continue;
      if (!a.got.starts_with("HTTP/1.1 200")) return 1;
      a.got.erase(0, length);
      took_ms.push_back(
          std::chrono::duration<double, std::milli>(steady_clock::now() - a.since).count());
      if (!ask(a, request)) return 1;
    }
  }
  const auto spent = std::chrono::duration<double>(steady_clock::now() - began).count();
  std::sort(took_ms.begin(), took_ms.end());
  if (took_ms.empty()) return 1;
  std::printf("{\"requests_per_s\":%.0f,\"p50_ms\":%.2f,\"p99_ms\":%.2f}\n",
              static_cast<double>(took_ms.size()) / spent, took_ms[took_ms.size() / 2],
              took_ms[took_ms.size() * 99 / 100]);
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "serve" && argc == 4)
    return serve(static_cast<std::uint16_t>(std::atoi(argv[2])),
                 static_cast<std::size_t>(std::max(2, std::atoi(argv[3]))));
  if (what == "load" && argc == 6)
    return load(static_cast<std::uint16_t>(std::atoi(argv[2])), argv[3],
                static_cast<std::size_t>(std::atoi(argv[4])), std::atoi(argv[5]));
  std::fprintf(stderr,
               "usage: http_hello serve PORT BYTES | load PORT TARGET CONNECTIONS SECONDS\n");
  return 2;
}
