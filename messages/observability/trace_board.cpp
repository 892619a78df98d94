// SPDX-License-Identifier: Apache-2.0
#include "messages/observability/trace_board.hpp"

namespace pollux::messages {

void trace_board::note(std::string_view twin, std::int64_t ingest_time_ns,
                       std::string_view traceparent) {
  key at{std::string(twin), ingest_time_ns};
  const std::lock_guard lock(mutex_);
  if (!traces_.try_emplace(at, traceparent).second) return;
  order_.push_back(std::move(at));
  any_.store(true, std::memory_order_relaxed);
  if (order_.size() <= max_noted_traces) return;
  traces_.erase(order_.front());
  order_.pop_front();
}

std::string trace_board::find(std::string_view twin, std::int64_t ingest_time_ns) const {
  if (!any_.load(std::memory_order_relaxed)) return {};
  const std::lock_guard lock(mutex_);
  const auto found = traces_.find(key{std::string(twin), ingest_time_ns});
  return found == traces_.end() ? std::string() : found->second;
}

} // namespace pollux::messages
