// SPDX-License-Identifier: Apache-2.0
// The parts of a tally that only some windows ask for.
#pragma once
#include "domain/window/distinct_counter.hpp"
#include "domain/window/value_sketch.hpp"

namespace pollux::domain {

struct tally_extras {
  // slope: least squares over seconds since the first reading
  double mean_s = 0;   ///< mean time
  double mean_v = 0;   ///< mean value
  double spread_s = 0; ///< sum of (s - mean)^2
  double shared = 0;   ///< sum of (s - mean) (v - mean)
  // ewma: a mean in which a reading h before the last one has half its weight
  double weight = 0;
  double level = 0;
  double area = 0;             ///< value times seconds between the readings, step by step
  double sine = 0, cosine = 0; ///< sums over values in degrees
  double rise = 0;             ///< of a counter
  value_sketch values;
  distinct_counter different;
};

} // namespace pollux::domain
