// SPDX-License-Identifier: Apache-2.0
#include "messages/health.hpp"
#include "messages/observability/log.hpp"
#include <algorithm>

namespace pollux::messages {

void health::set(std::string_view name, bool ok, std::string_view why) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = conditions_.find(name);
    const bool changed = found == conditions_.end() || found->second.ok != ok;
    auto& c = found == conditions_.end() ? conditions_[std::string(name)] : found->second;
    c.name = name;
    c.ok = ok;
    c.why = why;
    if (!changed) return;
  }
  if (ok && why.empty())
    log::info("health", "condition met", {{"condition", name}});
  else if (ok)
    log::info("health", "condition met", {{"condition", name}, {"detail", why}});
  else
    log::warning("health", "condition not met", {{"condition", name}, {"why", why}});
}

void health::forget(std::string_view name) {
  const std::lock_guard lock(mutex_);
  const auto found = conditions_.find(name);
  if (found != conditions_.end()) conditions_.erase(found);
}

bool health::ready() const {
  const std::lock_guard lock(mutex_);
  return !conditions_.empty() && std::all_of(conditions_.begin(), conditions_.end(),
                                             [](const auto& c) { return c.second.ok; });
}

std::vector<health::condition> health::conditions() const {
  const std::lock_guard lock(mutex_);
  std::vector<condition> out;
  for (const auto& [name, c] : conditions_) out.push_back(c);
  return out;
}

} // namespace pollux::messages
