// SPDX-License-Identifier: Apache-2.0
#include "domain/twin/sandbox.hpp"
#include "domain/model/model.hpp"
#include "domain/twin/twin_state.hpp"
#include <algorithm>

namespace pollux::domain {

namespace {
/// Timers that go off at one and the same instant; beyond it nothing will ever come to rest.
constexpr std::size_t most_at_one_instant = 1000;
} // namespace

std::shared_ptr<const model> only_model::find(std::string_view hash) const {
  return hash == model_->hash ? model_ : nullptr;
}

sandbox::sandbox(const model_source& models, std::string_view id, std::int64_t grace_ns)
    : models_(models), state_(id), grace_ns_(grace_ns) {}

sandbox::sandbox(const model_source& models, twin_state state, std::int64_t grace_ns,
                 std::int64_t started_ns)
    : models_(models), state_(std::move(state)), grace_ns_(grace_ns), started_ns_(started_ns),
      now_ns_(state_.get().last_ingest_ns), position_(state_.last_applied().at.value) {}

bool sandbox::waits(std::int64_t due_ns) const noexcept {
  const auto timer = state_.next_timer();
  return due_ns <= started_ns_ && timer != command_timer && timer != alert_timer;
}

std::int64_t sandbox::next_due_ns() const noexcept {
  const auto due = state_.next_wakeup_ns();
  if (due == never) return never;
  return std::max(
      {waits(due) ? saturating_add(started_ns_, grace_ns_) : due, asleep_until_ns_, now_ns_});
}

bool sandbox::let_time_pass(std::int64_t now_ns, effects& out, std::size_t most) {
  std::size_t at_once = 0;
  for (;;) {
    const auto due = next_due_ns();
    if (due > now_ns || due == never) break;
    if (most-- == 0) return false;
    at_once = due == now_ns_ ? at_once + 1 : 0;
    const auto generation = state_.timer_generation();
    own_.clear();
    own_.kind = input_kind::tick;
    own_.id = {{++position_}, 0};
    own_.ingest_time_ns = now_ns_ = due;
    asleep_until_ns_ = no_time;
    own_.timer = state_.next_timer();
    own_.generation = generation;
    step(models_, state_, own_, out);
    if (state_.timer_generation() == generation || at_once == most_at_one_instant) break;
  }
  now_ns_ = std::max(now_ns_, now_ns);
  return true;
}

void sandbox::give(const input& in, effects& out) {
  if (in.kind != input_kind::node_started) (void)let_time_pass(in.ingest_time_ns, out);
  apply(in, out);
}

void sandbox::apply(const input& in, effects& out) {
  own_ = in; // its vectors stay warm
  own_.id = {{++position_}, 0};
  now_ns_ = std::max(now_ns_, in.ingest_time_ns);
  asleep_until_ns_ = no_time;
  if (in.kind == input_kind::node_started) {
    started_ns_ = std::max(started_ns_, in.ingest_time_ns);
    // What was due is looked at behind the grace, even if the start itself puts it off to sooner.
    if (waits(state_.next_wakeup_ns())) asleep_until_ns_ = saturating_add(started_ns_, grace_ns_);
  }
  step(models_, state_, own_, out);
}

} // namespace pollux::domain
