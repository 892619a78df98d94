// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/wire/session.hpp"
#include "bridge/http/wire/head.hpp"
#include "messages/observability/log.hpp"
#include <algorithm>
#include <array>

namespace pollux::bridge::http {

namespace {

constexpr std::size_t most_drained = 8 << 20;

/// One answer that is due. Whoever comes first wins: the handler, its silence, or the time-out.
class answer_slot {
public:
  answer_slot(std::shared_ptr<server_core> owner, std::weak_ptr<session> asked, std::uint64_t turn,
              dressing how)
      : owner_(std::move(owner)), asked_(std::move(asked)), turn_(turn), how_(std::move(how)) {}
  ~answer_slot() {
    if (!given_) give(problem(500, "the request was dropped without an answer"));
  }
  answer_slot(const answer_slot&) = delete;
  answer_slot& operator=(const answer_slot&) = delete;

  void give(response r) {
    if (given_.exchange(true)) return;
    dress(r, how_); // in the thread that answers, which is seldom the server's
    asio::post(owner_->io, [asked = asked_, turn = turn_, r = std::move(r)]() mutable {
      if (const auto to = asked.lock()) to->answer(std::move(r), turn);
    });
  }

private:
  std::shared_ptr<server_core> owner_; ///< keeps the io_context while an answer is out
  std::weak_ptr<session> asked_;
  std::uint64_t turn_;
  dressing how_;
  std::atomic<bool> given_{false};
};

any_stream made_of(tcp::socket socket, server_core& owner) {
  auto* tls = owner.tls.context();
  return tls ? any_stream(std::move(socket), *tls) : any_stream(std::move(socket));
}

} // namespace

session::session(server_core& owner, tcp::socket socket)
    : owner_(owner), stream_(made_of(std::move(socket), owner)) {
  error_code gone;
  if (const auto from = stream_.lowest().socket().remote_endpoint(gone); !gone)
    peer_ = from.address().to_string();
  owner_.joined(this);
}

session::~session() { owner_.gone(this); }

void session::start() {
  const auto patience = std::min(owner_.options.header_ns, owner_.options.idle_ns);
  if (!stream_.secure()) return read(patience);
  idle_ = true;
  expire(patience);
  stream_.async_handshake([self = shared_from_this(), patience](error_code e) {
    self->idle_ = false;
    if (e) return self->close();
    self->read(patience);
  });
}

void session::read(std::int64_t within_ns) {
  if (owner_.stopping) return close();
  idle_ = true;
  parser_.emplace();
  parser_->header_limit(owner_.options.header_bytes);
  parser_->body_limit(owner_.options.body_bytes);
  expire(within_ns);
  wire::async_read_header(stream_, buffer_, *parser_,
                          [self = shared_from_this()](error_code e, std::size_t) {
                            self->idle_ = false;
                            self->since_ = std::chrono::steady_clock::now();
                            if (e) return self->read_failed(e);
                            if (self->parser_->is_done()) return self->dispatch();
                            self->read_body();
                          });
}

void session::answer(response r, std::uint64_t turn) {
  if (turn != turn_ || !waiting_) return;
  waiting_ = false;
  const auto alive = std::move(held_);
  if (deed_ && owner_.options.access) owner_.options.access->record(*deed_, r.status);
  deed_.reset();
  const auto& q = parser_->get();
  const bool head = q.method() == wire::verb::head;
  if (r.goes_on && !head && r.status == 200 && !owner_.stopping) {
    if (r.goes_on->web_socket) return upgrade(std::move(r));
    return go_on(std::move(r), q.version());
  }
  write(std::move(r), q.version(), q.keep_alive() && !owner_.stopping, head);
}

void session::turn_away() {
  if (stream_.secure()) return close(); // a problem would cost a handshake
  write(problem(503, "too many connections; try again later"), 11, false, false);
}

void session::stop() {
  if (goes_on_)
    end_stream();
  else if (idle_)
    close();
}

void session::check_leave() {
  if (goes_on_ && owner_.options.access && !owner_.options.access->still(reader_)) end_stream();
}

void session::check_time(std::chrono::steady_clock::time_point now) {
  if (now < due_) return;
  never_expire();
  if (waiting_) return answer(problem(504, "no answer in time"), turn_);
  if (!socket_) stream_.lowest().close(); // what is under way fails, and so on
}

void session::read_failed(error_code e) {
  if (e == wire::error::header_limit)
    return refuse(431, "the request's header is larger than this server takes");
  if (e == wire::error::body_limit)
    return refuse(413, "the request's body is larger than this server takes");
  if (e.category() == wire::make_error_code(wire::error::bad_method).category() &&
      e != wire::error::end_of_stream && e != wire::error::partial_message)
    return refuse(400, "malformed request: " + e.message());
  close(); // the peer went, or was too slow
}

void session::read_body() {
  const auto& q = parser_->get();
  const auto length = parser_->content_length();
  if (length && *length > owner_.options.body_bytes)
    return refuse(413, "the request's body is larger than this server takes");
  expire(owner_.options.idle_ns);
  if (!beast::iequals(q[wire::field::expect], "100-continue")) return read_rest();
  auto go_on =
      std::make_shared<wire::response<wire::empty_body>>(wire::status::continue_, q.version());
  wire::async_write(stream_, *go_on, [self = shared_from_this(), go_on](error_code e, std::size_t) {
    if (e) return self->close();
    self->read_rest();
  });
}

void session::read_rest() {
  wire::async_read(stream_, buffer_, *parser_,
                   [self = shared_from_this()](error_code e, std::size_t) {
                     if (e) return self->read_failed(e);
                     self->dispatch();
                   });
}

void session::dispatch() {
  ++turn_;
  waiting_ = true;
  request r;
  auto decided = decide(r);
  if (decided.run == nullptr) {
    dress(decided.instead, decided.how);
    return answer(std::move(decided.instead), turn_);
  }
  expire(owner_.options.answer_ns);
  held_ = shared_from_this();
  const auto slot = std::make_shared<answer_slot>(owner_.shared_from_this(), weak_from_this(),
                                                  turn_, std::move(decided.how));
  try {
    (*decided.run)(r, [slot](response given) { slot->give(std::move(given)); });
  } catch (const std::exception& e) { // a defect of one handler must not take the others along
    messages::log::error("http", "a handler failed", {{"path", r.path}, {"why", e.what()}});
    slot->give(problem(500, "an internal error; the log says more"));
  }
}

/// What is to be done with the request, and `r` filled for it.
gate::decision session::decide(request& r) {
  auto& q = parser_->get();
  r.method = q.method() == wire::verb::head ? "GET" : std::string(q.method_string());
  for (const auto& field : q) {
    std::string name(field.name_string());
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    r.headers.emplace_back(std::move(name), std::string(field.value()));
  }
  r.peer = peer_;
  r.secure = stream_.secure();
  r.head_only = q.method() == wire::verb::head;
  r.body = std::move(q.body());
  auto out = owner_.entrance.decide(r, q.target(), q.version() >= 11, owner_.routes,
                                    since_.time_since_epoch().count());
  reader_ = r.who;
  const bool changes = r.method != "GET" && r.method != "OPTIONS";
  if (changes && !r.who.name.empty()) deed_ = deed_of(r);
  return out;
}

void session::refuse(unsigned status, std::string detail) {
  write(problem(status, detail), 11, false, false);
}

void session::write(response r, unsigned version, bool keep_alive, bool head) {
  owner_.figures.answered(r.status, since_);
  const bool bodiless = head || r.status == 304 || r.status == 204;
  head_ = head_of(r, version, keep_alive);
  if (r.status != 304 && r.status != 204)
    add_field(head_, "Content-Length", std::to_string(r.body.size()));
  head_ += "\r\n";
  body_ = bodiless ? std::string() : std::move(r.body);
  expire(owner_.options.idle_ns);
  const std::array<asio::const_buffer, 2> both{asio::buffer(head_), asio::buffer(body_)};
  asio::async_write(stream_, both,
                    [self = shared_from_this(), keep_alive](error_code e, std::size_t) {
                      self->written(e, keep_alive);
                    });
}

void session::written(error_code e, bool keep_alive) {
  if (e) return close();
  body_ = {}; // an idle connection keeps nothing large
  if (keep_alive) return read(owner_.options.idle_ns);
  linger();
}

/// Reads away what the peer still sends: closing at once would reset the connection and take the
/// answer with it.
void session::linger() {
  idle_ = true;
  error_code ignored;
  stream_.lowest().socket().shutdown(tcp::socket::shutdown_send, ignored);
  expire(std::min<std::int64_t>(owner_.options.idle_ns, 2'000'000'000));
  buffer_.clear();
  drain(0);
}

void session::drain(std::size_t so_far) {
  stream_.lowest().async_read_some(
      buffer_.prepare(16 << 10), [self = shared_from_this(), so_far](error_code e, std::size_t n) {
        if (e || so_far + n > most_drained) return self->close();
        self->drain(so_far + n);
      });
}

void session::close() {
  waiting_ = false;
  never_expire();
  if (!socket_) stream_.lowest().close();
}

} // namespace pollux::bridge::http
