// SPDX-License-Identifier: Apache-2.0
#include "domain/alert/robust.hpp"
#include "domain/alert/wording.hpp"
#include "domain/model/registry.hpp"
#include <cmath>

namespace pollux::domain {
namespace {

constexpr double mad_to_sd = 1.4826; // 1 / the third quartile of the normal distribution
constexpr double most_readings = 8192;

robust_state& of(limit_state& state) { return static_cast<robust_state&>(state); }
const robust_state& of(const limit_state& state) { return static_cast<const robust_state&>(state); }

} // namespace

std::unique_ptr<limit_state> robust_operator::empty() const {
  return std::make_unique<robust_state>(rule_.max_readings);
}

std::optional<limit_finding> robust_operator::assess(limit_state& state, const twin_state::body&,
                                                     std::int64_t t, double x) const {
  auto& sample = of(state).sample;
  sample.expire(saturating_add(t, -rule_.span_ns));
  const auto n = static_cast<double>(sample.size());
  if (n < policy().min_samples) return std::nullopt;
  const double centre = sample.median();
  const auto b = band(centre, mad_to_sd * sample.deviation(centre), n);
  return b ? std::optional(compare(*b, x)) : std::nullopt;
}

void robust_operator::learn(limit_state& state, std::int64_t t, double x) const {
  of(state).sample.add(t, x);
}

void robust_operator::prove_more(const limit_state& state, evidence& proof) const {
  const auto& sample = of(state).sample;
  proof.numbers.push_back({"one_in", static_cast<double>(std::uint64_t{1} << sample.level())});
  if (sample.size() > 0) proof.times.push_back({"window_from", sample.oldest_ns()});
}

std::string robust_operator::describe(const limit_finding& found, double x) const {
  return limit_rule::describe(found, x) + ", the median of " + brief(found.band.n) + " readings";
}

std::optional<expected_band> robust_operator::next_band(const limit_state& state,
                                                        const twin_state::body&) const {
  const auto& sample = of(state).sample;
  if (sample.size() == 0) return std::nullopt;
  const double centre = sample.median();
  const double sd = mad_to_sd * sample.deviation(centre);
  const auto n = static_cast<double>(sample.size());
  if (const auto b = band(centre, sd, n)) return b;
  return expected_band{centre, sd, 0, 0, n};
}

void robust_operator::save_more(const limit_state& state, byte_writer& out) const {
  of(state).sample.save(out);
}

void robust_operator::load_more(limit_state& state, byte_reader& in) const {
  if (!of(state).sample.load(in)) in.fail();
}

std::size_t robust_operator::state_bytes(const operator_state& state) const {
  return sizeof(robust_state) + static_cast<const robust_state&>(state).sample.heap_bytes();
}

std::unique_ptr<twin_operator> read_robust(object_reader& in, model_scope& scope) {
  robust_rule rule;
  limit_policy policy;
  const int slot = scope.numeric_telemetry(in, "of");
  rule.span_ns = in.duration_ns("span");
  const double most = read_within(in, "max_readings", rule.max_readings, 64, most_readings);
  rule.max_readings = static_cast<std::uint32_t>(most);
  read_limit_policy(in, policy);
  if (policy.min_samples > most / 2) {
    const auto* node = in.optional("min_samples", config_node::type::number);
    if (node == nullptr) node = in.optional("max_readings", config_node::type::number);
    // A sample may hold as few as half of max_readings.
    if (node != nullptr) in.fail(*node, "min_samples is at most half of max_readings");
  }
  const auto keys = read_alert_keys(in);
  if (slot < 0) return nullptr;
  const auto& field = scope.so_far().telemetry[static_cast<std::size_t>(slot)].name;
  return std::make_unique<robust_operator>(rule, slot, field, policy, keys);
}

} // namespace pollux::domain
