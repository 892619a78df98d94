// SPDX-License-Identifier: Apache-2.0
#include "domain/window/run_window.hpp"
#include <algorithm>

namespace pollux::domain {
namespace {

constexpr std::size_t max_waiting = 64; ///< windows that have ended and wait for the watermark

} // namespace

session_window::session_window(closing_keys keys, std::int64_t gap_ns)
    : closing_window(std::move(keys)), gap_ns_(gap_ns) {}

void session_window::take(row& reading) const {
  if (!reading.arrived(slot())) return;
  auto& state = state_for(reading.twin());
  const std::int64_t t = reading.event_time_ns();
  const bool closed =
      saturating_add(t, gap_ns_) <= state.watermark_ns || (state.closed != 0 && t < state.to_ns);
  if (!reading.fresh(slot()) || closed) {
    ++state.late;
    return;
  }
  if (state.panes.empty() || t >= state.panes.back().to_ns) state.append(t, t + 1);
  auto& session = state.panes.back();
  session.content.add(plan(), t, reading.value(slot()));
  session.to_ns = saturating_add(t, gap_ns_);
  if (state.panes.size() <= max_waiting) return;
  ++state.hurried;
  close_until(reading.at(), state, state.panes.front().to_ns, false);
}

void session_window::close_until(step_context& at, closing_state& state, std::int64_t until_ns,
                                 bool by_idle) const {
  while (!state.panes.empty() && state.panes.front().to_ns <= until_ns) {
    const auto& ended = state.panes.front();
    close(at, state, ended.content, ended.from_ns, ended.to_ns, by_idle);
    state.drop(1);
  }
}

closing_window::open_part session_window::open(const closing_state& state) const {
  if (state.panes.empty()) return {};
  return {&state.panes.back().content, state.panes.back().content.last_ns()};
}

state_window::state_window(closing_keys keys, expression condition, std::vector<named_operand> used)
    : closing_window(std::move(keys)), condition_(std::move(condition)), used_(std::move(used)) {}

void state_window::take(row& reading) const {
  const bool concerned = std::any_of(used_.begin(), used_.end(), [&](const named_operand& u) {
    return u.slot < 0 || reading.fresh(u.slot);
  });
  if (concerned) follow(reading);
  if (!reading.arrived(slot())) return;
  auto* held = state_of(reading.twin()).get();
  if (held == nullptr) return; // the condition was never true
  auto& state = static_cast<closing_state&>(*held);
  const std::int64_t t = reading.event_time_ns();
  if (!reading.fresh(slot())) {
    ++state.late;
    return;
  }
  for (auto p = state.panes.rbegin(); p != state.panes.rend(); ++p)
    if (p->from_ns <= t) {
      if (t < p->to_ns) p->content.add(plan(), t, reading.value(slot()));
      return;
    }
  if (state.closed != 0 && t < state.to_ns) ++state.late;
}

/// Begins or ends a window as the condition says. Unknown changes nothing.
void state_window::follow(row& reading) const {
  const twin_operands source(reading.twin());
  const auto value = condition_.evaluate(source);
  if (!value) return;
  const std::int64_t t = reading.event_time_ns();
  auto* held = state_of(reading.twin()).get();
  if (held == nullptr && *value == 0) return;
  auto& state = state_for(reading.twin());
  const bool running = !state.panes.empty() && state.panes.back().to_ns == never;
  if ((*value != 0) == running) return;
  if (!running) {
    // Not before what has ended or is closed: the reading is late for that.
    const std::int64_t free_from = !state.panes.empty() ? state.panes.back().to_ns
                                   : state.closed != 0  ? state.to_ns
                                                        : no_time;
    state.append(std::max(t, free_from), never);
    return;
  }
  auto& window = state.panes.back();
  window.to_ns = std::max(t, saturating_add(window.from_ns, 1));
  if (window.content.count() > 0)
    window.to_ns = std::max(window.to_ns, saturating_add(window.content.last_ns(), 1));
  if (state.panes.size() <= max_waiting) return;
  ++state.hurried;
  close_until(reading.at(), state, state.panes.front().to_ns, false);
}

void state_window::close_until(step_context& at, closing_state& state, std::int64_t until_ns,
                               bool by_idle) const {
  while (!state.panes.empty() && state.panes.front().to_ns <= until_ns) {
    const auto& ended = state.panes.front();
    if (ended.to_ns == never) return;
    close(at, state, ended.content, ended.from_ns, ended.to_ns, by_idle);
    state.drop(1);
  }
}

closing_window::open_part state_window::open(const closing_state& state) const {
  if (state.panes.empty() || state.panes.back().to_ns != never) return {};
  return {&state.panes.back().content, state.panes.back().content.last_ns()};
}

} // namespace pollux::domain
