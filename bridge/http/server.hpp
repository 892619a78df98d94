// SPDX-License-Identifier: Apache-2.0
// A small HTTP/1.1 server: async end to end on one thread, everything bounded. The HTTP library
// (Boost.Beast) is known to server.cpp and wire/ alone.
#pragma once
#include "bridge/http/message.hpp"
#include "messages/observability/metrics.hpp"
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace pollux::bridge::http {

class admission;

struct server_options {
  std::uint32_t header_bytes = 8 << 10;    ///< more: 431 and close
  std::uint64_t body_bytes = 1 << 20;      ///< more: 413 and close
  std::uint32_t connections = 256;         ///< one more: 503 and close
  std::int64_t header_ns = 10'000'000'000; ///< for a new connection's first header to arrive
  std::int64_t idle_ns =
      30'000'000'000; ///< for one whole request to arrive, or one answer to be taken
  std::int64_t answer_ns = 65'000'000'000; ///< for a handler to answer; then 504
  std::int64_t drain_ns = 2'000'000'000;   ///< stop() lets requests in progress finish this long
  bool loopback_only = true;               ///< answer only who calls it localhost
  std::string certificate_file, key_file;  ///< PEM; with both the server speaks TLS (1.2 or later)
  std::size_t unsent_bytes = 64 << 10;     ///< of one stream; see outlet::push
  admission* access = nullptr; ///< who may do what; must outlive the server. Without: loopback
                               ///< addresses only, and whoever asks is their admin
  std::vector<std::string> cors_origins; ///< pages of these origins may ask, too
  std::uint32_t rate = 0;                ///< requests a second of one client; 0: no limit
  messages::metrics* metrics =
      nullptr; ///< counts requests and connections; must outlive the server
};

struct server_core;

class server {
public:
  explicit server(server_options options = {});
  ~server(); ///< stops
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  /// Before start(). `pattern`: "/api/v1/twins/{id}". GET also answers HEAD.
  void route(std::string method, std::string pattern, handler h);
  /// Before start(). GET of every path without a route for which `covers` holds.
  void rest(std::function<bool(std::string_view path)> covers, handler h);
  /// Listens and serves; gives the port (useful with port 0). Errors: refused (open to
  /// others), locked (port in use), invalid_argument (no address), io. Once only.
  result<std::uint16_t> start(const std::string& address, std::uint16_t port);
  /// Takes no more connections, lets requests in progress finish (drain_ns), joins the thread
  /// and drops the handlers.
  /// May be called twice. Not from a handler.
  void stop();

private:
  std::shared_ptr<server_core> core_;
};

} // namespace pollux::bridge::http
