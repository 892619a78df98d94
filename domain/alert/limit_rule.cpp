// SPDX-License-Identifier: Apache-2.0
#include "domain/alert/limit_rule.hpp"
#include "domain/alert/wording.hpp"
#include <algorithm>
#include <cmath>

namespace pollux::domain {
namespace {

constexpr double largest = 1e140;

} // namespace

void limit_rule::judge(row& reading) const {
  if (!reading.fresh(slot_)) return;
  auto& held = state_of(reading.twin());
  if (!held) held = empty();
  auto& state = static_cast<limit_state&>(*held);
  const std::int64_t t = reading.event_time_ns();
  // Squares of larger values would not be finite, and the baseline with them for good.
  const double x = std::clamp(reading.value(slot_), -largest, largest);
  if (state.first_ns == no_time) state.first_ns = t;
  auto found = assess(state, reading.twin(), t, x);
  if (elapsed_ns(t, state.first_ns) < policy_.warm_up_ns) found.reset();
  state.judged = found.has_value();
  if (found) {
    state.last = *found;
    reading.find(index(), found->side);
    tell(reading, state, *found);
  }
  remember(state, t, x, found);
}

void limit_rule::tell(row& reading, const limit_state& state, const limit_finding& found) const {
  const std::int64_t t = reading.event_time_ns();
  const bool is_active = !policy_.each && active(reading.twin()) != nullptr;
  if (found.side == verdict::none) {
    if (is_active) clear(reading.at(), t, prove(reading, state, found));
  } else if (policy_.each) {
    emit(reading.at(), t, prove(reading, state, found));
  } else if (!is_active) {
    raise(reading.at(), t, prove(reading, state, found));
  } else if (graded()) {
    grade(reading.at(), t, prove(reading, state, found));
  }
}

void limit_rule::remember(limit_state& state, std::int64_t t, double x,
                          const std::optional<limit_finding>& found) const {
  if (!found || found->side == verdict::none) {
    if (found) state.alerting_since_ns = no_time;
    return learn(state, t, x);
  }
  if (state.alerting_since_ns == no_time) state.alerting_since_ns = t;
  if (policy_.poison == z_poison::include || !firm(state)) return learn(state, t, x);
  if (elapsed_ns(t, state.alerting_since_ns) >= policy_.relearn_after_ns)
    return relearn(state, t, x);
  if (policy_.poison == z_poison::exclude_while_alerting) return leave_out(state, t, x);
  learn(state, t, std::clamp(x, found->band.lower, found->band.upper));
}

bool limit_rule::firm(const limit_state&) const { return true; }
void limit_rule::leave_out(limit_state&, std::int64_t, double) const {}
void limit_rule::relearn(limit_state& state, std::int64_t t, double x) const { learn(state, t, x); }
void limit_rule::prove_more(const limit_state&, evidence&) const {}

std::optional<expected_band> limit_rule::band(double mean, double sd, double n) const {
  if (!(n >= policy_.min_samples)) return std::nullopt;
  if (policy_.floor) sd = std::max(sd, policy_.min_stddev);
  if (!(sd > 0 && sd >= policy_.min_stddev)) return std::nullopt;
  const double most = policy_.limit * sd;
  return expected_band{mean, sd, mean - most, mean + most, n};
}

limit_finding limit_rule::compare(const expected_band& b, double x) const {
  limit_finding out{verdict::none, (x - b.mean) / b.sd, b};
  if (x > b.upper && policy_.sides != z_sides::lower) out.side = verdict::upper;
  if (x < b.lower && policy_.sides != z_sides::upper) out.side = verdict::lower;
  return out;
}

std::string limit_rule::describe(const limit_finding& found, double x) const {
  const auto& b = found.band;
  const bool over = found.score >= 0;
  return field_ + " " + brief(x) + (found.side == verdict::none ? " is within " : " is beyond ") +
         brief(over ? b.upper : b.lower) + ": " + brief(std::fabs(found.score)) +
         " standard deviations " + (over ? "above " : "below ") + brief(b.mean);
}

evidence limit_rule::prove(const row& reading, const limit_state& state,
                           const limit_finding& found) const {
  const double x = reading.value(slot_);
  const auto& b = found.band;
  evidence proof;
  proof.field = field_;
  proof.numbers = {{"value", x},       {"mean", b.mean},   {"sd", b.sd}, {"score", found.score},
                   {"lower", b.lower}, {"upper", b.upper}, {"n", b.n},   {"limit", policy_.limit}};
  if (state.alerting_since_ns != no_time)
    proof.times.push_back({"alerting_since", state.alerting_since_ns});
  proof.event_times_ns = {reading.event_time_ns()};
  proof.explanation = describe(found, x);
  prove_more(state, proof);
  return proof;
}

std::vector<operator_output> limit_rule::outputs() const {
  return {{"mean", slot_}, {"sd", slot_}, {"lower", slot_}, {"upper", slot_}, {"score", slot_}};
}

std::optional<double> limit_rule::output(const twin_state::body& twin, std::uint32_t which) const {
  const auto* state = static_cast<const limit_state*>(state_of(twin));
  if (state == nullptr || !state->judged) return std::nullopt;
  const auto& b = state->last.band;
  switch (which) {
  case 0: return b.mean;
  case 1: return b.sd;
  case 2: return b.lower;
  case 3: return b.upper;
  default: return state->last.score;
  }
}

void limit_rule::save(const operator_state& from, byte_writer& out) const {
  const auto& state = static_cast<const limit_state&>(from);
  out.i64(state.first_ns);
  out.i64(state.alerting_since_ns);
  out.boolean(state.judged);
  if (state.judged) {
    const auto& f = state.last;
    out.u8(static_cast<std::uint8_t>(f.side));
    for (const double v : {f.score, f.band.mean, f.band.sd, f.band.lower, f.band.upper, f.band.n})
      out.f64(v);
  }
  save_more(state, out);
}

std::unique_ptr<operator_state> limit_rule::load(byte_reader& in) const {
  auto state = empty();
  state->first_ns = in.i64();
  state->alerting_since_ns = in.i64();
  state->judged = in.boolean();
  if (state->judged) {
    auto& f = state->last;
    const auto side = in.u8();
    if (side > static_cast<std::uint8_t>(verdict::upper)) in.fail();
    f.side = static_cast<verdict>(side);
    for (double* v : {&f.score, &f.band.mean, &f.band.sd, &f.band.lower, &f.band.upper, &f.band.n})
      *v = in.f64();
  }
  load_more(*state, in);
  return state;
}

described_rule limit_rule::explain(const twin_state::body& twin, std::int64_t) const {
  const auto type = std::string(identity().type);
  if (const auto* alert = active(twin)) return {name(), type, "alerting", alert->message};
  const auto* state = static_cast<const limit_state*>(state_of(twin));
  if (state == nullptr) return {name(), type, "no data", "no reading of " + field_ + " yet"};
  const auto now = twin.latest[static_cast<std::size_t>(slot_)].event_time_ns;
  const auto waited = elapsed_ns(now, state->first_ns);
  if (waited < policy_.warm_up_ns)
    return {name(), type, "warming up",
            brief_duration(waited) + " of " + brief_duration(policy_.warm_up_ns)};
  const auto next = next_band(*state, twin);
  if (!next || next->n < policy_.min_samples)
    return {name(), type, "warming up",
            brief(std::floor(next ? next->n : 0)) + " of " + brief(policy_.min_samples) +
                " samples"};
  const auto usable = band(next->mean, next->sd, next->n);
  if (!usable)
    return {name(), type, "flat",
            "the baseline's standard deviation " + brief(next->sd) + " is too small to judge by"};
  std::string why = "fires";
  if (policy_.sides != z_sides::upper) why += " below " + brief(next->lower);
  if (policy_.sides == z_sides::both) why += " and";
  if (policy_.sides != z_sides::lower) why += " above " + brief(next->upper);
  return {name(), type, "ok", why + ", from " + brief(std::floor(next->n)) + " readings"};
}

double read_within(object_reader& in, std::string_view key, double fallback, double least,
                   double most) {
  const auto* node = in.optional(key, config_node::type::number);
  if (node == nullptr) return fallback;
  if (node->number >= least && node->number <= most) return node->number;
  in.fail(*node, std::string(key) + " lies between " + brief(least) + " and " + brief(most));
  return fallback;
}

void read_limit_policy(object_reader& in, limit_policy& policy, bool has_limit) {
  if (has_limit) policy.limit = read_within(in, "limit", policy.limit, 1e-6, 1e6);
  policy.sides = static_cast<z_sides>(
      in.choice_or("sides", {"upper", "lower", "both"}, static_cast<std::size_t>(policy.sides)));
  policy.min_samples = read_within(in, "min_samples", policy.min_samples, 2, 1e7);
  policy.warm_up_ns = in.duration_ns_or("warm_up", policy.warm_up_ns);
  policy.min_stddev = read_within(in, "min_stddev", policy.min_stddev, 0, 1e300);
  policy.floor = in.choice_or("flat", {"no_verdict", "floor"}, 0) == 1;
  policy.each = in.choice_or("emit", {"transition", "each"}, policy.each ? 1 : 0) == 1;
  policy.poison = static_cast<z_poison>(
      in.choice_or("poison", {"exclude_while_alerting", "include", "winsorise"},
                   static_cast<std::size_t>(policy.poison)));
  policy.relearn_after_ns = in.duration_ns_or("relearn_after", policy.relearn_after_ns);
}

} // namespace pollux::domain
