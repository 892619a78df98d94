// SPDX-License-Identifier: Apache-2.0
#include "bridge/http/request_metrics.hpp"

namespace pollux::bridge::http {

request_metrics::request_metrics(messages::metrics* into) : into_(into) {
  if (!into_) return;
  seconds_ = &into_->make_histogram("pollux_http_request_seconds",
                                    "From a request's header to its answer, in seconds.");
  open_ = &into_->make_gauge("pollux_http_connections", "Open HTTP connections.");
}

void request_metrics::answered(unsigned status, std::chrono::steady_clock::time_point since) {
  if (!into_) return;
  auto& counter = by_status_[status];
  if (!counter)
    counter = &into_->make_counter("pollux_http_requests_total", "HTTP requests answered.",
                                   {{"code", std::to_string(status)}});
  counter->add();
  seconds_->observe(
      std::chrono::duration<double>(std::chrono::steady_clock::now() - since).count());
}

void request_metrics::connections(std::size_t open) {
  if (open_) open_->set(static_cast<double>(open));
}

} // namespace pollux::bridge::http
