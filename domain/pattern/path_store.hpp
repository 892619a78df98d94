// SPDX-License-Identifier: Apache-2.0
// The matched events of all half matches of one pattern, shared: a half match is a node, whose
// parents are the events before it. Two that begin alike share their beginning. Counted references;
// freed places are used again, so a warm store does not allocate.
#pragma once
#include <cstdint>
#include <vector>

namespace pollux::domain {

inline constexpr std::uint32_t no_node = 0xffffffff;

struct kept_event {
  std::uint64_t id = 0; ///< rises with every event the pattern saw
  std::int64_t time_ns = 0;
  std::uint32_t uses = 0;
};

struct path_node {
  std::uint32_t parent = no_node;
  std::uint32_t event = 0;
  std::uint16_t position = 0;
  std::uint16_t length = 0; ///< events of the path up to this one
  std::uint32_t uses = 0;
};

class path_store {
public:
  /// An event with its `count` kept values; free again unless extend() uses it.
  std::uint32_t add_event(std::uint64_t id, std::int64_t time_ns, const double* values,
                          std::size_t count);
  /// Frees an event that no path took.
  void forget_event(std::uint32_t event);
  /// The path that goes on from `parent` (no_node: begins) with `event`. It is the caller's: drop()
  /// it once.
  [[nodiscard]] std::uint32_t extend(std::uint32_t parent, std::uint32_t event,
                                     std::uint16_t position);
  void keep(std::uint32_t node) { ++nodes_[node].uses; }
  void drop(std::uint32_t node);
  void clear();

  [[nodiscard]] const path_node& node(std::uint32_t n) const { return nodes_[n]; }
  [[nodiscard]] const kept_event& event(std::uint32_t e) const { return events_[e]; }
  [[nodiscard]] const kept_event& event_of(std::uint32_t n) const {
    return events_[nodes_[n].event];
  }
  [[nodiscard]] const double* values(std::uint32_t e, std::size_t count) const {
    return values_.data() + e * count;
  }
  /// The nodes from the first event to `n`.
  void path(std::uint32_t n, std::vector<std::uint32_t>& out) const;
  /// Same events at the same positions.
  [[nodiscard]] bool same_path(std::uint32_t a, std::uint32_t b) const;
  [[nodiscard]] std::size_t heap_bytes() const noexcept;

private:
  std::vector<kept_event> events_;
  std::vector<double> values_; // `count` for each of events_
  std::vector<path_node> nodes_;
  std::vector<std::uint32_t> free_events_, free_nodes_;
};

} // namespace pollux::domain
