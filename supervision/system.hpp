// SPDX-License-Identifier: Apache-2.0
// The composition root: starts a node's parts in order and stops them in reverse (decision 11).
//
//   black box -> log, store -> models, registry -> intake -> node_started -> core (recovers)
//   -> tick and sync threads -> HTTP, remote gateway -> MQTT
#pragma once
#include "config/config.hpp"
#include "domain/base/result.hpp"
#include <chrono>
#include <memory>
#include <string>

namespace pollux::supervision {

class system {
public:
  /// Starts a node. A broker that is down does not matter: the bridge keeps trying. Errors:
  /// locked (another process on this data folder), version_mismatch, corrupt, invalid_argument
  /// (models, egress templates), no_space, io.
  static result<std::unique_ptr<system>> start(config::settings settings);
  ~system(); ///< stops

  /// Looks after the core: rebuilds it when one of its actors has ended by a defect. Call it
  /// several times a second. Errors: the restart budget (5 in 60 s) is used up; the process should
  /// end.
  status supervise();

  /// Takes over what may change while running: log level and format, model files.
  status reload(const config::settings& changed);

  /// Drains, syncs, stops. Under 5 s with 100,000 twins.
  void stop();

  /// Where the doors listen, for people: "http://127.0.0.1:8080", "127.0.0.1:4343"; empty = off.
  [[nodiscard]] std::string http_url() const;
  [[nodiscard]] std::string remote_endpoint() const;

private:
  struct parts;
  explicit system(std::unique_ptr<parts> p);
  std::unique_ptr<parts> parts_;
};

} // namespace pollux::supervision
