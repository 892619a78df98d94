// SPDX-License-Identifier: Apache-2.0
#include "domain/pattern/rise_then_spike.hpp"
#include "domain/alert/wording.hpp"
#include "domain/model/registry.hpp"
#include <algorithm>
#include <cmath>

namespace pollux::domain {

std::unique_ptr<operator_state> rise_then_spike::fresh_state(std::int64_t) const {
  return std::make_unique<rise_state>(rule_.count);
}

void rise_then_spike::observe(row& reading) const {
  auto& state = static_cast<rise_state&>(*state_of(reading.twin()));
  look_for_spike(reading, state);
  if (reading.fresh(rising_)) count_rise(state, reading.value(rising_), reading.event_time_ns());
}

void rise_then_spike::look_for_spike(row& reading, rise_state& state) const {
  if (state.armed_ns == no_time) return;
  const auto found = reading.found(spike_.index());
  if (found == verdict::none || (side_ != verdict::none && found != side_)) return;
  const std::int64_t t = reading.event_time_ns();
  // Telemetries may come in messages of their own: a spike older than the rises is no match.
  const std::int64_t age = elapsed_ns(t, state.armed_ns);
  if (age < 0 || age > within_ns_) return;

  const auto& names = reading.twin().ruling().telemetry;
  const auto& rising = names[static_cast<std::size_t>(rising_)].name;
  const auto& spiking = names[static_cast<std::size_t>(spike_.slot())].name;
  evidence proof;
  proof.field = spiking;
  proof.numbers = {{"value", reading.value(spike_.slot())},
                   {"above", rule_.above},
                   {"rises", static_cast<double>(rule_.count)},
                   {"age_s", static_cast<double>(age) / static_cast<double>(ns_per_s)},
                   {"within_s", static_cast<double>(within_ns_) / static_cast<double>(ns_per_s)}};
  proof.times = {{"armed", state.armed_ns}};
  proof.event_times_ns.assign(state.times.begin() + rule_.count, state.times.end());
  proof.event_times_ns.push_back(t);
  add_path(proof, reading, t);
  proof.explanation = rising + " rose " + std::to_string(rule_.count) + " times in a row above " +
                      brief(rule_.above) + ", then " + spiking + " spiked " + brief_duration(age) +
                      " later";
  state.armed_ns = no_time;
  emit(reading.at(), t, std::move(proof));
}

// The rises with their values, where a window at `t` still holds them, then the spike. A series may
// keep more than that, but what depends on when readings arrived.
void rise_then_spike::add_path(evidence& proof, const row& reading, std::int64_t t) const {
  const auto* values = std::as_const(reading.twin()).series_of(rising_);
  const auto span = reading.twin().ruling().series_span_ns[static_cast<std::size_t>(rising_)];
  for (const auto at : proof.event_times_ns) {
    if (at == t) continue;
    auto& stage = proof.path.emplace_back(path_stage{"rise", at, {}});
    if (values != nullptr && elapsed_ns(t, at) < span)
      values->each(at - 1, at, [&](std::int64_t, double v) { stage.numbers = {{"value", v}}; });
  }
  proof.path.push_back({"spike", t, {{"value", reading.value(spike_.slot())}}});
}

void rise_then_spike::count_rise(rise_state& state, double value, std::int64_t t) const {
  const bool rise = state.has_previous && value > state.previous && value > rule_.above;
  state.previous = value;
  state.has_previous = true;
  if (!rise) {
    state.rises = 0;
    return;
  }
  const std::uint32_t n = rule_.count;
  state.times[state.rises % n] = t;
  ++state.rises;
  if (state.rises >= 2 * n) state.rises -= n; // the ring's place stays, the count stays bounded
  if (state.rises < n) return;
  state.armed_ns = t;
  for (std::uint32_t i = 0; i < n; ++i) state.times[n + i] = state.times[(state.rises + i) % n];
}

void rise_then_spike::save(const operator_state& s, byte_writer& out) const {
  const auto& state = static_cast<const rise_state&>(s);
  out.boolean(state.has_previous);
  out.f64(state.previous);
  out.u32(state.rises);
  out.i64(state.armed_ns);
  for (const auto t : state.times) out.i64(t);
}

std::unique_ptr<operator_state> rise_then_spike::load(byte_reader& in) const {
  auto state = std::make_unique<rise_state>(rule_.count);
  state->has_previous = in.boolean();
  state->previous = in.f64();
  state->rises = in.u32();
  state->armed_ns = in.i64();
  for (auto& t : state->times) t = in.i64();
  if (state->rises >= 2 * rule_.count || !std::isfinite(state->previous)) in.fail();
  return state;
}

std::size_t rise_then_spike::state_bytes(const operator_state& state) const {
  return sizeof(rise_state) +
         static_cast<const rise_state&>(state).times.capacity() * sizeof(std::int64_t);
}

described_rule rise_then_spike::explain(const twin_state::body& twin, std::int64_t) const {
  const auto& state = static_cast<const rise_state&>(*state_of(twin));
  const auto& rising = twin.ruling().telemetry[static_cast<std::size_t>(rising_)].name;
  const bool armed = state.armed_ns != no_time && twin.last_event_ns != no_time &&
                     elapsed_ns(twin.last_event_ns, state.armed_ns) <= within_ns_;
  if (armed)
    return {name(), "sequence", "armed",
            "waits for " + spike_.name() + " until " +
                format_rfc3339(saturating_add(state.armed_ns, within_ns_))};
  if (!state.has_previous)
    return {name(), "sequence", "no data", "no reading of " + rising + " yet"};
  return {name(), "sequence", "ok",
          std::to_string(std::min(state.rises, rule_.count)) + " of " +
              std::to_string(rule_.count) + " rises of " + rising};
}

std::unique_ptr<twin_operator> read_rise_then_spike(object_reader& in, model_scope& scope) {
  const auto* rises = in.require("rises", config_node::type::object);
  const auto* spike = scope.earlier<z_score_operator>(in, "then", "z_score operator");
  const auto side = in.choice_or("then_side", {"both", "lower", "upper"}, 2);
  const auto within = in.duration_ns("within");
  in.choice_or("emit", {"each"}, 0);
  const auto keys = read_alert_keys(in);
  if (rises == nullptr) return nullptr;

  object_reader part(*rises, "rises");
  const int of = scope.numeric_telemetry(part, "of");
  rise_rule rule;
  rule.above = part.number("above");
  const double count = part.number_or("count", 3);
  if (!(count >= 1 && count <= 63) || count != std::floor(count))
    part.fail(*rises, "count is a whole number between 1 and 63");
  if (auto s = part.finish(); !s) in.fail(config_node{}, s.error().what); // it names its place
  if (of < 0 || spike == nullptr || !(count >= 1 && count <= 63)) return nullptr;
  rule.count = static_cast<std::uint32_t>(count);
  return std::make_unique<rise_then_spike>(of, rule, *spike, static_cast<verdict>(side), within,
                                           keys);
}

} // namespace pollux::domain
