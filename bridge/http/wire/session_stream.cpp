// SPDX-License-Identifier: Apache-2.0
// Answers that go on: bytes behind the header until one side closes, and WebSockets.
#include "bridge/http/wire/head.hpp"
#include "bridge/http/wire/session.hpp"

namespace pollux::bridge::http {

namespace {
constexpr std::size_t most_at_once = 32;          ///< chunks in one write
constexpr std::size_t longest_message = 16 << 10; ///< of a WebSocket's client
constexpr int kernel_bytes = 32 << 10;            ///< asked for; Linux takes twice as much
constexpr std::size_t most_ignored = 1 << 20;     ///< bytes sent to us on a stream
} // namespace

/// What handlers push into. Outlives the session; keeps the io_context it posts to.
class session::end_of_wire : public outlet {
public:
  end_of_wire(std::shared_ptr<server_core> owner, std::weak_ptr<session> to, std::size_t most)
      : owner_(std::move(owner)), to_(std::move(to)), most_(most) {}

  bool push(chunk bytes) override {
    const auto size = bytes->size();
    if (closed_) return false;
    auto before = unsent_.load();
    do {
      if (before != 0 && before + size > most_) return false;
    } while (!unsent_.compare_exchange_weak(before, before + size));
    asio::post(owner_->io, [to = to_, bytes = std::move(bytes)]() mutable {
      if (const auto at = to.lock()) at->push(std::move(bytes));
    });
    return true;
  }
  [[nodiscard]] std::size_t unsent() const override { return unsent_; }
  void close() override {
    asio::post(owner_->io, [to = to_] {
      if (const auto at = to.lock()) at->end_stream();
    });
  }

  void taken(std::size_t bytes) { unsent_ -= bytes; }
  void closed() { closed_ = true; }

private:
  std::shared_ptr<server_core> owner_;
  std::weak_ptr<session> to_;
  std::size_t most_;
  std::atomic<std::size_t> unsent_{0};
  std::atomic<bool> closed_{false};
};

void session::go_on(response r, unsigned version) {
  owner_.figures.answered(r.status, since_);
  goes_on_ = r.goes_on;
  head_ = head_of(r, version, false) + "\r\n"; // it ends with the connection
  expire(owner_.options.idle_ns);
  asio::async_write(stream_, asio::buffer(head_),
                    [self = shared_from_this()](error_code e, std::size_t) {
                      if (e) return self->end_stream();
                      self->parser_.reset();
                      self->head_ = {};
                      self->never_expire();
                      self->opened();
                      self->listen_for_end();
                    });
}

void session::opened() {
  if (closed_) return;
  error_code ignored; // the system would queue megabytes for a reader who reads nothing
  auto& lowest = socket_ ? socket_->next_layer().lowest() : stream_.lowest();
  lowest.socket().set_option(asio::socket_base::send_buffer_size(kernel_bytes), ignored);
  outlet_ = std::make_shared<end_of_wire>(owner_.shared_from_this(), weak_from_this(),
                                          owner_.options.unsent_bytes);
  if (goes_on_->opened) goes_on_->opened(outlet_);
}

/// Nothing is expected of the client but that it goes.
void session::listen_for_end() {
  buffer_.clear();
  buffer_.shrink_to_fit();
  stream_.async_read_some(buffer_.prepare(512),
                          [self = shared_from_this()](error_code e, std::size_t n) {
                            self->ignored_ += n;
                            if (e || self->ignored_ > most_ignored) return self->end_stream();
                            self->listen_for_end();
                          });
}

void session::upgrade(response r) {
  owner_.figures.answered(101, since_);
  goes_on_ = r.goes_on;
  never_expire(); // the WebSocket has timers of its own
  socket_.emplace(std::move(stream_));
  socket_->set_option(beast::websocket::stream_base::timeout{
      std::chrono::nanoseconds(owner_.options.header_ns),
      std::chrono::nanoseconds(owner_.options.idle_ns), true});
  socket_->read_message_max(longest_message);
  socket_->text(true);
  socket_->set_option(
      beast::websocket::stream_base::decorator([](beast::websocket::response_type& message) {
        message.set(wire::field::server, "pollux");
      }));
  buffer_.clear();
  socket_->async_accept(parser_->get(), [self = shared_from_this()](error_code e) {
    if (e) return self->end_stream();
    self->parser_.reset();
    self->opened();
    self->read_messages();
  });
}

void session::read_messages() {
  socket_->async_read(buffer_, [self = shared_from_this()](error_code e, std::size_t) {
    if (e) return self->end_stream();
    if (!self->closed_ && self->socket_->got_text() && self->goes_on_->received)
      self->goes_on_->received(
          {static_cast<const char*>(self->buffer_.data().data()), self->buffer_.data().size()});
    self->buffer_.clear();
    self->read_messages();
  });
}

void session::push(chunk bytes) {
  if (closed_) return;
  unsent_.push_back(std::move(bytes));
  if (!writing_) write_next();
}

void session::write_next() {
  if (unsent_.empty() || closed_) return;
  writing_ = true;
  const auto done = [self = shared_from_this()](error_code e, std::size_t) {
    self->chunks_written(e);
  };
  in_flight_.clear();
  if (socket_) {
    in_flight_.push_back(asio::buffer(*unsent_.front()));
    return socket_->async_write(in_flight_.front(), done);
  }
  for (std::size_t i = 0; i < std::min(most_at_once, unsent_.size()); ++i)
    in_flight_.push_back(asio::buffer(*unsent_[i]));
  expire(owner_.options.idle_ns);
  asio::async_write(stream_, in_flight_, done);
}

void session::chunks_written(error_code e) {
  writing_ = false;
  never_expire();
  if (e) return end_stream();
  for (std::size_t i = 0; i < in_flight_.size() && !unsent_.empty(); ++i) {
    outlet_->taken(unsent_.front()->size());
    unsent_.pop_front();
  }
  if (closed_) return;
  write_next();
}

void session::end_stream() {
  if (std::exchange(closed_, true)) return;
  if (outlet_) {
    outlet_->closed();
    if (goes_on_->closed) goes_on_->closed();
  }
  goes_on_.reset();
  if (socket_)
    socket_->next_layer().lowest().close();
  else
    stream_.lowest().close();
}

} // namespace pollux::bridge::http
