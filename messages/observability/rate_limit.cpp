// SPDX-License-Identifier: Apache-2.0
#include "messages/observability/rate_limit.hpp"
#include <algorithm>

namespace pollux::messages::log {

bool rate_limiter::admit(level at, std::string_view component, std::string_view message,
                         std::int64_t now_ns) {
  std::pair<std::string, std::string> key(component, message);
  auto found = places_.find(key);
  if (found == places_.end()) {
    if (places_.size() >= most_places) key = {"log", "lines of further places"};
    place fresh;
    fresh.at = at;
    fresh.since_ns = now_ns;
    found = places_.try_emplace(std::move(key), fresh).first;
    next_end_ns_ = std::min(next_end_ns_, found->second.since_ns + window_ns);
  }
  found->second.at = std::max(found->second.at, at);
  return ++found->second.lines <= burst;
}

std::vector<rate_limiter::held> rate_limiter::due(std::int64_t now_ns) {
  std::vector<held> out;
  if (now_ns < next_end_ns_) return out;
  next_end_ns_ = INT64_MAX;
  for (auto it = places_.begin(); it != places_.end();) {
    const auto& p = it->second;
    if (now_ns - p.since_ns < window_ns) {
      next_end_ns_ = std::min(next_end_ns_, p.since_ns + window_ns);
      ++it;
      continue;
    }
    if (p.lines > burst) out.push_back({p.at, it->first.first, it->first.second, p.lines - burst});
    it = places_.erase(it);
  }
  return out;
}

} // namespace pollux::messages::log
