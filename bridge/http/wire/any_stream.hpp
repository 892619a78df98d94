// SPDX-License-Identifier: Apache-2.0
// A connection with or without TLS as one type, so that everything above it is compiled once.
#pragma once
#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket/teardown.hpp>
#include <memory>
#include <utility>

namespace pollux::bridge::http {

namespace asio = boost::asio;
namespace beast = boost::beast;
using asio::ip::tcp;
using boost::system::error_code;

class any_stream {
public:
  using executor_type = beast::tcp_stream::executor_type;
  explicit any_stream(tcp::socket socket)
      : plain_(std::make_unique<beast::tcp_stream>(std::move(socket))) {}
  any_stream(tcp::socket socket, asio::ssl::context& with)
      : secure_(std::make_unique<beast::ssl_stream<beast::tcp_stream>>(std::move(socket), with)) {}

  [[nodiscard]] bool secure() const { return secure_ != nullptr; }
  [[nodiscard]] beast::tcp_stream& lowest() { return secure_ ? secure_->next_layer() : *plain_; }
  [[nodiscard]] executor_type get_executor() { return lowest().get_executor(); }

  template <class Done> void async_handshake(Done&& done) {
    secure_->async_handshake(asio::ssl::stream_base::server, std::forward<Done>(done));
  }
  template <class Buffers, class Done> void async_read_some(const Buffers& into, Done&& done) {
    if (secure_)
      secure_->async_read_some(into, std::forward<Done>(done));
    else
      plain_->async_read_some(into, std::forward<Done>(done));
  }
  template <class Buffers, class Done> void async_write_some(const Buffers& from, Done&& done) {
    if (secure_)
      secure_->async_write_some(from, std::forward<Done>(done));
    else
      plain_->async_write_some(from, std::forward<Done>(done));
  }

private:
  std::unique_ptr<beast::tcp_stream> plain_;
  std::unique_ptr<beast::ssl_stream<beast::tcp_stream>> secure_;
};

// What a WebSocket asks of the layer below it.
inline void beast_close_socket(any_stream& s) { s.lowest().close(); }
inline void teardown(beast::role_type, any_stream& s, error_code& e) {
  s.lowest().socket().shutdown(tcp::socket::shutdown_both, e);
}
template <class Done> void async_teardown(beast::role_type, any_stream& s, Done&& done) {
  error_code ignored;
  s.lowest().socket().shutdown(tcp::socket::shutdown_both, ignored);
  asio::post(s.get_executor(), beast::bind_front_handler(std::forward<Done>(done), error_code{}));
}

} // namespace pollux::bridge::http
