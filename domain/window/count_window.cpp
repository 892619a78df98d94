// SPDX-License-Identifier: Apache-2.0
#include "domain/window/count_window.hpp"
#include "domain/window/fold.hpp"

namespace pollux::domain {

count_window::count_window(int slot, std::size_t last, aggregate_plan plan, std::string field)
    : slot_(slot), last_(last), plan_(std::move(plan)), field_(std::move(field)) {}

void count_window::observe(row& reading) const {
  if (!reading.arrived(slot_)) return;
  auto& held = state_of(reading.twin());
  if (!held) held = std::make_unique<count_state>(last_);
  auto& state = static_cast<count_state&>(*held);
  if (!reading.fresh(slot_)) {
    ++state.late;
    return;
  }
  (void)state.readings.insert(reading.event_time_ns(), reading.value(slot_));
}

std::vector<operator_output> count_window::outputs() const {
  std::vector<operator_output> out;
  for (const auto& a : plan_.chosen) out.push_back({a.name, slot_});
  out.push_back({"late", slot_});
  return out;
}

std::optional<double> count_window::output(const twin_state::body& twin,
                                           std::uint32_t which) const {
  const auto* state = static_cast<const count_state*>(state_of(twin));
  if (state == nullptr) return std::nullopt;
  if (which >= plan_.chosen.size()) return static_cast<double>(state->late);
  const auto& asked = plan_.chosen[which];
  const auto& all = state->readings;
  if (asked.kind == aggregate_kind::quantile)
    return all.quantile(asked.permille, never, no_time, never);
  if (asked.kind == aggregate_kind::distinct) return all.distinct(never, no_time, never);
  return all.folded(plan_).value(asked, all.newest_ns());
}

void count_window::save(const operator_state& held, byte_writer& out) const {
  const auto& state = static_cast<const count_state&>(held);
  out.u32(state.late);
  state.readings.save(out);
}

std::unique_ptr<operator_state> count_window::load(byte_reader& in) const {
  auto state = std::make_unique<count_state>(last_);
  state->late = in.u32();
  if (in.format < 3) return load_pairs(in, state->readings, last_) ? std::move(state) : nullptr;
  // What went before says where blocks of readings begin: it goes only when there is no more room.
  if (state->readings.load(in) &&
      (state->readings.truncated() == 0 || state->readings.size() == last_))
    return state;
  in.fail();
  return nullptr;
}

std::size_t count_window::state_bytes(const operator_state& held) const {
  const auto& state = static_cast<const count_state&>(held);
  return sizeof(state) + state.readings.memory_bytes();
}

described_rule count_window::explain(const twin_state::body& twin, std::int64_t) const {
  const auto* state = static_cast<const count_state*>(state_of(twin));
  const std::size_t n = state == nullptr ? 0 : state->readings.size();
  return {name(), "window", n == 0 ? "no data" : "ok",
          "count: " + std::to_string(n) + " of the last " + std::to_string(last_) +
              " readings of " + field_};
}

} // namespace pollux::domain
