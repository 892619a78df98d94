// SPDX-License-Identifier: Apache-2.0
#include "actors/parent_post.hpp"
#include "messages/observability/log.hpp"
#include <vector>

namespace pollux::actors {

namespace {

using domain::alert_transition;

constexpr std::size_t most_at_once = 512;

/// Whether the child's alert is one of the parent's after this transition.
bool stands(alert_transition t) noexcept {
  return t == alert_transition::raised || t == alert_transition::reopened ||
         t == alert_transition::severity_changed || t == alert_transition::corrected;
}

bool leaves(alert_transition t) noexcept {
  return t == alert_transition::cleared || t == alert_transition::retracted ||
         t == alert_transition::snoozed || t == alert_transition::shelved ||
         t == alert_transition::suppressed;
}

} // namespace

bool is_for_parent(const domain::effect& what) noexcept {
  return what.kind == domain::effect_kind::alert && !what.alert.parent.empty() &&
         what.alert.quiet == domain::silence::none &&
         (stands(what.alert.transition) || leaves(what.alert.transition));
}

parent_post::parent_post(messages::inlet* inlet, messages::metrics& metrics,
                         std::function<std::int64_t()> now)
    : inlet_(inlet), now_(std::move(now)),
      handed_over_(metrics.make_counter("pollux_alerts_to_parents_total",
                                        "Alert transitions journaled for the twin above")),
      orphaned_(metrics.make_counter("pollux_alerts_without_parent_total",
                                     "Alert transitions for a twin above that does not exist")) {}

void parent_post::pump(const std::function<void(const persistence::outbox_row&)>& delivered) {
  while (inlet_ != nullptr && !queue_.empty()) {
    std::vector<persistence::outbox_row> taken;
    messages::ticket last;
    bool stuck = false;
    while (!queue_.empty() && taken.size() < most_at_once && !stuck) {
      const auto& row = queue_.front();
      const auto& alert = row.what.alert;
      const auto id = to_string(row.what.id), incident = to_string(alert.incident);
      domain::input in;
      in.kind = domain::input_kind::child_alert;
      in.ingest_time_ns = now_();
      in.by = row.twin;
      in.command_id = id;
      in.incident = incident;
      in.rule = alert.group;
      in.detail = alert.message;
      in.timer = static_cast<std::uint32_t>(alert.level);
      in.accepted = stands(alert.transition);
      in.generation = alert.depth + 1;
      in.expires_at_ns = alert.event_time_ns;
      const auto ticket = inlet_->submit(alert.parent, {}, in);
      stuck = !ticket && ticket.error().code != errc::not_found;
      if (stuck) break;
      if (ticket) {
        last = std::max(last, *ticket);
        handed_over_.add();
      } else {
        orphaned_.add();
      }
      taken.push_back(std::move(queue_.front()));
      queue_.pop_front();
    }
    const auto written = last.value == 0 ? status{} : inlet_->flush(messages::durability::d0, last);
    if (!written) { // tried again: the parent drops what it has had
      messages::log::warning("outbox", "alerts for twins above are not journaled yet",
                             {{"why", written.error().what}});
      queue_.insert(queue_.begin(), std::make_move_iterator(taken.begin()),
                    std::make_move_iterator(taken.end()));
      return;
    }
    for (const auto& row : taken) delivered(row);
    if (stuck) return;
  }
}

} // namespace pollux::actors
