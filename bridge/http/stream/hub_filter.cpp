// SPDX-License-Identifier: Apache-2.0
// The hub's lists with a filter: which of their events are for their readers.
#include "bridge/http/stream/hub.hpp"
#include <algorithm>

namespace pollux::bridge::http {

std::shared_ptr<hub::list> hub::filtered_list(std::uint64_t number) const {
  const auto found = std::ranges::find_if(lists_, [&](const auto& l) {
    return l.second->filter && l.second->filter->number == number;
  });
  return found == lists_.end() ? nullptr : found->second;
}

bool hub::is_followed(const subscription& wants) const {
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(lists_, [&](const auto& l) {
    const auto& other = l.second->wants;
    return l.second->filter && l.second->filter->followed && other.filter == wants.filter &&
           other.twins == wants.twins && other.namespaces == wants.namespaces &&
           other.state == wants.state && other.alert == wants.alert &&
           other.command == wants.command;
  });
}

std::optional<std::uint64_t> hub::claim_filter(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  const auto found = list_of_.find(number);
  if (found == list_of_.end() || !found->second->filter) return std::nullopt;
  auto& filter = *found->second->filter;
  if (std::exchange(filter.followed, true)) return std::nullopt;
  return filter.number;
}

bool hub::settle(std::uint64_t filtered, const std::vector<std::string>& entered,
                 const std::vector<std::string>& left, std::uint64_t upto) {
  const std::lock_guard lock(mutex_);
  const auto l = filtered_list(filtered);
  if (!l) return false;
  auto& f = *l->filter;
  for (const auto& id : entered) {
    f.members.insert(id);
    f.leaving.erase(id);
    f.left.erase(id);
  }
  f.leaving.insert(left.begin(), left.end());
  if (upto == 0) return true; // more of the same is coming
  auto it = l->events.upper_bound(f.settled);
  while (it != l->events.end() && it->first <= upto) {
    if (f.members.contains(it->second->twin)) {
      ++it;
      continue;
    }
    // of what is no longer among the recent events the bytes were counted
    if (it->first <= forgotten_) l->overdue_bytes -= it->second->frame->size();
    it = l->events.erase(it);
  }
  f.settled = upto;
  for (const auto& id : f.left) f.members.erase(id);
  f.left = std::exchange(f.leaving, {});
  return true;
}

void hub::give_up_filter(std::uint64_t filtered) {
  const std::lock_guard lock(mutex_);
  const auto l = filtered_list(filtered);
  if (!l) return;
  l->filter->followed = false;
  l->filter->members.clear(); // who follows next is told of all that are in, of none that left
  for (auto& [number, r] : l->readers) r.to->close();
}

std::uint64_t hub::last_number() const {
  const std::lock_guard lock(mutex_);
  return last_number_;
}

} // namespace pollux::bridge::http
