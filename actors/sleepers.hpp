// SPDX-License-Identifier: Apache-2.0
// Reads what sleeping twins were from their snapshots, for a search that needs it, and puts it on
// the board.
#pragma once
#include "actors/intake.hpp"
#include "actors/models.hpp"
#include "actors/search_board.hpp"
#include <functional>

namespace pollux::actors {

class sleepers {
public:
  sleepers(intake& inlet, const persistence::store& tables, const model_catalog& models,
           search_board& board)
      : inlet_(inlet), tables_(tables), models_(models), board_(board) {}

  /// Reads each and calls `then` with its place. It sleeps as before, or may have woken. Errors:
  /// timed_out after 20 s; what was read until then stays on the board. Cost: about 20 us a twin.
  [[nodiscard]] status read(const std::vector<search_board::missing_twin>& missing,
                            const std::function<void(twin_place)>& then);

  /// The last input of a twin, awake or asleep; {} when it has none.
  [[nodiscard]] domain::input_id applied(twin_place place);

private:
  void read_one(const search_board::missing_twin& one);
  intake& inlet_;
  const persistence::store& tables_;
  const model_catalog& models_;
  search_board& board_;
};

} // namespace pollux::actors
