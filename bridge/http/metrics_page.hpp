// SPDX-License-Identifier: Apache-2.0
// GET /metrics, in the format the asker prefers of the two there are.
#pragma once
#include "bridge/http/message.hpp"
#include "messages/observability/metrics.hpp"

namespace pollux::bridge::http {

/// OpenMetrics 1.0.0 when Accept names it with at least the weight of any other, else the text
/// format 0.0.4. `?buckets=all`: histograms with all their buckets.
[[nodiscard]] response metrics_page(const messages::metrics& of, const request& r);

/// Does this Accept header ask for OpenMetrics?
[[nodiscard]] bool prefers_openmetrics(std::string_view accept);

} // namespace pollux::bridge::http
