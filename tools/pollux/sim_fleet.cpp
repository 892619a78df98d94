// SPDX-License-Identifier: Apache-2.0
#include "tools/pollux/sim_fleet.hpp"
#include "domain/base/ensure.hpp"
#include "domain/base/time.hpp"
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

namespace pollux::tools {

namespace {
constexpr double min_setpoint = 12, max_setpoint = 30; // of the simulated air handler
// the first thing of each kind shows its typical fault early, so that a demonstration is short
constexpr std::int64_t first_fault_ns = 5 * ns_per_s;
} // namespace

template <class Machine>
void fleet::add(std::uint32_t count, std::size_t kind, Machine (*make)(sim_dice&)) {
  for (std::uint32_t i = 0; i < count; ++i) {
    sim_dice dice(plan_.seed, static_cast<std::uint64_t>(kind) << 32 | i);
    auto body = make(dice);
    thing one{std::string(sim_kinds[kind]) + "-" + std::to_string(i + 1),
              std::move(body),
              dice,
              0,
              0,
              0,
              false};
    one.phase_ns = static_cast<std::int64_t>(one.dice.unit() * static_cast<double>(period_ns_));
    const double wait = static_cast<double>(plan_.fault_every_ns) * one.dice.between(0.3, 1.3);
    one.next_fault_ns =
        plan_.fault_every_ns <= 0 ? never
        : i == 0                  ? saturating_add(plan_.faults_from_ns,
                                                   std::min(first_fault_ns * static_cast<std::int64_t>(kind + 1),
                                                            plan_.fault_every_ns))
                 : saturating_add(plan_.faults_from_ns, static_cast<std::int64_t>(wait));
    things_.push_back(std::move(one));
  }
}

fleet::fleet(const fleet_plan& plan)
    : plan_(plan), period_ns_(std::max<std::int64_t>(
                       1, std::llround(static_cast<double>(ns_per_s) / plan.rate_hz))),
      whims_(plan.seed, ~std::uint64_t{0}) {
  add(plan.count[0], 0, &make_motor);
  add(plan.count[1], 1, &make_building);
  add(plan.count[2], 2, &make_vehicle);
  add(plan.count[3], 3, &make_device);
  order_.resize(things_.size());
  std::iota(order_.begin(), order_.end(), 0U);
  std::stable_sort(order_.begin(), order_.end(),
                   [this](auto a, auto b) { return things_[a].phase_ns < things_[b].phase_ns; });
}

std::optional<std::uint32_t> fleet::find(std::string_view name) const {
  // names are kind-number, in the order of things_
  std::uint32_t first = 0;
  for (std::size_t kind = 0; kind < sim_kinds.size(); first += plan_.count[kind++]) {
    const auto prefix = sim_kinds[kind];
    if (!name.starts_with(prefix) || name.size() < prefix.size() + 2) continue;
    for (std::uint32_t i = first; i < first + plan_.count[kind]; ++i)
      if (things_[i].name == name) return i;
  }
  return std::nullopt;
}

void fleet::begin_fault_if_due(std::uint32_t index, std::int64_t now_ns) {
  auto& one = things_[index];
  if (now_ns < one.next_fault_ns) return;
  const auto healthy = std::visit([](auto& body) { return body.fault.kind < 0; }, one.body);
  if (!healthy) return;
  const auto fault =
      std::visit([&](auto& body) { return begin_fault(body, !one.had_fault, one.dice); }, one.body);
  one.had_fault = true;
  faults_.push_back({index, now_ns, fault});
  one.next_fault_ns =
      saturating_add(now_ns, static_cast<std::int64_t>(static_cast<double>(plan_.fault_every_ns) *
                                                       one.dice.between(0.7, 1.6)));
}

void fleet::next(sim_reading& out) {
  ensure(!things_.empty(), "the fleet is empty");
  const auto index = order_[place_];
  auto& one = things_[index];
  out.index = index;
  out.event_time_ns = saturating_add(plan_.start_ns, round_ * period_ns_ + one.phase_ns);
  if (period_ns_ >= ns_per_ms) out.event_time_ns -= out.event_time_ns % ns_per_ms;
  out.sequence = ++one.sequence;
  out.fields.clear();
  begin_fault_if_due(index, out.event_time_ns);
  const double seconds = static_cast<double>(period_ns_) / static_cast<double>(ns_per_s);
  std::visit([&](auto& body) { step(body, seconds, one.dice, out.fields); }, one.body);
  if (++place_ == order_.size()) {
    place_ = 0;
    ++round_;
  }
}

std::vector<injected_fault> fleet::take_faults() { return std::exchange(faults_, {}); }

sim_answer fleet::command(std::uint32_t index, std::string_view command,
                          std::optional<double> value) {
  auto& one = things_[index];
  auto* building = std::get_if<sim_building>(&one.body);
  if (!building || command != "set_setpoint")
    return {false, one.name + " knows no command " + std::string(command), "", 0};
  if (!value) return {false, "the command carries no number", "", 0};
  if (!(*value >= min_setpoint && *value <= max_setpoint))
    return {false, "the setpoint must lie in 12..30 deg C", "", 0};
  if (whims_.unit() < plan_.refuse_share) return {false, "somebody set it by hand", "", 0};
  building->setpoint = *value;
  return {true, "", "setpoint", *value};
}

std::string truth_line(const fleet& fleet, std::string_view name_space,
                       const injected_fault& fault) {
  nlohmann::ordered_json line;
  line["twin"] = std::string(name_space) + ":" + fleet.name(fault.index);
  line["fault"] = fault.fault.name;
  line["event_time"] = format_rfc3339(fault.event_time_ns);
  line["telemetry"] = fault.fault.telemetry;
  line["expected_rule"] = fault.fault.rule.empty() ? nlohmann::ordered_json()
                                                   : nlohmann::ordered_json(fault.fault.rule);
  return line.dump();
}

} // namespace pollux::tools
