// SPDX-License-Identifier: Apache-2.0
// From the configuration to a running MQTT bridge: one source for what comes in, one egress for
// what goes out, both to the same broker.
#pragma once
#include "actors/models.hpp"
#include "actors/publishing.hpp"
#include "config/config.hpp"
#include "messages/egress.hpp"
#include "messages/health.hpp"
#include "messages/inlet.hpp"
#include "messages/observability/metrics.hpp"
#include "messages/observability/trace_board.hpp"
#include "messages/quarantine.hpp"
#include <memory>
#include <vector>

namespace pollux::supervision {

struct mqtt_bridge_surroundings {
  messages::inlet* inlet = nullptr;
  messages::quarantine_port* quarantine = nullptr;
  const actors::model_catalog* models = nullptr;
  messages::metrics* metrics = nullptr;
  messages::health* conditions = nullptr;
  messages::trace_board* traces = nullptr;
};

class mqtt_bridge {
public:
  /// Checks the configuration. Errors: invalid_argument naming the ingress entry, not_found
  /// (password file).
  static result<std::unique_ptr<mqtt_bridge>> make(const config::settings& settings,
                                                   const mqtt_bridge_surroundings& with);
  ~mqtt_bridge(); ///< stops

  /// Starts the source now, and what goes out once the source has subscribed (report() sees to it):
  /// a device's answer to a command must find us listening.
  status start();
  void stop_source();
  void stop_egress();
  [[nodiscard]] messages::egress& egress();
  /// Runs a quarantined payload through the present mappings. Thread-safe.
  status replay(const messages::quarantined& record);
  /// Notes the connection's state in the conditions; called several times a second.
  void report();
  /// True when an ingress works at D2.
  [[nodiscard]] bool any_d2() const;

private:
  struct parts;
  explicit mqtt_bridge(std::unique_ptr<parts> p);
  std::unique_ptr<parts> parts_;
};

/// The egress rules of the configuration, compiled. Errors: invalid_argument naming the entry.
[[nodiscard]] result<std::vector<actors::egress_rule>>
compile_egress(const config::settings& settings);

} // namespace pollux::supervision
