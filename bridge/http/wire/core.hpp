// SPDX-License-Identifier: Apache-2.0
// What the sessions of one server share. One thread runs the io_context, so none of it is locked.
#pragma once
#include "bridge/http/gate.hpp"
#include "bridge/http/request_metrics.hpp"
#include "bridge/http/server.hpp"
#include "bridge/http/wire/certificate.hpp"
#include <boost/asio.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <memory>
#include <set>
#include <thread>

namespace pollux::bridge::http {

class session;

/// The members below `io` go first, then io takes the sessions that are left with it, and those
/// still look at the members above.
struct server_core : std::enable_shared_from_this<server_core> {
  explicit server_core(server_options o);
  void accept();
  void take(boost::asio::ip::tcp::socket socket);
  void stop_listening();
  void watch_sessions();
  void joined(session* which);
  void gone(session* which);

  server_options options;
  gate entrance;
  router routes;
  std::set<session*> sessions; ///< not owned: pending operations own them
  request_metrics figures;
  bool stopping = false, running = false;
  certificate tls;
  boost::asio::io_context io{1};
  boost::asio::ip::tcp::acceptor acceptor{io};
  boost::asio::steady_timer pause{io}, deadline{io}, watch{io};
  std::chrono::nanoseconds watch_every{};
  std::chrono::steady_clock::time_point leave_checked{};
  std::thread thread;
};

} // namespace pollux::bridge::http
