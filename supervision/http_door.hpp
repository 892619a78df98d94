// SPDX-License-Identifier: Apache-2.0
// The HTTP door of a node: access control, routes and server, made of the settings.
#pragma once
#include "bridge/http/access/access_control.hpp"
#include "bridge/http/routes.hpp"
#include "bridge/http/server.hpp"
#include "config/config.hpp"
#include <memory>

namespace pollux::supervision {

class http_door {
public:
  /// Listens. `from` without its access and events, which come of the settings; `metrics` and
  /// `audit` must outlive the door. Errors: refused (the node would be open to others), locked, io,
  /// invalid_argument (address, certificate or key).
  static result<std::unique_ptr<http_door>> open(const config::settings& settings,
                                                 bridge::http::route_sources from,
                                                 messages::metrics& metrics,
                                                 bridge::audit::log& audit);
  [[nodiscard]] std::uint16_t port() const { return port_; }
  void stop() { server_.stop(); } ///< see server::stop

private:
  http_door(bridge::http::access_options access, bridge::http::server_options options);

  bridge::http::access_control access_;
  bridge::http::server server_; ///< ends first
  std::uint16_t port_ = 0;
};

} // namespace pollux::supervision
