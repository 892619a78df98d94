// SPDX-License-Identifier: Apache-2.0
// The remote gateway: a node_actor of its own that stands between the network and the node. It is
// published over mutual TLS always, on loopback too, because one packet to an open BASP port of
// CAF 0.17.6 ends the process.
#pragma once
#include "bridge/remote/deeds.hpp"
#include "bridge/remote/endpoint.hpp"
#include "bridge/remote/remoting.hpp"
#include "messages/node_api.hpp"
#include <functional>
#include <memory>

namespace pollux::bridge::remote {

/// Gives the node's present actor, an empty handle while there is none. Called for every query, so
/// that a restarted node is found again. Thread-safe and quick.
using node_source = std::function<messages::node_actor()>;

/// Told of each query that may change something once its outcome is known, before the answer goes
/// out: nullptr when it was done, else why not. Quick; called in the gateway's thread.
using order_witness = std::function<void(const order&, const asker&, const failure*)>;

inline constexpr std::size_t max_queries_in_flight = 256; ///< beyond: errc::overloaded
inline constexpr std::chrono::seconds node_answer_timeout{30};

/// The actor alone: cuts and checks what comes in (request_limits.hpp), passes it on, and answers
/// every query, at the latest with timed_out after node_answer_timeout.
messages::node_actor spawn_gateway(caf::actor_system& system, node_source node,
                                   order_witness witness = {});

struct gateway_settings {
  std::string data;                  ///< its pki folder gets the endpoint file
  std::string address = "127.0.0.1"; ///< "0.0.0.0" = every interface
  std::uint16_t port = 4343;         ///< 0 = any free one
  order_witness witness = {};
};

/// A published gateway, until it is closed or destroyed. The system must have been made with
/// configure_remoting and add_message_types.
class gateway {
public:
  /// Errors: internal (not configured, see check_remoting), io (the port is taken, or the address
  /// is not of this machine), refused, no_space.
  static result<std::unique_ptr<gateway>> open(caf::actor_system& system, node_source node,
                                               const gateway_settings& settings);
  gateway(const gateway&) = delete;
  gateway& operator=(const gateway&) = delete;
  ~gateway() { close(); }

  [[nodiscard]] const endpoint& where() const noexcept { return where_; }
  /// No new links; the actor ends, so watchers hear of it at once. Again: no effect.
  void close();

private:
  gateway(caf::actor_system& system, messages::node_actor actor, std::string data, endpoint where);
  caf::actor_system& system_;
  messages::node_actor actor_;
  std::string data_;
  endpoint where_;
};

} // namespace pollux::bridge::remote
