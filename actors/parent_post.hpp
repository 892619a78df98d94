// SPDX-License-Identifier: Apache-2.0
// The way of an alert to the twin above: the outbox hands it over as a journaled input of the
// parent, at least once; the parent drops what it has had, by the child's effect id. What a twin
// tells goes in order; while its parent's shard takes nothing, it waits in the outbox's table.
#pragma once
#include "messages/inlet.hpp"
#include "messages/observability/metrics.hpp"
#include "persistence/store.hpp"
#include <deque>
#include <functional>
#include <string>

namespace pollux::actors {

inline const std::string parent_destination = "parent"; ///< in outbox rows

/// Whether a parent is to hear of this effect.
[[nodiscard]] bool is_for_parent(const domain::effect& what) noexcept;

class parent_post {
public:
  /// `inlet` may be nullptr: nothing is handed over.
  parent_post(messages::inlet* inlet, messages::metrics& metrics,
              std::function<std::int64_t()> now);
  void add(persistence::outbox_row row) { queue_.push_back(std::move(row)); }
  [[nodiscard]] std::size_t size() const noexcept { return queue_.size(); }
  /// Hands over what it can; `delivered` is told of each row that is written, or that nobody will
  /// ever take (the parent is gone).
  void pump(const std::function<void(const persistence::outbox_row&)>& delivered);

private:
  messages::inlet* inlet_;
  std::function<std::int64_t()> now_;
  std::deque<persistence::outbox_row> queue_;
  messages::counter &handed_over_, &orphaned_;
};

} // namespace pollux::actors
