// SPDX-License-Identifier: Apache-2.0
// What every program that takes part in remoting sets before it makes its actor system: the node,
// the CLI, a CAF program of yours.
#pragma once
#include "bridge/remote/pki.hpp"
#include <caf/all.hpp>
#include <chrono>

namespace pollux::bridge::remote {

// CAF leaves heartbeats off, and then a stopped peer is never noticed. Both ends need them: a link
// counts as dead when nothing was received for link_timeout.
inline constexpr std::chrono::seconds heartbeat_interval{1};
inline constexpr std::chrono::seconds link_timeout{5};

/// Mutual TLS with `files`, heartbeats, and the modules that remoting needs. From now on the
/// process ignores SIGPIPE: CAF's TLS writes would else end it when a peer closes at the wrong
/// moment. The message types are messages::add_message_types' matter.
void configure_remoting(caf::actor_system_config& config, const pki_files& files);

/// CAF accepts anyone when a TLS option is empty, so look before a port is opened.
/// Errors: internal, naming what was not configured.
[[nodiscard]] status check_remoting(caf::actor_system& system);

} // namespace pollux::bridge::remote
