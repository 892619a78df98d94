// SPDX-License-Identifier: Apache-2.0
// What the server counts about itself: answers by status, their time, open connections.
#pragma once
#include "messages/observability/metrics.hpp"
#include <chrono>
#include <map>

namespace pollux::bridge::http {

/// Used by the server's thread only. Does nothing without a registry.
class request_metrics {
public:
  /// `into` may be null, else it must outlive this.
  explicit request_metrics(messages::metrics* into);
  void answered(unsigned status, std::chrono::steady_clock::time_point since);
  void connections(std::size_t open);

private:
  messages::metrics* into_;
  std::map<unsigned, messages::counter*> by_status_;
  messages::histogram* seconds_ = nullptr;
  messages::gauge* open_ = nullptr;
};

} // namespace pollux::bridge::http
