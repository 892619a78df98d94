// SPDX-License-Identifier: Apache-2.0
// Readings that come out of order are worked in by going back: to the newest checkpoint before
// them, and forward again over the readings since, in event-time order. What that gives is what
// the readings would have given in order, whatever order they came in. Operators that follow our
// own clock (live) have no part in it.
#pragma once
#include "domain/twin/step_context.hpp"
#include "domain/twin/timeline.hpp"

namespace pollux::domain {

/// A checkpoint of the present state, if one is due before event time goes on to `next_ns`.
void checkpoint_before(twin_state::body& twin, std::int64_t next_ns);

/// Takes row `index` of the timeline through the operators: all of them, or in a re-run those that
/// late readings undo. The series hold its values already.
void go_through(step_context& at, std::size_t index);

/// Moves the watermark to `watermark_ns` if that is later, and tells those who wait.
void raise_watermark(step_context& at, std::int64_t watermark_ns, bool by_idle);

/// Something other than a reading happens now: after all readings so far. Notes it, and for an idle
/// time-out moves the watermark.
void place_mark(step_context& at, time_mark mark);

/// Rows a re-run would go through now. Only while one is pending.
[[nodiscard]] std::size_t rows_to_go(const timeline& line) noexcept;

/// Works in what is pending and tells what changed. No effect when nothing is pending.
void rerun(step_context& at);

/// Keeps the timeline within its bounds: what is too far back is forgotten.
void enforce_bounds(step_context& at);

/// Notes from where on windows have to keep their readings for the oldest checkpoint.
void note_keep_after(twin_state::body& twin);

/// Whether the checkpoint's bytes can be restored under this model.
[[nodiscard]] bool readable(const checkpoint& c, const model& m);

} // namespace pollux::domain
