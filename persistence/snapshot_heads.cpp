// SPDX-License-Identifier: Apache-2.0
#include "persistence/snapshot_heads.hpp"

namespace pollux::persistence {

std::optional<head_row> head_from_snapshots(const store& tables, std::uint32_t shard,
                                            std::uint32_t row, status* damage) {
  std::optional<head_row> head;
  auto read = tables.each_snapshot(shard, row, [&](const snapshot& s) {
    if (head)
      head->previous = head->anchor = head->head.at;
    else
      head.emplace();
    if (s.readings > 0) head->anchor_readings = s.readings;
    head->head = {row, s.at, s.next_wakeup_ns, s.timer, s.generation};
    return true;
  });
  if (damage != nullptr) *damage = read;
  return head;
}

} // namespace pollux::persistence
