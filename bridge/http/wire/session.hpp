// SPDX-License-Identifier: Apache-2.0
// One connection: requests one after the other, or an answer that goes on, or a WebSocket.
//
//   (handshake) -> read header -> (100-continue) -> read body -> handler ... responder -> write
//                      ^------------------ keep-alive ---------------------------------------'
//                                                            `-> stream: pushed until it ends
#pragma once
#include "bridge/http/access/admission.hpp"
#include "bridge/http/wire/any_stream.hpp"
#include "bridge/http/wire/core.hpp"
#include <atomic>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <chrono>
#include <deque>

namespace pollux::bridge::http {

namespace wire = boost::beast::http;

class session : public std::enable_shared_from_this<session> {
public:
  session(server_core& owner, tcp::socket socket);
  ~session();
  session(const session&) = delete;
  session& operator=(const session&) = delete;

  void start();
  /// Writes `r` as the answer to the request of that turn; a late one is ignored.
  void answer(response r, std::uint64_t turn);
  /// Refuses the connection itself, before anything was read.
  void turn_away();
  /// Ends a connection on which no request is in progress.
  void stop();
  /// Ends a stream whose reader may not read it any more.
  void check_leave();
  /// Ends what has taken too long. Looked at a few times a second for all sessions together, as a
  /// timer of its own for each read, answer and write costs more than they do.
  void check_time(std::chrono::steady_clock::time_point now);

  /// Nobody will answer any more: the server has stopped.
  void forsake() { const auto last = std::move(held_); }

  void push(chunk bytes);
  void close();

private:
  void expire(std::int64_t after_ns) {
    due_ = std::chrono::steady_clock::now() + std::chrono::nanoseconds(after_ns);
  }
  void never_expire() { due_ = std::chrono::steady_clock::time_point::max(); }
  void read(std::int64_t within_ns);
  void read_failed(error_code e);
  void read_body();
  void read_rest();
  void dispatch();
  gate::decision decide(request& r);
  void refuse(unsigned status, std::string detail);
  void write(response r, unsigned version, bool keep_alive, bool head);
  void written(error_code e, bool keep_alive);
  void linger();
  void drain(std::size_t so_far);

  void go_on(response r, unsigned version);
  void opened();
  void listen_for_end();
  void upgrade(response r);
  void read_messages();
  void write_next();
  void chunks_written(error_code e);
  void end_stream();

  server_core& owner_; // outlives the sessions: its io_context destroys them
  any_stream stream_;
  std::optional<beast::websocket::stream<any_stream>> socket_; ///< takes stream_ over
  std::chrono::steady_clock::time_point due_ = std::chrono::steady_clock::time_point::max();
  beast::flat_buffer buffer_;
  std::string peer_; ///< the client's address
  std::optional<wire::request_parser<wire::string_body>> parser_;
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
  std::string head_, body_; ///< of the answer that is being written
  std::uint64_t turn_ = 0;
  bool waiting_ = false, idle_ = false, closed_ = false;
  std::shared_ptr<session> held_; ///< itself, while an answer is due

  class end_of_wire; ///< the outlet
  std::shared_ptr<const stream> goes_on_;
  std::shared_ptr<end_of_wire> outlet_;
  identity reader_;          ///< whose stream it is
  std::optional<deed> deed_; ///< to be recorded with its outcome
  std::size_t ignored_ = 0;  ///< bytes the client sent on a stream
  std::deque<chunk> unsent_;
  std::vector<asio::const_buffer> in_flight_;
  bool writing_ = false;
};

} // namespace pollux::bridge::http
