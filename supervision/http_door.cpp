// SPDX-License-Identifier: Apache-2.0
#include "supervision/http_door.hpp"

namespace pollux::supervision {

namespace {

constexpr std::uint32_t rate_of_strangers = 100; ///< requests a second, where nothing is set

bridge::http::server_options with_access(bridge::http::server_options options,
                                         bridge::http::admission& access) {
  options.access = &access;
  return options;
}

} // namespace

http_door::http_door(bridge::http::access_options access, bridge::http::server_options options)
    : access_(std::move(access)), server_(with_access(std::move(options), access_)) {}

result<std::unique_ptr<http_door>> http_door::open(const config::settings& settings,
                                                   bridge::http::route_sources from,
                                                   messages::metrics& metrics,
                                                   bridge::audit::log& audit) {
  const auto& s = settings.http;
  const bool loopback = s.address.starts_with("127.") || s.address == "::1";
  bridge::http::access_options access;
  access.data = settings.node.data;
  access.loopback = loopback;
  access.behind_proxy = s.behind_proxy;
  access.open_on_loopback = s.open_on_loopback;
  access.audit = &audit;
  bridge::http::server_options options;
  options.metrics = &metrics;
  options.connections = s.connections;
  options.cors_origins = s.cors_origins;
  options.rate = s.rate == 0 && !loopback ? rate_of_strangers : s.rate;
  options.loopback_only = loopback && !s.behind_proxy;
  options.certificate_file = s.certificate_file;
  options.key_file = s.key_file;
  auto door = std::unique_ptr<http_door>(new http_door(std::move(access), std::move(options)));
  from.access = &door->access_;
  from.events_bytes = s.events_bytes;
  bridge::http::add_routes(door->server_, from);
  auto port = door->server_.start(s.address, s.port);
  if (!port) return port.error();
  door->port_ = *port;
  return door;
}

} // namespace pollux::supervision
