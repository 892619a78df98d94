// SPDX-License-Identifier: Apache-2.0
// One watch on the node for all readers of the HTTP door: an actor that pulls and publishes.
#pragma once
#include "bridge/http/ask.hpp"
#include "bridge/http/stream/hub.hpp"
#include <memory>

namespace pollux::bridge::http {

/// Starts the pump unless it runs. It ends when the hub is gone, or a minute after the last reader
/// has left; then the node makes no documents for us any more.
void keep_pumping(const node_link& link, const std::shared_ptr<hub>& to);

/// Steady clock, ns.
[[nodiscard]] std::int64_t steady_ns();

} // namespace pollux::bridge::http
