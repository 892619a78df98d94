// SPDX-License-Identifier: Apache-2.0
#include "domain/alert/absence.hpp"
#include "domain/alert/wording.hpp"
#include "domain/model/registry.hpp"
#include <algorithm>

namespace pollux::domain {

std::unique_ptr<operator_state> absence_operator::fresh_state(std::int64_t now_ns) const {
  if (slot_ < 0) return nullptr;
  auto state = std::make_unique<absence_state>();
  state->last_heard_ns = now_ns;
  return state;
}

std::int64_t absence_operator::last_heard_ns(const twin_state::body& twin) const {
  if (slot_ < 0) return std::max(twin.last_heard_ns, twin.created_ns);
  const auto* state = static_cast<const absence_state*>(state_of(twin));
  return state != nullptr ? state->last_heard_ns : twin.created_ns;
}

std::int64_t absence_operator::since_ns(const twin_state::body& twin) const {
  return std::max(last_heard_ns(twin), twin.node_started_ns);
}

void absence_operator::observe(row& reading) const {
  auto& twin = reading.twin();
  if (slot_ >= 0) {
    if (!reading.arrived(slot_)) return;
    auto& state = state_of(twin);
    if (state) static_cast<absence_state&>(*state).last_heard_ns = reading.at().now_ns;
  }
  if (active(twin) == nullptr) return;
  auto proof = prove(twin, field_ + " is heard again");
  proof.event_times_ns = {reading.event_time_ns()};
  clear(reading.at(), reading.at().now_ns, std::move(proof));
}

std::int64_t absence_operator::due_ns(const twin_state::body& twin) const {
  if (active(twin) != nullptr) return never;
  return saturating_add(since_ns(twin), for_ns_);
}

void absence_operator::fall_due(step_context& at) const {
  raise(at, at.now_ns,
        prove(at.twin, "nothing heard of " + field_ + " for " + brief_duration(for_ns_)));
}

evidence absence_operator::prove(const twin_state::body& twin, std::string explanation) const {
  evidence proof;
  if (slot_ >= 0) proof.field = field_;
  proof.numbers = {{"for_s", static_cast<double>(for_ns_) / static_cast<double>(ns_per_s)}};
  if (last_heard_ns(twin) != no_time) proof.times.push_back({"last_heard", last_heard_ns(twin)});
  if (twin.node_started_ns != no_time)
    proof.times.push_back({"node_started", twin.node_started_ns});
  proof.explanation = std::move(explanation);
  if (slot_ < 0) {
    if (twin.last_event_ns != no_time) proof.path = {{"newest_reading", twin.last_event_ns, {}}};
    return proof;
  }
  const auto& newest = twin.latest[static_cast<std::size_t>(slot_)];
  if (newest.event_time_ns == no_time) return proof;
  proof.path = {{"newest_reading", newest.event_time_ns, {}}};
  if (const auto value = newest.number()) proof.path.front().numbers = {{"value", *value}};
  return proof;
}

void absence_operator::save(const operator_state& state, byte_writer& out) const {
  out.i64(static_cast<const absence_state&>(state).last_heard_ns);
}

std::unique_ptr<operator_state> absence_operator::load(byte_reader& in) const {
  auto state = std::make_unique<absence_state>();
  state->last_heard_ns = in.i64();
  return state;
}

std::size_t absence_operator::state_bytes(const operator_state&) const {
  return sizeof(absence_state);
}

described_rule absence_operator::explain(const twin_state::body& twin, std::int64_t now_ns) const {
  if (const auto* alert = active(twin)) return {name(), "absence", "alerting", alert->message};
  const auto due = due_ns(twin);
  if (twin.node_started_ns > last_heard_ns(twin) && now_ns < due)
    return {name(), "absence", "in grace",
            "in grace until " + format_rfc3339(due) + " after a start of the node"};
  return {name(), "absence", "ok",
          "fires at " + format_rfc3339(due) + " without a word of " + field_};
}

std::unique_ptr<twin_operator> read_absence(object_reader& in, model_scope& scope) {
  const auto* of = in.require("of", config_node::type::text);
  const auto wait = in.duration_ns("for");
  const auto keys = read_alert_keys(in);
  if (of == nullptr) return nullptr;
  const bool any = of->text == "*";
  const int slot = any ? -1 : scope.telemetry(in, "of");
  if (!any && slot < 0) return nullptr;
  return std::make_unique<absence_operator>(slot, any ? "the device" : of->text, wait, keys);
}

} // namespace pollux::domain
