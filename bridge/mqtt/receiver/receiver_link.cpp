// SPDX-License-Identifier: Apache-2.0
// The way of the bytes. Every handler holds the link alive and looks first whether it has ended.
#include "bridge/mqtt/receiver/receiver_link.hpp"
#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <cstring>
#include <thread>

namespace pollux::bridge::mqtt {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

namespace {

constexpr std::size_t first_buffer = 64 * 1024;
constexpr std::size_t room_to_read = 32 * 1024;
constexpr auto beat_every = std::chrono::milliseconds(250);
constexpr auto look_for_credit_every = std::chrono::milliseconds(2);
constexpr std::int64_t goodbye_ns = 2'000'000'000;
/// Unsent acknowledgements above this mean that the broker does not read.
constexpr std::size_t most_unsent = 1u << 20;

std::int64_t steady_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::int64_t utc_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

} // namespace

result<endpoint> parse_broker_url(const std::string& url) {
  endpoint out;
  std::string_view rest = url;
  if (rest.starts_with("tcp://"))
    out.port = "1883";
  else if (rest.starts_with("ssl://"))
    out.port = "8883", out.tls = true;
  else
    return failure{errc::invalid_argument,
                   "mqtt.url " + url + ": must begin with tcp:// or ssl://"};
  rest.remove_prefix(6);
  if (const auto slash = rest.find('/'); slash != std::string_view::npos)
    rest = rest.substr(0, slash);
  if (rest.starts_with('[')) {
    const auto end = rest.find(']');
    if (end == std::string_view::npos)
      return failure{errc::invalid_argument, "mqtt.url " + url + ": no ] after the address"};
    out.host = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
  } else {
    const auto colon = rest.find(':');
    out.host = rest.substr(0, colon);
    rest = colon == std::string_view::npos ? std::string_view{} : rest.substr(colon);
  }
  if (rest.starts_with(':')) out.port = rest.substr(1);
  const bool digits = !out.port.empty() && out.port.size() <= 5 &&
                      out.port.find_first_not_of("0123456789") == std::string::npos;
  if (out.host.empty() || !digits || std::stoi(out.port) > 65'535 || std::stoi(out.port) == 0)
    return failure{errc::invalid_argument, "mqtt.url " + url + ": needs a host and a port"};
  return out;
}

receiver_link::receiver_link(const link_surroundings& with, endpoint to,
                             const session_options& options, session_memory& memory,
                             link_events& owner)
    : with_(with), to_(std::move(to)), owner_(owner),
      session_(options, memory, with.handler, with.inlet), resolver_(with.io), socket_(with.io),
      beat_(with.io), credit_(with.io), limit_(options.max_message_bytes + room_to_read + 1024),
      buffer_(first_buffer) {}

void receiver_link::start() {
  started_ns_ = steady_ns();
  beat();
  resolver_.async_resolve(
      to_.host, to_.port,
      [self = shared_from_this()](const error_code& why, const tcp::resolver::results_type& found) {
        if (self->ended_) return;
        if (why)
          return self->finish({reason::unspecified, false, false,
                               "cannot find " + self->to_.host + ": " + why.message()});
        self->connect(found);
      });
}

void receiver_link::connect(const tcp::resolver::results_type& addresses) {
  asio::async_connect(socket_, addresses,
                      [self = shared_from_this()](const error_code& why, const tcp::endpoint&) {
                        if (!self->ended_) self->on_connected(why);
                      });
}

void receiver_link::on_connected(const error_code& why) {
  if (why)
    return finish({reason::unspecified, false, false,
                   "cannot connect to " + to_.host + ":" + to_.port + ": " + why.message()});
  error_code ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
  socket_.non_blocking(true, ignored);
  session_.begin(steady_ns());
  if (to_.tls) {
    tls_ = std::make_unique<tls_engine>(with_.tls, to_.host);
    cipher_.resize(first_buffer);
    decrypt(0); // writes the client's hello
  } else {
    send();
  }
  if (!ended_) read();
}

void receiver_link::read() {
  if (reading_ || ended_ || closing_ || blocked_) return;
  if (!tls_ && buffer_.size() - filled_ < room_to_read)
    buffer_.resize(std::min(limit_, std::max(buffer_.size() * 2, filled_ + room_to_read)));
  const auto room = tls_ ? asio::buffer(cipher_)
                         : asio::buffer(buffer_.data() + filled_, buffer_.size() - filled_);
  reading_ = true;
  socket_.async_read_some(room,
                          [self = shared_from_this()](const error_code& why, std::size_t bytes) {
                            self->reading_ = false;
                            if (!self->ended_) self->on_read(why, bytes);
                          });
}

void receiver_link::on_read(const error_code& why, std::size_t bytes) {
  if (why) {
    if (closing_) return; // the end is on its way
    return finish({reason::unspecified, false, false,
                   why == asio::error::eof ? "the broker closed the connection" : why.message()});
  }
  if (tls_)
    decrypt(bytes);
  else
    filled_ += bytes;
  if (!ended_) digest();
}

void receiver_link::decrypt(std::size_t bytes) {
  const auto give_up = [this](const failure& f) {
    finish({reason::unspecified, f.code == errc::refused && !tls_ready_, false, f.what});
  };
  if (auto fed = tls_->feed({cipher_.data(), bytes}); !fed) return give_up(fed.error());
  if (!tls_ready_) {
    const auto done = tls_->handshake();
    if (!done) {
      tls_->take_output(waiting_); // the alert tells the broker why
      write_on();
      return give_up(done.error());
    }
    tls_ready_ = *done;
  }
  if (tls_ready_) {
    const auto ended = tls_->read(buffer_, filled_, limit_);
    if (!ended) return give_up(ended.error());
    held_back_ = filled_ + room_to_read > limit_;
    if (*ended && filled_ == 0)
      return finish({reason::unspecified, false, false, "the broker closed the connection"});
  }
  send();
}

// Gives the session what has come, and decides how to go on.
void receiver_link::digest() {
  const auto used = session_.receive({buffer_.data(), filled_}, steady_ns(), utc_ns());
  filled_ -= used;
  if (filled_ > 0 && used > 0) std::memmove(buffer_.data(), buffer_.data() + used, filled_);
  if (filled_ == 0 && buffer_.size() > 4 * first_buffer) {
    buffer_.resize(first_buffer); // a large message is over
    buffer_.shrink_to_fit();
  }
  settle();
  if (ended_) return;
  if (!established_ && session_.at() == session::phase::established) {
    established_ = true;
    owner_.on_established(*this);
  }
  if (const auto why = session_.blocked()) {
    if (!blocked_) {
      blocked_ = true;
      owner_.on_blocked(*this, *why);
    }
    return wait_for_credit();
  }
  if (blocked_) {
    blocked_ = false;
    owner_.on_unblocked(*this);
  }
  const auto taken = session_.messages() - messages_before_;
  messages_before_ = session_.messages();
  if (held_back_) { // the engine has more than the buffer could take
    asio::post(with_.io, [self = shared_from_this()] {
      if (self->ended_) return;
      self->decrypt(0);
      if (!self->ended_) self->digest();
    });
    return;
  }
  if (pace_.rest_after(taken, steady_ns())) rest();
  read();
}

// The whole thread rests: a timer of the reactor would be of no use, because the reactor wakes for
// every message the broker writes meanwhile.
void receiver_link::rest() {
  with_.looks_soon.store(true);
  std::this_thread::sleep_for(std::chrono::nanoseconds(read_pace::rest_ns));
  with_.looks_soon.store(false);
  settle();
}

// What is taken is counted before the watermark is looked at: who raises it afterwards sees that
// somebody waits.
void receiver_link::settle() {
  count();
  session_.acknowledge();
  count();
  send();
  if (!ended_ && session_.closed()) finish_after_output();
}

void receiver_link::count() {
  const auto waiting = session_.unacknowledged();
  if (waiting != counted_waiting_) with_.waiting.fetch_add(waiting - counted_waiting_);
  counted_waiting_ = waiting;
  const auto done = session_.acknowledged();
  if (done != counted_acknowledged_) with_.acknowledged.add(done - counted_acknowledged_);
  counted_acknowledged_ = done;
}

void receiver_link::wait_for_credit() {
  credit_.expires_after(look_for_credit_every);
  credit_.async_wait([self = shared_from_this()](const error_code& why) {
    if (why || self->ended_ || self->closing_) return;
    if (self->with_.inlet.accepting()) return self->digest();
    self->acknowledge();
    self->wait_for_credit();
  });
}

void receiver_link::acknowledge() {
  if (ended_) return;
  settle();
  if (ended_) return;
  if (closing_ && session_.unacknowledged() == 0) leave();
}

void receiver_link::leave() {
  if (ended_) return;
  if (!closing_) {
    closing_ = true;
    leaving_ns_ = steady_ns();
  }
  if (session_.unacknowledged() > 0 && established_ && steady_ns() - leaving_ns_ < goodbye_ns)
    return; // acknowledge() or beat() comes back
  session_.leave();
  send();
  if (!ended_) finish_after_output();
}

void receiver_link::abandon(std::string why) {
  finish({reason::unspecified, false, false, std::move(why)});
}

void receiver_link::send() {
  auto& out = session_.output();
  if (!out.empty()) {
    if (!tls_) {
      waiting_ += out;
      out.clear();
    } else if (tls_ready_) {
      if (auto sealed = tls_->write(out); !sealed)
        return finish({reason::unspecified, false, false, sealed.error().what});
      out.clear();
    }
  }
  if (tls_) tls_->take_output(waiting_);
  if (waiting_.size() > most_unsent)
    return finish({reason::unspecified, false, false, "the broker does not read what we send"});
  write_on();
}

void receiver_link::write_on() {
  if (!sending_.empty() || waiting_.empty() || !socket_.is_open()) return;
  sending_.swap(waiting_);
  // Most fits into the socket at once: that saves a turn through the reactor.
  error_code why;
  const auto sent = socket_.write_some(asio::buffer(sending_), why);
  if (!why && sent == sending_.size()) {
    sending_.clear();
    return;
  }
  if (!why) sending_.erase(0, sent);
  asio::async_write(socket_, asio::buffer(sending_),
                    [self = shared_from_this()](const error_code& failed, std::size_t) {
                      self->sending_.clear();
                      if (self->ended_) return;
                      if (failed)
                        return self->finish({reason::unspecified, false, false, failed.message()});
                      self->write_on();
                    });
}

// Four times a second: pings, and what must not take for ever.
void receiver_link::beat() {
  beat_.expires_after(beat_every);
  beat_.async_wait([self = shared_from_this()](const error_code& why) {
    if (why || self->ended_) return;
    const auto now = steady_ns();
    if (self->closing_) {
      if (now - self->leaving_ns_ > 2 * goodbye_ns)
        return self->abandon("left; the broker did not take our good-bye");
      self->leave();
      if (self->ended_) return;
    } else if (!self->established_ && now - self->started_ns_ > self->with_.patience_ns) {
      return self->abandon("no answer from " + self->to_.host + ":" + self->to_.port);
    }
    self->session_.pass_time(now);
    self->acknowledge();
    if (!self->ended_) self->beat();
  });
}

void receiver_link::finish_after_output() {
  auto why = session_.closed().value_or(closure{});
  // What is written last (acknowledgements, the reason) is given to the kernel if it takes it.
  finish(std::move(why));
}

void receiver_link::finish(closure why) {
  if (ended_) return;
  ended_ = true;
  end_ = std::move(why);
  count();
  with_.waiting.fetch_sub(counted_waiting_);
  session_.carry();
  resolver_.cancel();
  beat_.cancel();
  credit_.cancel();
  error_code ignored;
  // Closed for writing first: a close with unread data would send a reset, and a reset may overtake
  // the last acknowledgements.
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
  owner_.on_ended(*this);
  if (!socket_.is_open()) return;
  // Read and discard until the broker has seen the end, for a moment.
  beat_.expires_after(std::chrono::milliseconds(500));
  beat_.async_wait([self = shared_from_this()](const error_code&) {
    error_code unused;
    self->socket_.close(unused);
  });
  cipher_.resize(first_buffer);
  drain();
}

void receiver_link::drain() {
  socket_.async_read_some(asio::buffer(cipher_),
                          [self = shared_from_this()](const error_code& why, std::size_t) {
                            if (!why) return self->drain();
                            self->beat_.cancel();
                            error_code ignored;
                            self->socket_.close(ignored);
                          });
}

} // namespace pollux::bridge::mqtt
