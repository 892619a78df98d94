// SPDX-License-Identifier: Apache-2.0
// May this command go out? A pure question, answered from what the twin knows.
#pragma once
#include "domain/model/model.hpp"
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pollux::domain {

/// What the device may hold now, and when it was last told something.
struct interlock_facts {
  std::vector<double>
      held; ///< last confirmed (or reported) value and those under way; may be empty
  std::int64_t last_dispatched_ns; ///< no_time: never
  std::int64_t now_ns;             ///< ingest clock
};

/// The reason to refuse, or nullopt. `argument`: the guarded one, nullopt where the request has
/// none. Bounds are inclusive. With nothing known of what the device holds the step is not checked:
/// otherwise the first command to a silent device could never go out.
[[nodiscard]] std::optional<std::string> reason_to_refuse(const command_spec& spec,
                                                          std::optional<double> argument,
                                                          const interlock_facts& facts);

} // namespace pollux::domain
