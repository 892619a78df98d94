// SPDX-License-Identifier: Apache-2.0
#include "domain/alert/threshold.hpp"
#include "domain/alert/wording.hpp"
#include <algorithm>
#include <limits>

namespace pollux::domain {

bool judge(const threshold_rule& rule, double value, bool active) noexcept {
  const double low = active ? rule.clear : rule.limit;
  const double high = active ? rule.clear_high : rule.high;
  switch (rule.which) {
  case threshold_rule::kind::above: return value > low;
  case threshold_rule::kind::below: return value < low;
  case threshold_rule::kind::outside: return value < low || value > high;
  case threshold_rule::kind::inside: return value > low && value < high;
  case threshold_rule::kind::condition: break;
  }
  return value != 0;
}

void threshold_operator::observe(row& reading) const {
  const bool concerned = std::any_of(used_.begin(), used_.end(), [&](const named_operand& u) {
    return u.slot < 0 ? reading.anything_fresh() : reading.fresh(u.slot);
  });
  if (!concerned) return;
  const twin_operands source(reading.twin());
  const auto value = value_.evaluate(source);
  if (patient_) return observe_patiently(reading, value, source);
  if (!value) return;
  const bool was = active(reading.twin()) != nullptr;
  const bool is = domain::judge(rule_, *value, was);
  if (is != was)
    change(reading.at(), reading.event_time_ns(), *value, source, is);
  else if (is && graded())
    grade(reading.at(), reading.event_time_ns(),
          prove(source, *value, true, reading.event_time_ns()));
}

void threshold_operator::change(step_context& at, std::int64_t t, double value,
                                const twin_operands& source, bool raised) const {
  auto proof = prove(source, value, raised, t);
  if (raised)
    raise(at, t, std::move(proof));
  else
    clear(at, t, std::move(proof));
  if (patient_) static_cast<hold_state&>(*state_of(at.twin)).start_over();
}

void threshold_operator::observe_patiently(row& reading, std::optional<double> value,
                                           const twin_operands& source) const {
  const std::int64_t t = reading.event_time_ns();
  if (when_ && !when_->on(t)) return; // judge() has closed what was open
  auto& slot = state_of(reading.twin());
  if (!slot) slot = std::make_unique<hold_state>();
  auto& state = static_cast<hold_state&>(*slot);
  if (when_ && state.off_ns == never) state.off_ns = when_->off_after(t);
  const bool was = active(reading.twin()) != nullptr;
  const bool speaks = value && domain::judge(rule_, *value, was) != was;
  const bool due = state.note(hold_, !was, speaks, t);
  if (speaks && (was ? hold_.clear_for_ns : hold_.for_ns) > 0) note_judged(state, *value, source);
  if (due)
    change(reading.at(), t, *value, source, !was);
  else if (was && value && graded())
    grade(reading.at(), t, prove(source, *value, true, t));
}

void threshold_operator::note_judged(hold_state& state, double value,
                                     const twin_operands& source) const {
  state.judged.resize(used_.size() + 1);
  state.judged.front() = value;
  for (std::size_t i = 0; i < used_.size(); ++i)
    state.judged[i + 1] =
        source.operand(used_[i].id).value_or(std::numeric_limits<double>::quiet_NaN());
}

void threshold_operator::judge(row& reading) const {
  pass_time(reading.at(), reading.event_time_ns());
}

void threshold_operator::pass_watermark(step_context& at, std::int64_t watermark_ns, bool) const {
  pass_time(at, watermark_ns);
}

// A reading at the very moment a hold ends is heard first, so the hold is due only later than that.
// At the moment the schedule ends the rule is off, so nothing that late can be due any more.
void threshold_operator::pass_time(step_context& at, std::int64_t t) const {
  const auto& slot = state_of(at.twin);
  if (!slot) return;
  auto& state = static_cast<hold_state&>(*slot);
  const bool raising = active(at.twin) == nullptr;
  const auto due = state.due_ns(hold_, raising);
  if (due < t && due < state.off_ns) {
    const twin_operands source(at.twin);
    // A state from before the judged value was kept has none: then what is known now must do.
    const auto value =
        state.judged.empty() ? value_.evaluate(source) : std::optional(state.judged.front());
    if (value) change(at, due, *value, source, raising);
  }
  if (state.off_ns > t) return;
  if (active(at.twin) != nullptr) {
    evidence proof;
    proof.times = {{"schedule_end", state.off_ns}};
    proof.explanation = "its schedule has ended: " + when_->text();
    clear(at, state.off_ns, std::move(proof));
  }
  state.start_over();
  state.off_ns = never;
}

void threshold_operator::save(const operator_state& state, byte_writer& out) const {
  static_cast<const hold_state&>(state).save(out);
}

std::unique_ptr<operator_state> threshold_operator::load(byte_reader& in) const {
  auto state = std::make_unique<hold_state>();
  if (!state->load(in) || (!state->judged.empty() && state->judged.size() != used_.size() + 1))
    in.fail();
  return state;
}

std::size_t threshold_operator::state_bytes(const operator_state& state) const {
  const auto& held = static_cast<const hold_state&>(state);
  return sizeof(hold_state) + held.met.capacity() * sizeof(std::int64_t) +
         held.judged.capacity() * sizeof(double);
}

} // namespace pollux::domain
