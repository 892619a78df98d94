// SPDX-License-Identifier: Apache-2.0
// The Paho side of paho_egress, kept out of its header. A client serves one connection only:
// Paho would send what a lost connection left over once more after a reconnect, although the
// outbox has been told that it failed and will do so itself.
#pragma once
#include "bridge/mqtt/paho_egress.hpp"
#include <mqtt/async_client.h>
#include <string>

namespace pollux::bridge {

struct paho_egress::native {
  struct listener final : mqtt::iaction_listener {
    explicit listener(paho_egress& o) : owner(o) {}
    void on_success(const mqtt::token& token) override;
    void on_failure(const mqtt::token& token) override;
    paho_egress& owner;
  };

  native(paho_egress& owner, const broker_options& options, const std::string& client_id);

  static mqtt::connect_options connect_options_for(const broker_options& options);
  static void* to_context(slot_key key) { return reinterpret_cast<void*>(key); }
  static slot_key from_context(void* context) { return reinterpret_cast<slot_key>(context); }

  // In this order: the client goes first, and until then calls the listener.
  listener publications;
  mqtt::connect_options connect; ///< named and kept: Paho points into it
  mqtt::async_client client;
};

} // namespace pollux::bridge
