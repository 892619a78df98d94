// SPDX-License-Identifier: Apache-2.0
// Time travel: a twin as it was at any moment that its history reaches back to, and the way there,
// input by input. A replay has no outbox: it can neither notify nor command.
#pragma once
#include "persistence/history.hpp"
#include <functional>
#include <limits>
#include <string>

namespace pollux::persistence {

/// By which clock a moment is meant. `ingest`: what the node knew at that time of its own clock, so
/// late readings count from when they came; the first input after the moment ends it, should the
/// clock have stepped back. `event`: before the first reading of a later event time came.
enum class replay_clock : std::uint8_t { ingest, event };

/// Whether an input belongs behind a moment.
[[nodiscard]] bool is_later(const domain::input& in, replay_clock clock, std::int64_t than_ns);

struct replay_interval {
  replay_clock clock = replay_clock::ingest;
  std::int64_t from_ns = std::numeric_limits<std::int64_t>::min();
  std::int64_t to_ns = std::numeric_limits<std::int64_t>::max(); ///< both ends inclusive
  domain::input_id after; ///< visits begin behind this input; zero: as from_ns says
};

struct replayed {
  domain::twin_state state;
  domain::input_id base;      ///< of the stored state it went on from; zero: the twin's creation
  std::uint64_t inputs = 0;   ///< applied
  std::uint64_t readings = 0; ///< in them
};

struct replay_visit {
  /// Sees each input of the interval before it is applied; may be empty.
  std::function<void(const domain::input& in, const domain::twin_state& before)> before;
  /// Sees each input of the interval once it has been applied; false ends the replay there. Empty:
  /// only the end is wanted.
  std::function<bool(const domain::input& in, const domain::effects& born,
                     const domain::twin_state& after)>
      step;
};

/// Replays a twin (`id` as in the journal) to the end of the interval, from the newest stored state
/// before its beginning or, with `from_creation`, from the first input. /// Errors: not_found (its
/// history does not reach back so far; says to when), corrupt (a block or state, named), internal
/// (an input cannot be replayed), io.
[[nodiscard]] result<replayed> replay(const log& tail, const store& tables,
                                      const domain::model_source& models, const verify_target& twin,
                                      const replay_interval& what, bool from_creation,
                                      const replay_visit& visit);

} // namespace pollux::persistence
