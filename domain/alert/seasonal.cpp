// SPDX-License-Identifier: Apache-2.0
#include "domain/alert/seasonal.hpp"
#include "domain/alert/schedule.hpp"
#include "domain/alert/wording.hpp"
#include "domain/base/math.hpp"
#include "domain/model/registry.hpp"
#include <algorithm>
#include <cmath>

namespace pollux::domain {
namespace {

constexpr std::uint32_t most_slots = 96;

seasonal_state& of(limit_state& state) { return static_cast<seasonal_state&>(state); }
const seasonal_state& of(const limit_state& state) {
  return static_cast<const seasonal_state&>(state);
}

std::vector<seasonal_part>::const_iterator place(const seasonal_state& s, std::uint32_t id) {
  return std::lower_bound(s.parts.begin(), s.parts.end(), id,
                          [](const seasonal_part& p, std::uint32_t i) { return p.id < i; });
}

} // namespace

std::unique_ptr<limit_state> seasonal_operator::empty() const {
  return std::make_unique<seasonal_state>();
}

std::uint32_t seasonal_operator::part_at(std::int64_t t) const noexcept {
  const auto local = rule_.zone.local(t);
  const auto second = static_cast<std::uint32_t>(local.second_of_day);
  const auto slot = second * rule_.slots_per_day / 86'400;
  return rule_.week ? static_cast<std::uint32_t>(local.weekday()) * rule_.slots_per_day + slot
                    : slot;
}

std::uint32_t seasonal_operator::look_up(seasonal_state& s, std::int64_t t) const noexcept {
  if (s.id_ns != t) {
    s.id = part_at(t);
    s.id_ns = t;
  }
  return s.id;
}

running_moments seasonal_operator::faded(const seasonal_part& part, std::int64_t t) const noexcept {
  auto out = part.moments;
  if (rule_.half_life_ns > 0 && part.last_ns != no_time && part.last_ns != t)
    out.fade(math::exp2(-static_cast<double>(elapsed_ns(t, part.last_ns)) /
                        static_cast<double>(rule_.half_life_ns)));
  return out;
}

running_moments seasonal_operator::choose(const seasonal_state& s, std::uint32_t id, std::int64_t t,
                                          std::uint8_t& basis) const noexcept {
  const auto part = [&](std::uint32_t wanted) {
    const auto found = place(s, wanted);
    return found == s.parts.end() || found->id != wanted ? running_moments{} : faded(*found, t);
  };
  basis = 0;
  auto sum = part(id);
  if (sum.weight >= policy().min_samples) return sum;
  const auto count = part_count();
  if (count > 2) {
    basis = 1;
    sum.merge(part((id + count - 1) % count));
    sum.merge(part((id + 1) % count));
    if (sum.weight >= policy().min_samples) return sum;
  }
  if (rule_.week) {
    basis = 2;
    sum = {};
    for (std::uint32_t day = 0; day < 7; ++day)
      sum.merge(part(day * rule_.slots_per_day + id % rule_.slots_per_day));
    if (sum.weight >= policy().min_samples) return sum;
  }
  basis = 3;
  return faded(s.all, t);
}

std::optional<limit_finding> seasonal_operator::assess(limit_state& state, const twin_state::body&,
                                                       std::int64_t t, double x) const {
  auto& s = of(state);
  const auto id = look_up(s, t);
  const auto part = s.parts.begin() + (place(s, id) - s.parts.cbegin());
  if (part != s.parts.end() && part->id == id) {
    part->moments = faded(*part, t); // once; choose() and learn() find it done
    part->last_ns = t;
  }
  const auto m = choose(s, id, t, s.basis);
  const auto b = band(m.mean + s.level, m.sample_sd(), m.weight);
  if (!b) return std::nullopt;
  const auto found = compare(*b, x);
  if (found.side == verdict::none) s.out_sum = s.out_count = 0;
  return found;
}

void seasonal_operator::add(seasonal_part& part, std::int64_t t, double x) const noexcept {
  part.moments = faded(part, t);
  part.moments.add(x);
  part.last_ns = t;
}

void seasonal_operator::learn(limit_state& state, std::int64_t t, double x) const {
  auto& s = of(state);
  const auto id = look_up(s, t);
  auto found = s.parts.begin() + (place(s, id) - s.parts.cbegin());
  if (found == s.parts.end() || found->id != id) {
    found = s.parts.insert(found, seasonal_part{});
    found->id = id;
  }
  add(*found, t, x - s.level);
  add(s.all, t, x - s.level);
}

bool seasonal_operator::firm(const limit_state& state) const { return of(state).basis == 0; }

void seasonal_operator::leave_out(limit_state& state, std::int64_t, double x) const {
  auto& s = of(state);
  s.out_sum += x - state.last.band.mean;
  s.out_count += 1;
}

void seasonal_operator::relearn(limit_state& state, std::int64_t t, double x) const {
  auto& s = of(state);
  leave_out(state, t, x);
  s.level += s.out_sum / s.out_count;
  s.out_sum = s.out_count = 0;
  learn(state, t, x);
}

void seasonal_operator::prove_more(const limit_state& state, evidence& proof) const {
  proof.numbers.push_back({"basis", static_cast<double>(of(state).basis)});
  proof.numbers.push_back({"level", of(state).level});
}

std::string seasonal_operator::describe(const limit_finding& found, double x) const {
  return limit_rule::describe(found, x) + ", the mean at this time of the " +
         (rule_.week ? "week" : "day");
}

std::optional<expected_band> seasonal_operator::next_band(const limit_state& state,
                                                          const twin_state::body& twin) const {
  const auto t = twin.latest[static_cast<std::size_t>(slot())].event_time_ns;
  std::uint8_t basis = 0;
  const auto m = choose(of(state), part_at(t), t, basis);
  const double mean = m.mean + of(state).level;
  if (const auto b = band(mean, m.sample_sd(), m.weight)) return b;
  return expected_band{mean, m.sample_sd(), 0, 0, m.weight};
}

void seasonal_operator::save_more(const limit_state& state, byte_writer& out) const {
  const auto& s = of(state);
  const auto part = [&](const seasonal_part& p) {
    p.moments.save(out);
    out.i64(p.last_ns);
  };
  out.u16(static_cast<std::uint16_t>(s.parts.size()));
  for (const auto& p : s.parts) {
    out.u16(static_cast<std::uint16_t>(p.id));
    part(p);
  }
  part(s.all);
  for (const double v : {s.level, s.out_sum, s.out_count}) out.f64(v);
  out.u8(s.basis);
}

void seasonal_operator::load_more(limit_state& state, byte_reader& in) const {
  auto& s = of(state);
  constexpr std::size_t part_bytes = 34;
  const std::size_t count = in.u16();
  if (count > part_count() || count * part_bytes > in.remaining()) return in.fail();
  const auto part = [&](seasonal_part& p) {
    if (!p.moments.load(in)) in.fail();
    p.last_ns = in.i64();
  };
  s.parts.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    auto& p = s.parts[i];
    p.id = in.u16();
    part(p);
    if (p.id >= part_count() || (i > 0 && p.id <= s.parts[i - 1].id)) in.fail();
  }
  part(s.all);
  s.level = in.f64();
  s.out_sum = in.f64();
  s.out_count = in.f64();
  s.basis = in.u8();
}

std::size_t seasonal_operator::state_bytes(const operator_state& state) const {
  return sizeof(seasonal_state) +
         static_cast<const seasonal_state&>(state).parts.capacity() * sizeof(seasonal_part);
}

std::unique_ptr<twin_operator> read_seasonal(object_reader& in, model_scope& scope) {
  seasonal_rule rule;
  limit_policy policy;
  const int slot = scope.numeric_telemetry(in, "of");
  rule.week = in.choice_or("cycle", {"week", "day"}, 0) == 0;
  rule.zone = read_zone(in);
  rule.half_life_ns = in.duration_ns_or("half_life", 0);
  const double slots = read_within(in, "slots_per_day", 24, 1, most_slots);
  if (slots != std::floor(slots) || 1440 % static_cast<int>(slots) != 0)
    in.fail(*in.optional("slots_per_day", config_node::type::number),
            "slots_per_day divides the 1440 minutes of a day");
  rule.slots_per_day = static_cast<std::uint32_t>(slots);
  read_limit_policy(in, policy);
  const auto keys = read_alert_keys(in);
  if (slot < 0) return nullptr;
  const auto& field = scope.so_far().telemetry[static_cast<std::size_t>(slot)].name;
  return std::make_unique<seasonal_operator>(std::move(rule), slot, field, policy, keys);
}

} // namespace pollux::domain
