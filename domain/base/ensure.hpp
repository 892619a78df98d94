// SPDX-License-Identifier: Apache-2.0
// The only exception of ours: a broken invariant. Nobody catches it but the shell that hosts a
// twin, which restarts the twin from its journal.
#pragma once
#include <stdexcept>

namespace pollux {

struct broken_invariant : std::logic_error {
  using std::logic_error::logic_error;
};

/// Ends the current twin (or, outside one, the process) when `condition` does not hold.
inline void ensure(bool condition, const char* why) {
  if (!condition) throw broken_invariant(why);
}

} // namespace pollux
