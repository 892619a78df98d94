// SPDX-License-Identifier: Apache-2.0
#include "domain/window/count_window.hpp"
#include <algorithm>
#include <cmath>

namespace pollux::domain {

count_window::count_window(int slot, std::size_t last, aggregate_plan plan, std::string field)
    : slot_(slot), last_(last), plan_(std::move(plan)), field_(std::move(field)) {}

void count_window::observe(row& reading) const {
  if (!reading.arrived(slot_)) return;
  auto& held = state_of(reading.twin());
  if (!held) held = std::make_unique<count_state>();
  auto& state = static_cast<count_state&>(*held);
  if (!reading.fresh(slot_)) {
    ++state.late;
    return;
  }
  state.fresh = false;
  const count_state::entry newest{reading.event_time_ns(), reading.value(slot_)};
  if (state.ring.size() < last_) {
    if (state.ring.size() == state.ring.capacity())
      state.ring.reserve(std::min(last_, std::max<std::size_t>(8, state.ring.size() * 3 / 2)));
    state.ring.push_back(newest);
    return;
  }
  state.ring[state.head] = newest;
  state.head = (state.head + 1) % last_;
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
  if (!state->fresh) {
    state->all.clear();
    const std::size_t n = state->ring.size();
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t at = state->head + i;
      const auto& e = state->ring[at < n ? at : at - n];
      state->all.add(plan_, e.time_ns, e.value);
    }
    state->fresh = true;
  }
  return state->all.value(plan_.chosen[which], state->all.last_ns());
}

void count_window::save(const operator_state& held, byte_writer& out) const {
  const auto& state = static_cast<const count_state&>(held);
  out.u32(state.late);
  const std::size_t n = state.ring.size();
  out.u32(static_cast<std::uint32_t>(n));
  for (std::size_t i = 0; i < n; ++i) {
    const auto& e = state.ring[(state.head + i) % n];
    out.i64(e.time_ns);
    out.f64(e.value);
  }
}

std::unique_ptr<operator_state> count_window::load(byte_reader& in) const {
  auto state = std::make_unique<count_state>();
  state->late = in.u32();
  const std::size_t n = in.u32();
  bool good = in.ok() && n <= last_ && n * 16 <= in.remaining();
  if (good) state->ring.reserve(n);
  for (std::size_t i = 0; good && i < n; ++i) {
    const count_state::entry e{in.i64(), in.f64()};
    good = std::isfinite(e.value) && (i == 0 || e.time_ns > state->ring.back().time_ns);
    state->ring.push_back(e);
  }
  if (good) return state;
  in.fail();
  return nullptr;
}

std::size_t count_window::state_bytes(const operator_state& held) const {
  const auto& state = static_cast<const count_state&>(held);
  return sizeof(state) + state.ring.capacity() * sizeof(count_state::entry) +
         state.all.heap_bytes();
}

described_rule count_window::explain(const twin_state::body& twin, std::int64_t) const {
  const auto* state = static_cast<const count_state*>(state_of(twin));
  const std::size_t n = state == nullptr ? 0 : state->ring.size();
  return {name(), "window", n == 0 ? "no data" : "ok",
          "count: " + std::to_string(n) + " of the last " + std::to_string(last_) +
              " readings of " + field_};
}

} // namespace pollux::domain
