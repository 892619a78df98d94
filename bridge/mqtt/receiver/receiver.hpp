// SPDX-License-Identifier: Apache-2.0
// The door of this folder: a source on our own MQTT subscriber.
#pragma once
#include "bridge/mqtt/source.hpp"
#include "messages/inlet.hpp"
#include "messages/observability/metrics.hpp"
#include <memory>
#include <vector>

namespace pollux::bridge {

/// One connection per set; the set's name becomes part of its client id. `handler`, `inlet` and
/// `metrics` must outlive the source; the handler is called from one thread only.
[[nodiscard]] std::unique_ptr<source>
make_receiver(broker_options options, std::vector<topic_set> sets, arrival_handler& handler,
              messages::inlet& inlet, messages::metrics& metrics);

} // namespace pollux::bridge
