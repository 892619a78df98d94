// SPDX-License-Identifier: Apache-2.0
#include "domain/twin/twin.hpp"
#include "domain/alert/alert_actions.hpp"
#include "domain/alert/alert_desk.hpp"
#include "domain/command/command_steps.hpp"
#include "domain/model/operator.hpp"
#include "domain/twin/event_clock.hpp"
#include "domain/twin/lifecycle.hpp"
#include "domain/twin/readings.hpp"
#include <algorithm>

namespace pollux::domain {
namespace {

// All that is due goes off at one tick. A tick for another timer, an earlier generation or before
// its time is stale: whatever happened meanwhile has set the right one.
void tick(step_context& at) {
  auto& twin = at.twin;
  if (at.in.timer != twin.timer || at.in.generation != twin.generation ||
      twin.wakeup_ns > at.now_ns)
    return;
  event_time_falls_due(at);
  for (const auto* op : twin.ruling().timed)
    if (op->due_ns(twin) <= at.now_ns) op->fall_due(at);
  expire_commands(at);
}

void set_timer(twin_state::body& twin) {
  std::int64_t wakeup = never;
  std::uint32_t timer = 0;
  if (!twin.deleted) {
    for (const auto* op : twin.ruling().timed) {
      const auto due = op->due_ns(twin);
      if (due >= wakeup) continue;
      wakeup = due;
      timer = op->index();
    }
    if (twin.rare && twin.rare->commands.next_expiry_ns() < wakeup) {
      wakeup = twin.rare->commands.next_expiry_ns();
      timer = command_timer;
    }
    if (const auto due = next_alert_due_ns(twin); due < wakeup) {
      wakeup = due;
      timer = alert_timer;
    }
    if (const auto due = event_time_due_ns(twin); due < wakeup) {
      wakeup = due;
      timer = event_timer;
    }
  }
  if (wakeup == twin.wakeup_ns && timer == twin.timer) return;
  twin.wakeup_ns = wakeup;
  twin.timer = timer;
  ++twin.generation;
}

} // namespace

void step(const model_source& models, twin_state& state, const input& in, effects& out) {
  auto& twin = state.get();
  if (in.id <= twin.last_applied) return;
  twin.last_applied = in.id;
  // Our clock may step back; a twin's "now" does not.
  twin.last_ingest_ns = std::max(twin.last_ingest_ns, in.ingest_time_ns);
  step_context at{twin, in, out, twin.last_ingest_ns, 0};
  alert_desk alerts(at);
  alerts.fall_due();
  const auto raised = conditions_before(at);
  switch (in.kind) {
  case input_kind::readings: apply_readings(at); break;
  case input_kind::command_requested: request_command(at); break;
  case input_kind::command_replied: reply_to_command(at); break;
  case input_kind::alert_acknowledged: acknowledge_alert(at); break;
  case input_kind::alert_action: act_on_alert(at); break;
  case input_kind::child_alert: take_child_alert(at); break;
  case input_kind::parent_changed: change_parent(at); break;
  case input_kind::properties_changed: change_properties(at); break;
  case input_kind::tick: tick(at); break;
  case input_kind::twin_created: create_twin(at, models); break;
  case input_kind::twin_deleted: delete_twin(at); break;
  case input_kind::connection_changed: twin.connected = in.connected; break;
  case input_kind::model_changed: change_model(at, models); break;
  case input_kind::node_started:
    twin.node_started_ns = std::max(twin.node_started_ns, in.ingest_time_ns);
    break;
  case input_kind::none:
  case input_kind::ingress_changed:
  case input_kind::input_skipped: break;
  }
  note_what_people_did(at, raised);
  alerts.look_around();
  set_timer(twin);
}

} // namespace pollux::domain
