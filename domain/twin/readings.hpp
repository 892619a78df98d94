// SPDX-License-Identifier: Apache-2.0
// How readings enter a twin.
//
// Of each reading every value is placed by its telemetry's event time:
//   newer than all before   judged, joins its window, becomes the latest value, observed
//   older (late)            joins its window in event-time order; not judged, what was judged
//                           meanwhile stays as it was
//   same time, other value  correction: replaces; not judged again
//   same time, same value   duplicate: dropped
// A value that does not fit its declared type becomes a fault effect and is not stored; one fault
// per telemetry and input. Names beyond the model's are kept without rules, at most 256 of them.
#pragma once
#include "domain/twin/step_context.hpp"

namespace pollux::domain {

/// Applies all readings of the input, in order. Cost: no allocation once every telemetry was seen,
/// unless an effect is born or a text outgrows the one before.
void apply_readings(step_context& at);

} // namespace pollux::domain
