// SPDX-License-Identifier: Apache-2.0
#include "domain/pattern/path_store.hpp"
#include <algorithm>

namespace pollux::domain {

std::uint32_t path_store::add_event(std::uint64_t id, std::int64_t time_ns, const double* values,
                                    std::size_t count) {
  std::uint32_t at = 0;
  if (free_events_.empty()) {
    at = static_cast<std::uint32_t>(events_.size());
    events_.emplace_back();
    values_.resize(values_.size() + count);
  } else {
    at = free_events_.back();
    free_events_.pop_back();
  }
  events_[at] = {id, time_ns, 0};
  std::copy_n(values, count, values_.begin() + static_cast<std::ptrdiff_t>(at * count));
  return at;
}

void path_store::forget_event(std::uint32_t event) {
  if (events_[event].uses == 0) free_events_.push_back(event);
}

std::uint32_t path_store::extend(std::uint32_t parent, std::uint32_t event,
                                 std::uint16_t position) {
  std::uint32_t at = 0;
  if (free_nodes_.empty()) {
    at = static_cast<std::uint32_t>(nodes_.size());
    nodes_.emplace_back();
  } else {
    at = free_nodes_.back();
    free_nodes_.pop_back();
  }
  std::uint16_t length = 1;
  if (parent != no_node) {
    ++nodes_[parent].uses;
    length = static_cast<std::uint16_t>(nodes_[parent].length + 1);
  }
  ++events_[event].uses;
  nodes_[at] = {parent, event, position, length, 1};
  return at;
}

void path_store::drop(std::uint32_t n) {
  while (n != no_node && --nodes_[n].uses == 0) {
    auto& gone = nodes_[n];
    if (--events_[gone.event].uses == 0) free_events_.push_back(gone.event);
    free_nodes_.push_back(n);
    n = gone.parent;
  }
}

void path_store::clear() { *this = path_store(); }

void path_store::path(std::uint32_t n, std::vector<std::uint32_t>& out) const {
  out.resize(nodes_[n].length);
  for (auto i = out.size(); i-- > 0; n = nodes_[n].parent) out[i] = n;
}

bool path_store::same_path(std::uint32_t a, std::uint32_t b) const {
  for (; a != b; a = nodes_[a].parent, b = nodes_[b].parent) {
    if (a == no_node || b == no_node || nodes_[a].event != nodes_[b].event ||
        nodes_[a].position != nodes_[b].position)
      return false;
  }
  return true;
}

std::size_t path_store::heap_bytes() const noexcept {
  return events_.capacity() * sizeof(kept_event) + values_.capacity() * sizeof(double) +
         nodes_.capacity() * sizeof(path_node) +
         (free_events_.capacity() + free_nodes_.capacity()) * sizeof(std::uint32_t);
}

} // namespace pollux::domain
