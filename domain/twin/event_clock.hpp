// SPDX-License-Identifier: Apache-2.0
// What moves a twin's event time besides its readings: silence, a new model, and people who end an
// alert by hand, which has its place in time like a reading.
#pragma once
#include "domain/twin/step_context.hpp"
#include "domain/twin/timeline.hpp"
#include <vector>

namespace pollux::domain {

/// A timeline, where the ruling model has an event_time block; else none.
void begin_timeline(twin_state::body& twin);
/// The clock goes on from before a change of the model; readings before it cannot be worked in any
/// more. `old`: the timeline until now, or nullptr.
void bring_clock(twin_state::body& twin, const timeline* old);

/// Ingest time of the next idle time-out or postponed re-run; `never` when there is none.
[[nodiscard]] std::int64_t event_time_due_ns(const twin_state::body& twin) noexcept;
/// Does what is due.
void event_time_falls_due(step_context& at);
/// Works in all readings that wait for it.
void work_in_late(step_context& at);

/// The rules whose alert late readings could undo and whose condition holds: taken before an input
/// that is no reading.
[[nodiscard]] std::vector<std::uint32_t> conditions_before(const step_context& at);
/// What such an input ended or acknowledged stays so when readings are gone through once more.
void note_what_people_did(step_context& at, const std::vector<std::uint32_t>& before);

} // namespace pollux::domain
