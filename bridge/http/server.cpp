// SPDX-License-Identifier: Apache-2.0
// Listens, counts connections, and ends them in order. What is said on one is in wire/.
#include "bridge/http/server.hpp"
#include "bridge/http/wire/core.hpp"
#include "bridge/http/wire/session.hpp"
#include "messages/observability/log.hpp"
#include <algorithm>
#include <csignal>
#include <sys/resource.h>

namespace pollux::bridge::http {

namespace {

constexpr std::size_t most_turned_away = 64; ///< connections that are being told 503
constexpr std::uint64_t other_files = 512;   ///< descriptors that the rest of the node needs
constexpr auto leave_checked_every = std::chrono::milliseconds(500);

/// A connection is a descriptor: takes as many as the system lets this process have.
void make_room(std::uint32_t& connections) {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY) return;
  const rlim_t wanted = connections + most_turned_away + other_files;
  if (files.rlim_cur < wanted) {
    files.rlim_cur = std::min<rlim_t>(wanted, files.rlim_max);
    ::setrlimit(RLIMIT_NOFILE, &files);
    ::getrlimit(RLIMIT_NOFILE, &files);
  }
  if (files.rlim_cur >= wanted) return;
  const auto left = std::max<rlim_t>(files.rlim_cur / 2, 16);
  messages::log::warning("http", "fewer connections than configured: raise LimitNOFILE",
                         {{"configured", connections}, {"connections", left}});
  connections = static_cast<std::uint32_t>(left);
}

/// Often enough for the shortest patience that was asked for to end when it should.
std::chrono::nanoseconds watch_pause(const server_options& o) {
  const auto shortest = std::min({o.header_ns, o.idle_ns, o.answer_ns});
  return std::chrono::nanoseconds(std::clamp<std::int64_t>(shortest / 10, 5'000'000, 200'000'000));
}

} // namespace

server_core::server_core(server_options o)
    : options(std::move(o)),
      entrance({options.loopback_only, options.cors_origins, options.rate, options.access}),
      figures(options.metrics), tls(options.certificate_file, options.key_file) {}

void server_core::accept() {
  acceptor.async_accept([this](error_code e, tcp::socket socket) {
    if (!acceptor.is_open()) return;
    if (!e) {
      take(std::move(socket));
      return accept();
    }
    messages::log::warning("http", "cannot accept a connection", {{"why", e.message()}});
    pause.expires_after(std::chrono::milliseconds(100)); // out of descriptors: do not spin
    pause.async_wait([this](error_code stopped) {
      if (!stopped) accept();
    });
  });
}

void server_core::take(tcp::socket socket) {
  if (sessions.size() >= options.connections + most_turned_away) return; // closes it
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  const bool full = sessions.size() >= options.connections;
  const auto fresh = std::make_shared<session>(*this, std::move(socket));
  if (full)
    fresh->turn_away();
  else
    fresh->start();
}

/// Looks at the time of every session, and now and then at its reader: one whose token was revoked
/// must not go on reading. Goes on while the server stops: what is under way must not hang.
void server_core::watch_sessions() {
  watch.expires_after(watch_every);
  watch.async_wait([this](error_code e) {
    if (e) return;
    const auto now = std::chrono::steady_clock::now();
    const bool leave = options.access && now >= leave_checked + leave_checked_every;
    if (leave) leave_checked = now;
    tls.look(now);
    for (auto* s : std::vector<session*>(sessions.begin(), sessions.end())) {
      s->check_time(now);
      if (leave) s->check_leave();
    }
    watch_sessions();
  });
}

void server_core::stop_listening() {
  stopping = true;
  error_code ignored;
  acceptor.close(ignored);
  pause.cancel();
  for (auto* s : std::vector<session*>(sessions.begin(), sessions.end())) s->stop();
  if (sessions.empty()) return void(watch.cancel());
  deadline.expires_after(std::chrono::nanoseconds(options.drain_ns));
  deadline.async_wait([this](error_code e) {
    if (!e) io.stop();
  });
}

void server_core::joined(session* which) {
  sessions.insert(which);
  figures.connections(sessions.size());
}

void server_core::gone(session* which) {
  sessions.erase(which);
  figures.connections(sessions.size());
  if (!running || !stopping || !sessions.empty()) return;
  deadline.cancel();
  watch.cancel();
}

server::server(server_options options) : core_(std::make_shared<server_core>(std::move(options))) {}

server::~server() { stop(); }

void server::route(std::string method, std::string pattern, handler h) {
  core_->routes.add(std::move(method), std::move(pattern), std::move(h));
}

void server::rest(std::function<bool(std::string_view path)> covers, handler h) {
  core_->routes.add_rest(std::move(covers), std::move(h));
}

namespace {
status may_listen(const server_options& options, bool loopback) {
  if (options.access)
    return options.access->may_listen(loopback, !options.certificate_file.empty());
  if (loopback) return {};
  return failure{errc::refused, "a server without access control listens on a loopback address "
                                "only: 127.0.0.1 or ::1"};
}
} // namespace

result<std::uint16_t> server::start(const std::string& address, std::uint16_t port) {
  error_code e;
  const auto parsed = asio::ip::make_address(address, e);
  if (e)
    return failure{errc::invalid_argument, "[http] address \"" + address + "\" is no IP address"};
  if (auto may = may_listen(core_->options, parsed.is_loopback()); !may) return may.error();
  if (!core_->options.certificate_file.empty()) {
    if (auto loaded = core_->tls.load(); !loaded) return loaded.error();
  }
  make_room(core_->options.connections);
  const tcp::endpoint endpoint(parsed, port);
  const std::string place = address + ":" + std::to_string(port);
  auto& acceptor = core_->acceptor;
  acceptor.open(endpoint.protocol(), e);
  if (!e) acceptor.set_option(asio::socket_base::reuse_address(true), e);
  if (!e) acceptor.bind(endpoint, e);
  if (!e) acceptor.listen(asio::socket_base::max_listen_connections, e);
  if (e == asio::error::address_in_use)
    return failure{errc::locked, "HTTP port " + place + " is in use; set [http] port to another"};
  if (e) return failure{errc::io, "cannot listen on " + place + ": " + e.message()};
  const auto bound = acceptor.local_endpoint(e).port();
  core_->accept();
  core_->watch_every = watch_pause(core_->options);
  core_->watch_sessions();
  core_->running = true;
  sigset_t all, before; // signals are for the threads that expect them
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  core_->thread = std::thread([core = core_.get()] { core->io.run(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  ::pthread_setname_np(core_->thread.native_handle(), "pollux-http");
  return bound;
}

void server::stop() {
  if (!core_->thread.joinable()) return;
  asio::post(core_->io, [core = core_.get()] { core->stop_listening(); });
  core_->thread.join();
  core_->running = false;
  for (auto* s : std::vector<session*>(core_->sessions.begin(), core_->sessions.end()))
    s->forsake();
  core_->figures = request_metrics(nullptr); // an answer still out keeps the core, not the registry
  core_->routes = {}; // handlers may hold actors, which must not outlive their system
}

} // namespace pollux::bridge::http
