// SPDX-License-Identifier: Apache-2.0
#include "domain/alert/ewma.hpp"
#include "domain/alert/wording.hpp"
#include "domain/base/math.hpp"
#include "domain/model/registry.hpp"
#include <cmath>

namespace pollux::domain {
namespace {

ewma_state& of(limit_state& state) { return static_cast<ewma_state&>(state); }
const ewma_state& of(const limit_state& state) { return static_cast<const ewma_state&>(state); }

double weighted_sd(const ewma_state& s) noexcept {
  const double w = s.moments.weight;
  const double free = w - s.squares / w;
  return free > 1e-9 ? std::sqrt(s.moments.m2 / free) : 0;
}

} // namespace

std::unique_ptr<limit_state> ewma_operator::empty() const { return std::make_unique<ewma_state>(); }

double ewma_operator::keep(const ewma_state& state, std::int64_t t) const noexcept {
  if (rule_.half_life_ns == 0) return rule_.keep;
  if (state.last_ns == no_time) return 1;
  return math::exp2(-static_cast<double>(elapsed_ns(t, state.last_ns)) /
                    static_cast<double>(rule_.half_life_ns));
}

std::optional<limit_finding> ewma_operator::assess(limit_state& state, const twin_state::body&,
                                                   std::int64_t t, double x) const {
  auto& s = of(state);
  if (!rule_.chart) {
    // n counts readings, not weight: a short half-life never weighs as much as min_samples.
    const auto b = band(s.moments.mean, weighted_sd(s), s.n);
    return b ? std::optional(compare(*b, x)) : std::nullopt;
  }
  if (!frozen(s)) return std::nullopt;
  const double k = keep(s, t);
  s.z += (1 - k) * (x - s.z);
  s.variance = k * k * s.variance + (1 - k) * (1 - k);
  s.last_ns = t;
  const double sigma = s.moments.sample_sd();
  if (!band(s.moments.mean, sigma, s.moments.weight)) return std::nullopt;
  const auto b =
      band(s.moments.mean,
           std::max(sigma, policy().floor ? policy().min_stddev : 0) * std::sqrt(s.variance),
           s.moments.weight);
  return b ? std::optional(compare(*b, s.z)) : std::nullopt;
}

void ewma_operator::learn(limit_state& state, std::int64_t t, double x) const {
  auto& s = of(state);
  if (rule_.chart) {
    if (frozen(s)) return;
    s.moments.add(x);
    s.z = s.moments.mean;
    s.variance = 0;
    s.last_ns = t;
    return;
  }
  const double k = keep(s, t);
  s.moments.fade(k);
  s.squares = s.squares * k * k + 1;
  s.moments.add(x);
  s.last_ns = t;
  s.n += 1;
}

void ewma_operator::relearn(limit_state& state, std::int64_t t, double x) const {
  auto& s = of(state);
  if (frozen(s)) {
    s.moments = {};
    s.z = s.variance = 0;
  }
  learn(state, t, x);
}

void ewma_operator::prove_more(const limit_state& state, evidence& proof) const {
  if (rule_.chart) proof.numbers.push_back({"ewma", of(state).z});
}

std::string ewma_operator::describe(const limit_finding& found, double x) const {
  if (!rule_.chart) return limit_rule::describe(found, x);
  const auto& b = found.band;
  return "the weighted mean of " + field() + ", " + brief(b.mean + found.score * b.sd) +
         (found.side == verdict::none ? ", is within " : ", is beyond ") +
         brief(found.score >= 0 ? b.upper : b.lower) + " (target " + brief(b.mean) + ")";
}

std::optional<expected_band> ewma_operator::next_band(const limit_state& state,
                                                      const twin_state::body&) const {
  const auto& s = of(state);
  const double sd = rule_.chart ? s.moments.sample_sd() : weighted_sd(s);
  const double n = rule_.chart ? s.moments.weight : s.n;
  if (rule_.chart && state.judged) return state.last.band;
  if (const auto b = band(s.moments.mean, sd, n)) return b;
  return expected_band{s.moments.mean, sd, 0, 0, n};
}

void ewma_operator::save_more(const limit_state& state, byte_writer& out) const {
  const auto& s = of(state);
  s.moments.save(out);
  for (const double v : {s.squares, s.n, s.z, s.variance}) out.f64(v);
  out.i64(s.last_ns);
}

void ewma_operator::load_more(limit_state& state, byte_reader& in) const {
  auto& s = of(state);
  if (!s.moments.load(in)) in.fail();
  s.squares = in.f64();
  s.n = in.f64();
  s.z = in.f64();
  s.variance = in.f64();
  s.last_ns = in.i64();
}

std::size_t ewma_operator::state_bytes(const operator_state&) const { return sizeof(ewma_state); }

std::unique_ptr<twin_operator> read_ewma(object_reader& in, model_scope& scope) {
  ewma_rule rule;
  limit_policy policy;
  rule.half_life_ns = in.duration_ns_or("half_life", 0);
  const auto* readings = in.optional("half_life_readings", config_node::type::number);
  const double count = read_within(in, "half_life_readings", 0, 0.01, 1e6);
  rule.chart = in.choice_or("test", {"reading", "mean"}, 0) == 1;
  const int slot = scope.numeric_telemetry(in, "of");
  read_limit_policy(in, policy);
  const auto keys = read_alert_keys(in);
  const auto* half_life = in.optional("half_life", config_node::type::text);
  if (half_life != nullptr && readings != nullptr)
    in.fail(*readings, "half_life or half_life_readings, not both");
  if (half_life == nullptr && readings == nullptr) (void)in.duration_ns("half_life");
  if (rule.chart)
    if (const auto* poison = in.optional("poison", config_node::type::text))
      in.fail(*poison, "with test = mean the baseline is learnt once: there is nothing to poison");
  if (slot < 0) return nullptr;
  if (readings != nullptr) rule.keep = math::exp2(-1 / count);
  const auto& field = scope.so_far().telemetry[static_cast<std::size_t>(slot)].name;
  return std::make_unique<ewma_operator>(rule, slot, field, policy, keys);
}

} // namespace pollux::domain
