// SPDX-License-Identifier: Apache-2.0
// The one place that knows Boost.Beast. One thread runs the io_context, so sessions need no locks;
// answers from other threads are posted to it.
//
//   accept -> session: read header -> (100-continue) -> read body -> handler ... responder -> write
//                      ^------------------ keep-alive ---------------------------------------'
#include "bridge/http/server.hpp"
#include "bridge/http/request_metrics.hpp"
#include "messages/observability/log.hpp"
#include <algorithm>
#include <atomic>
#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <csignal>
#include <optional>
#include <set>
#include <thread>

namespace pollux::bridge::http {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace wire = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

namespace {
constexpr std::size_t most_turned_away = 64; ///< connections that are being told 503
constexpr std::size_t most_drained = 8 << 20;
class session;
} // namespace

/// What sessions and answers share. The members below `io` go first, then io takes the sessions
/// that are left with it, and those still look at the members above.
struct server_core : std::enable_shared_from_this<server_core> {
  explicit server_core(server_options o) : options(o), figures(o.metrics) {}
  void accept();
  void take(tcp::socket socket);
  void stop_listening();
  void joined(session* which);
  void gone(session* which);

  server_options options;
  router routes;
  std::set<session*> sessions; ///< not owned: pending operations own them
  request_metrics figures;
  bool stopping = false, running = false;
  asio::io_context io{1};
  tcp::acceptor acceptor{io};
  asio::steady_timer pause{io}, deadline{io};
  std::thread thread;
};

namespace {
/// One answer that is due. Whoever comes first wins: the handler, its silence, or the time-out.
class answer_slot {
public:
  answer_slot(std::shared_ptr<server_core> owner, std::weak_ptr<session> asked, std::uint64_t turn)
      : owner_(std::move(owner)), asked_(std::move(asked)), turn_(turn) {}
  ~answer_slot() {
    if (!given_) give(problem(500, "the request was dropped without an answer"));
  }
  answer_slot(const answer_slot&) = delete;
  answer_slot& operator=(const answer_slot&) = delete;
  void give(response r);

private:
  std::shared_ptr<server_core> owner_; ///< keeps the io_context while an answer is out
  std::weak_ptr<session> asked_;
  std::uint64_t turn_;
  std::atomic<bool> given_{false};
};

class session : public std::enable_shared_from_this<session> {
public:
  session(server_core& owner, tcp::socket socket)
      : owner_(owner), stream_(std::move(socket)), answer_timer_(owner.io) {
    owner_.joined(this);
  }
  ~session() { owner_.gone(this); }
  session(const session&) = delete;
  session& operator=(const session&) = delete;

  void read() {
    if (owner_.stopping) return close();
    idle_ = true;
    parser_.emplace();
    parser_->header_limit(owner_.options.header_bytes);
    parser_->body_limit(owner_.options.body_bytes);
    expire(owner_.options.idle_ns);
    wire::async_read_header(stream_, buffer_, *parser_,
                            [self = shared_from_this()](error_code e, std::size_t) {
                              self->idle_ = false;
                              self->since_ = std::chrono::steady_clock::now();
                              if (e) return self->read_failed(e);
                              self->read_body();
                            });
  }

  /// Writes `r` as the answer to the request of that turn; a late one is ignored.
  void answer(response r, std::uint64_t turn) {
    if (turn != turn_ || !waiting_) return;
    waiting_ = false;
    answer_timer_.cancel();
    const auto& q = parser_->get();
    write(std::move(r), q.version(), q.keep_alive() && !owner_.stopping,
          q.method() == wire::verb::head);
  }

  /// Refuses the connection itself, before anything was read.
  void turn_away() {
    write(problem(503, "too many connections; try again later"), 11, false, false);
  }

  /// Ends a connection on which no request is in progress.
  void stop() {
    if (idle_) close();
  }

private:
  void expire(std::int64_t after_ns) { stream_.expires_after(std::chrono::nanoseconds(after_ns)); }

  void read_failed(error_code e) {
    if (e == wire::error::header_limit)
      return refuse(431, "the request's header is larger than this server takes");
    if (e == wire::error::body_limit)
      return refuse(413, "the request's body is larger than this server takes");
    if (e.category() == wire::make_error_code(wire::error::bad_method).category() &&
        e != wire::error::end_of_stream && e != wire::error::partial_message)
      return refuse(400, "malformed request: " + e.message());
    close(); // the peer went, or was too slow
  }

  void read_body() {
    const auto& q = parser_->get();
    const auto length = parser_->content_length();
    if (length && *length > owner_.options.body_bytes)
      return refuse(413, "the request's body is larger than this server takes");
    if (!beast::iequals(q[wire::field::expect], "100-continue")) return read_rest();
    auto go_on =
        std::make_shared<wire::response<wire::empty_body>>(wire::status::continue_, q.version());
    wire::async_write(stream_, *go_on,
                      [self = shared_from_this(), go_on](error_code e, std::size_t) {
                        if (e) return self->close();
                        self->read_rest();
                      });
  }

  void read_rest() {
    wire::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](error_code e, std::size_t) {
                       if (e) return self->read_failed(e);
                       self->dispatch();
                     });
  }

  void dispatch() {
    stream_.expires_never();
    ++turn_;
    waiting_ = true;
    request r;
    auto handled = resolve(r);
    if (!handled.found) return answer(std::move(handled.instead), turn_);
    answer_timer_.expires_after(std::chrono::nanoseconds(owner_.options.answer_ns));
    // the session lives as long as an answer is due
    answer_timer_.async_wait([self = shared_from_this(), turn = turn_](error_code e) {
      if (!e) self->answer(problem(504, "no answer in time"), turn);
    });
    const auto slot =
        std::make_shared<answer_slot>(owner_.shared_from_this(), weak_from_this(), turn_);
    try {
      (*handled.found)(r, [slot](response given) { slot->give(std::move(given)); });
    } catch (const std::exception& e) { // a defect of one handler must not take the others along
      messages::log::error("http", "a handler failed", {{"path", r.path}, {"why", e.what()}});
      slot->give(problem(500, "an internal error; the log says more"));
    }
  }

  struct resolution {
    const handler* found = nullptr;
    response instead;
  };

  /// The handler that is meant, with `r` filled for it, or the problem to answer with.
  resolution resolve(request& r) {
    auto& q = parser_->get();
    r.method = q.method() == wire::verb::head ? "GET" : std::string(q.method_string());
    for (const auto& field : q) {
      std::string name(field.name_string());
      std::transform(name.begin(), name.end(), name.begin(),
                     [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
      r.headers.emplace_back(std::move(name), std::string(field.value()));
    }
    if (q.version() >= 11 && r.header("host").empty())
      return {nullptr, problem(400, "HTTP/1.1 needs a Host header")};
    if (owner_.options.loopback_only && !r.header("host").empty() &&
        !is_local_host(r.header("host")))
      return {nullptr, problem(421, "this server answers to localhost only")};
    if (const auto split = split_target(q.target(), r); !split)
      return {nullptr, problem(split.error())};
    r.body = std::move(q.body());
    if (owner_.options.loopback_only) r.who = identity::loopback();
    const auto match = owner_.routes.find(r);
    if (!match) return {nullptr, problem(match.error())};
    if (match->found) return {match->found, {}};
    if (match->allow.empty()) return {nullptr, problem(404, "there is nothing at " + r.path)};
    auto not_allowed = problem(405, r.path + " takes " + match->allow);
    not_allowed.headers.emplace_back("Allow", match->allow);
    return {nullptr, not_allowed};
  }

  void refuse(unsigned status, std::string detail) {
    write(problem(status, detail), 11, false, false);
  }

  void write(response r, unsigned version, bool keep_alive, bool head) {
    owner_.figures.answered(r.status, since_);
    const auto fill = [&](auto& message) {
      message.version(version);
      message.result(r.status);
      message.reason(reason(r.status));
      message.set(wire::field::server, "pollux");
      message.set(wire::field::date, http_date());
      message.set("X-Content-Type-Options", "nosniff");
      if (!r.content_type.empty() && r.status != 304)
        message.set(wire::field::content_type, r.content_type);
      for (const auto& [name, value] : r.headers) message.set(name, value);
      message.keep_alive(keep_alive);
    };
    const bool bodiless = head || r.status == 304 || r.status == 204;
    if (bodiless) {
      wire::response<wire::empty_body> message;
      fill(message);
      if (head && r.status != 304 && r.status != 204) message.content_length(r.body.size());
      send(wire::message_generator(std::move(message)), keep_alive);
    } else {
      wire::response<wire::string_body> message;
      fill(message);
      message.body() = std::move(r.body);
      message.prepare_payload();
      send(wire::message_generator(std::move(message)), keep_alive);
    }
  }

  void send(wire::message_generator message, bool keep_alive) {
    expire(owner_.options.idle_ns);
    beast::async_write(stream_, std::move(message),
                       [self = shared_from_this(), keep_alive](error_code e, std::size_t) {
                         if (e) return self->close();
                         if (keep_alive) return self->read();
                         self->linger();
                       });
  }

  /// Reads away what the peer still sends: closing at once would reset the connection and take the
  /// answer with it.
  void linger() {
    idle_ = true;
    error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    expire(std::min<std::int64_t>(owner_.options.idle_ns, 2'000'000'000));
    buffer_.clear();
    drain(0);
  }
  void drain(std::size_t so_far) {
    stream_.async_read_some(buffer_.prepare(16 << 10),
                            [self = shared_from_this(), so_far](error_code e, std::size_t n) {
                              if (e || so_far + n > most_drained) return self->close();
                              self->drain(so_far + n);
                            });
  }

  void close() {
    answer_timer_.cancel();
    stream_.close();
  }

  server_core& owner_; // outlives the sessions: its io_context destroys them
  beast::tcp_stream stream_;
  asio::steady_timer answer_timer_;
  beast::flat_buffer buffer_;
  std::optional<wire::request_parser<wire::string_body>> parser_;
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
  std::uint64_t turn_ = 0;
  bool waiting_ = false, idle_ = false;
};

void answer_slot::give(response r) {
  if (given_.exchange(true)) return;
  asio::post(owner_->io, [asked = asked_, turn = turn_, r = std::move(r)]() mutable {
    if (const auto to = asked.lock()) to->answer(std::move(r), turn);
  });
}
} // namespace

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
    fresh->read();
}

void server_core::stop_listening() {
  stopping = true;
  error_code ignored;
  acceptor.close(ignored);
  pause.cancel();
  for (auto* s : std::vector<session*>(sessions.begin(), sessions.end())) s->stop();
  if (sessions.empty()) return;
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
  if (running && stopping && sessions.empty()) deadline.cancel();
}

server::server(server_options options) : core_(std::make_shared<server_core>(options)) {}

server::~server() { stop(); }

void server::route(std::string method, std::string pattern, handler h) {
  core_->routes.add(std::move(method), std::move(pattern), std::move(h));
}

result<std::uint16_t> server::start(const std::string& address, std::uint16_t port) {
  error_code e;
  const auto parsed = asio::ip::make_address(address, e);
  if (e)
    return failure{errc::invalid_argument, "[http] address \"" + address + "\" is no IP address"};
  if (core_->options.loopback_only && !parsed.is_loopback())
    return failure{errc::refused, "[http] address " + address +
                                      " is not a loopback address; HTTP has no log-in yet, so only "
                                      "127.0.0.1 or ::1 is accepted"};
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
  core_->figures = request_metrics(nullptr); // an answer still out keeps the core, not the registry
  core_->routes = {}; // handlers may hold actors, which must not outlive their system
}

} // namespace pollux::bridge::http
