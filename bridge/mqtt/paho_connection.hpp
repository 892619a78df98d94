// SPDX-License-Identifier: Apache-2.0
// One connection for receiving, on Paho's C interface (docs/decisions/0002 says why not the C++
// one): connect, subscribe, messages without copies, and a way to leave such that the message at
// hand is not acknowledged. Used for one connection only, then thrown away: Paho keeps queued
// acknowledgements across a reconnect, and those could confirm a message we refused.
#pragma once
#include "bridge/mqtt/options.hpp"
#include "bridge/mqtt/paho_socket.hpp"
#include "bridge/mqtt/source.hpp"
#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace pollux::bridge {

/// Told by Paho's receive thread, which holds Paho's process-wide mutex: must not block.
class paho_events {
public:
  virtual ~paho_events() = default;
  /// The broker gets its acknowledgement when this returns, unless sever() was called.
  virtual void on_message(const arrival& message) noexcept = 0;
  virtual void on_lost(std::string_view cause) noexcept = 0;
};

class paho_connection {
public:
  /// `options` and `events` must outlive the connection.
  paho_connection(const broker_options& options, paho_events& events);
  /// drop()s.
  ~paho_connection();
  paho_connection(const paho_connection&) = delete;
  paho_connection& operator=(const paho_connection&) = delete;

  /// Connects and waits for the broker's answer; gives up within about 20 ms when `cancelled` turns
  /// true. Gives whether the broker remembered our session. Messages may come before it returns.
  /// Errors: unavailable (no broker, timed out), refused (credentials, certificates, protocol),
  /// invalid_argument (url), io (the socket cannot be found, so nothing could be refused).
  result<bool> open(const std::atomic<bool>& cancelled);

  /// Subscribes and waits for the answer. Errors: unavailable; refused, naming the filters the
  /// broker did not grant.
  status subscribe(const std::vector<subscription>& wanted, const std::atomic<bool>& cancelled);

  /// From on_message: makes sure that no acknowledgement leaves any more. Never blocks.
  void sever() noexcept;

  /// Disconnects in good order, waiting at most `patience_ns` for it.
  void close(std::int64_t patience_ns);

  /// Drops the connection without a word; waits for a callback that is running, none comes after.
  void drop();

private:
  struct native; ///< the Paho handle and the C callbacks
  struct answer {
    bool pending = false, ok = false, session_present = false;
    int code = 0;
    std::string text;
    std::vector<int> granted;
  };
  /// Waits for the callback of the request just made; false when cancelled, cut off or out of time.
  bool wait_for_answer(std::int64_t patience_ns, const std::atomic<bool>& cancelled);
  void expect_answer();
  void find_socket();

  const broker_options& options_;
  paho_events& events_;
  std::unique_ptr<native> native_;
  std::mutex mutex_;
  std::condition_variable changed_;
  answer answer_;
  std::uint16_t port_ = 0;
  std::vector<socket_identity> before_; ///< sockets to port_ before this connection's
  std::vector<socket_identity>
      sockets_;           ///< this connection's; touched by Paho's receive thread only
  std::vector<int> kept_; ///< what sever() took away from Paho, to be read to its end
  std::atomic<bool> severed_{false}, lost_{false}, socket_found_{false};
};

} // namespace pollux::bridge
