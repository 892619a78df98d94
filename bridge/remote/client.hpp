// SPDX-License-Identifier: Apache-2.0
// The other end of the gateway, for plain threads: connects, asks, and always comes back in time.
// CAF's connect can hang for ever on a stopped peer, and a query to a lost peer is never answered;
// so the connect runs in a thread of its own and every wait here has an end.
#pragma once
#include "bridge/remote/endpoint.hpp"
#include "bridge/remote/remoting.hpp"
#include "messages/node_api.hpp"
#include <chrono>
#include <memory>
#include <string>

namespace pollux::bridge::remote {

/// However long a query may take, a node that does not take a link in this time is not there: with
/// the time to give up, a stopped one is reported within 6 s.
inline constexpr std::chrono::milliseconds longest_connect{4500};

struct client_settings {
  std::string data = "data"; ///< whose pki folder holds the client's certificate
  std::string server;        ///< host:port; empty = as the node wrote it into the data folder
  std::chrono::milliseconds timeout{5000}; ///< of each query unless it says so, and of the connect
};

class client {
public:
  /// Errors: unavailable (no node answers there within settings.timeout, or none has ever been
  /// started on the data folder), refused (a certificate that may not be used), invalid_argument
  /// (bad server text), version_mismatch (something else answers).
  static result<std::unique_ptr<client>> connect(const client_settings& settings);
  client(const client&) = delete;
  client& operator=(const client&) = delete;
  /// Closes the link; waits for that at most half a second.
  ~client();

  /// One query, one answer. Errors: whatever the node says; timed_out after `timeout` (the outcome
  /// is unknown); unavailable at once when the link is lost.
  template <class Query>
  result<messages::answer_to<Query>> ask(const Query& query, std::chrono::milliseconds timeout);
  template <class Query> result<messages::answer_to<Query>> ask(const Query& query) {
    return ask(query, timeout_);
  }
  [[nodiscard]] bool connected() const noexcept;
  [[nodiscard]] const endpoint& where() const noexcept { return where_; }

private:
  struct session;
  client(std::shared_ptr<session> s, endpoint where, std::chrono::milliseconds timeout);
  void give_up(); ///< asks the session to end, waits for nothing
  std::shared_ptr<session> session_;
  endpoint where_;
  std::chrono::milliseconds timeout_;
};

/// Ask after the last client is gone: true when a session still runs, that is, hangs inside CAF.
/// The process must then end by std::_Exit, after flushing its output; ordinary exit could hang as
/// well.
[[nodiscard]] bool must_exit_hard() noexcept;

} // namespace pollux::bridge::remote
