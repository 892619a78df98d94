// SPDX-License-Identifier: Apache-2.0
#include "domain/alert/cusum.hpp"
#include "domain/alert/wording.hpp"
#include "domain/model/registry.hpp"
#include <algorithm>
#include <cmath>
#include <limits>

namespace pollux::domain {
namespace {

cusum_state& of(limit_state& state) { return static_cast<cusum_state&>(state); }
const cusum_state& of(const limit_state& state) { return static_cast<const cusum_state&>(state); }

void save_side(const cusum_side& side, byte_writer& out) {
  out.f64(side.sum);
  out.u32(side.run);
  out.i64(side.since_ns);
}
void load_side(cusum_side& side, byte_reader& in) {
  side.sum = in.f64();
  side.run = in.u32();
  side.since_ns = in.i64();
  if (!(side.sum >= 0)) in.fail();
}

} // namespace

void cusum_side::add(double amount, double most, std::int64_t t) noexcept {
  sum = std::min(sum + amount, most);
  if (!(sum > 0)) {
    *this = {};
    return;
  }
  if (run == 0) since_ns = t;
  if (run < std::numeric_limits<std::uint32_t>::max()) ++run;
}

std::unique_ptr<limit_state> cusum_operator::empty() const {
  return std::make_unique<cusum_state>();
}

expected_band cusum_operator::baseline(const cusum_state& state, const twin_state::body& twin,
                                       std::int64_t t) const {
  expected_band b;
  if (rule_.baseline == cusum_rule::source::given) {
    b.mean = rule_.target;
    b.sd = rule_.sd;
    b.n = policy().min_samples;
  } else if (window_ != nullptr) {
    const auto s = window_->before(twin, t);
    b.mean = s.mean;
    b.sd = s.sample_stddev();
    b.n = static_cast<double>(s.count);
  } else {
    b.mean = state.moments.mean;
    b.sd = state.moments.sample_sd();
    b.n = state.moments.weight;
  }
  if (const auto usable = band(b.mean, b.sd, b.n)) b.sd = usable->sd; // raised to the floor
  b.upper = b.mean + b.sd * (rule_.h + rule_.k - state.high.sum);
  b.lower = b.mean - b.sd * (rule_.h + rule_.k - state.low.sum);
  return b;
}

std::optional<limit_finding> cusum_operator::assess(limit_state& state,
                                                    const twin_state::body& twin, std::int64_t t,
                                                    double x) const {
  auto& s = of(state);
  const auto b = baseline(s, twin, t);
  if (!band(b.mean, b.sd, b.n)) return std::nullopt;
  const double z = (x - b.mean) / b.sd;
  const double most = 2 * rule_.h;
  s.high.add(z - rule_.k, most, t);
  s.low.add(-z - rule_.k, most, t);
  const double up = policy().sides == z_sides::lower ? 0 : s.high.sum;
  const double down = policy().sides == z_sides::upper ? 0 : s.low.sum;
  limit_finding found{verdict::none, up >= down ? up : -down, b};
  if (std::fabs(found.score) > rule_.h)
    found.side = found.score > 0 ? verdict::upper : verdict::lower;
  return found;
}

// Called for accepted readings and, where the policy includes them, for outliers.
void cusum_operator::learn(limit_state& state, std::int64_t, double x) const {
  auto& s = of(state);
  const bool alarm = state.judged && state.last.side != verdict::none;
  if (alarm && rule_.reset != cusum_rule::restart::none) restart(s);
  if (rule_.baseline == cusum_rule::source::running ||
      (rule_.baseline == cusum_rule::source::fixed && s.moments.weight < policy().min_samples))
    s.moments.add(x);
}

void cusum_operator::leave_out(limit_state& state, std::int64_t, double) const {
  if (rule_.reset != cusum_rule::restart::none) restart(of(state));
}

// The sums begin anew (Lucas and Crosier 1982: half way, to find a shift that goes on sooner).
void cusum_operator::restart(cusum_state& s) const {
  const double start = rule_.reset == cusum_rule::restart::half ? rule_.h / 2 : 0;
  s.high = s.low = {start, 0, no_time};
}

void cusum_operator::relearn(limit_state& state, std::int64_t t, double x) const {
  auto& s = of(state);
  s.high = s.low = {};
  s.moments = {};
  learn(state, t, x);
}

void cusum_operator::prove_more(const limit_state& state, evidence& proof) const {
  const auto& s = of(state);
  for (auto& n : proof.numbers)
    if (n.name == "limit") n.value = rule_.h;
  proof.numbers.push_back({"k", rule_.k});
  proof.numbers.push_back({"high", s.high.sum});
  proof.numbers.push_back({"low", s.low.sum});
  const auto& side = s.last.score >= 0 ? s.high : s.low;
  proof.numbers.push_back({"run", static_cast<double>(side.run)});
  if (side.run > 0) {
    // What the mean seems to be now (Montgomery, Introduction to Statistical Quality Control).
    const double shift = s.last.band.sd * (rule_.k + side.sum / side.run);
    proof.numbers.push_back({"new_mean", s.last.band.mean + (s.last.score >= 0 ? shift : -shift)});
    proof.times.push_back({"shift_since", side.since_ns});
  }
}

std::string cusum_operator::describe(const limit_finding& found, double x) const {
  return "the sum of " + field() + "'s deviations " + (found.score >= 0 ? "above " : "below ") +
         brief(found.band.mean) + " is " + brief(std::fabs(found.score)) +
         (found.side == verdict::none ? " sd, within " : " sd, beyond ") + brief(rule_.h) +
         ", with " + brief(x);
}

std::optional<expected_band> cusum_operator::next_band(const limit_state& state,
                                                       const twin_state::body& twin) const {
  const auto t = twin.latest[static_cast<std::size_t>(slot())].event_time_ns;
  return baseline(of(state), twin, saturating_add(t, 1));
}

void cusum_operator::save_more(const limit_state& state, byte_writer& out) const {
  const auto& s = of(state);
  s.moments.save(out);
  save_side(s.high, out);
  save_side(s.low, out);
}

void cusum_operator::load_more(limit_state& state, byte_reader& in) const {
  auto& s = of(state);
  if (!s.moments.load(in)) in.fail();
  load_side(s.high, in);
  load_side(s.low, in);
}

std::size_t cusum_operator::state_bytes(const operator_state&) const { return sizeof(cusum_state); }

namespace {

// Which baseline the keys ask for. Errors go to `in`.
void read_baseline(object_reader& in, bool window, cusum_rule& rule) {
  using source = cusum_rule::source;
  const auto* named = in.optional("baseline", config_node::type::text);
  const auto* target = in.optional("target", config_node::type::number);
  const auto* sd = in.optional("sd", config_node::type::number);
  rule.baseline =
      in.choice_or("baseline", {"warm_up", "running"}, 0) == 1 ? source::running : source::fixed;
  if (window) rule.baseline = source::window;
  if (target != nullptr || sd != nullptr) {
    rule.baseline = source::given;
    rule.target = in.number("target");
    rule.sd = read_within(in, "sd", 1, 1e-300, 1e300);
    if (sd == nullptr) (void)in.number("sd");
  }
  const int ways = (named != nullptr) + (target != nullptr || sd != nullptr) + window;
  if (ways > 1)
    in.fail(named != nullptr ? *named : *target,
            "one baseline: baseline, window, or target with sd");
  if (rule.baseline != source::running)
    if (const auto* poison = in.optional("poison", config_node::type::text))
      in.fail(*poison, "poison needs baseline = running: no other baseline takes outliers in");
}

} // namespace

std::unique_ptr<twin_operator> read_cusum(object_reader& in, model_scope& scope) {
  cusum_rule rule;
  limit_policy policy;
  rule.k = read_within(in, "k", rule.k, 0, 100);
  rule.h = read_within(in, "h", rule.h, 1e-3, 1e6);
  const auto* reset = in.optional("reset", config_node::type::text);
  rule.reset = static_cast<cusum_rule::restart>(in.choice_or("reset", {"none", "zero", "half"}, 0));
  policy.each = rule.reset != cusum_rule::restart::none;
  const bool by_window = in.optional("window", config_node::type::text) != nullptr;
  const auto* window = by_window ? scope.earlier<window_operator>(in, "window", "window") : nullptr;
  read_baseline(in, by_window, rule);
  const int slot = window != nullptr ? window->slot()
                   : by_window       ? -1
                                     : scope.numeric_telemetry(in, "of");
  read_limit_policy(in, policy, false);
  const auto keys = read_alert_keys(in);
  if (rule.reset != cusum_rule::restart::none && !policy.each)
    in.fail(*reset, "after a reset nothing is left to clear an alert by: emit must be each");
  if (slot < 0) return nullptr;
  const auto& field = scope.so_far().telemetry[static_cast<std::size_t>(slot)].name;
  return std::make_unique<cusum_operator>(rule, window, slot, field, policy, keys);
}

} // namespace pollux::domain
