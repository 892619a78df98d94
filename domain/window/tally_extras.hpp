// SPDX-License-Identifier: Apache-2.0
// The parts of a tally that only some windows ask for.
#pragma once
#include "domain/window/distinct_counter.hpp"
#include "domain/window/fold.hpp"
#include "domain/window/value_sketch.hpp"

namespace pollux::domain {

struct tally_extras {
  fold_order order;
  value_sketch values;
  distinct_counter different;
};

} // namespace pollux::domain
