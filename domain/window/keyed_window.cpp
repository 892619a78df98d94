// SPDX-License-Identifier: Apache-2.0
#include "domain/window/keyed_window.hpp"
#include "domain/window/distinct_counter.hpp"
#include "domain/window/fold.hpp"
#include <algorithm>
#include <bit>

namespace pollux::domain {
namespace {

constexpr std::string_view further[] = {"keys", "overflow", "late"};

/// FNV-1a, then mixed so that near texts end up far apart.
std::uint64_t hash_of(std::string_view text) noexcept {
  std::uint64_t h = 0xcbf29ce484222325U;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  return mixed(h);
}

auto place_of(std::vector<keyed_state::group>& groups, std::uint64_t key) {
  return std::lower_bound(groups.begin(), groups.end(), key,
                          [](const keyed_state::group& g, std::uint64_t k) { return g.key < k; });
}

/// Drops what is no longer within the span; true when nothing is left.
bool expire(keyed_state::group& g, std::int64_t through_ns) {
  g.readings.drop_through(through_ns);
  return g.readings.size() == 0;
}

} // namespace

keyed_window::keyed_window(keyed_shape shape, aggregate_plan plan, std::string field)
    : shape_(shape), plan_(std::move(plan)), field_(std::move(field)) {}

std::optional<std::uint64_t> keyed_window::key_of(const row& reading) const {
  const auto slot = static_cast<std::size_t>(shape_.key_slot);
  const auto& twin = reading.twin();
  if (twin.latest[slot].type() != value_kind::text)
    return mixed(std::bit_cast<std::uint64_t>(reading.value(shape_.key_slot) + 0.0));
  if (!twin.rare || slot >= twin.rare->texts.size()) return std::nullopt;
  return hash_of(twin.rare->texts[slot]);
}

void keyed_window::observe(row& reading) const {
  if (!reading.arrived(shape_.key_slot)) return;
  auto& held = state_of(reading.twin());
  if (!held) held = std::make_unique<keyed_state>();
  auto& state = static_cast<keyed_state&>(*held);
  const bool brings =
      reading.fresh(shape_.key_slot) && (shape_.value_slot < 0 || reading.fresh(shape_.value_slot));
  const auto key = brings ? key_of(reading) : std::nullopt;
  if (!key) {
    ++state.late;
    return;
  }
  const std::int64_t now = reading.event_time_ns();
  if (elapsed_ns(now, state.swept_ns) >= shape_.span_ns / 8 || state.swept_ns == no_time)
    sweep(state, now);
  auto& group = group_of(state, *key, now);
  expire(group, saturating_add(now, -shape_.span_ns));
  if (group.readings.size() >= shape_.max_entries) ++state.overflow; // the oldest goes
  (void)group.readings.insert(now, shape_.value_slot < 0 ? 1 : reading.value(shape_.value_slot));
  state.current = *key;
  state.any = true;
}

void keyed_window::sweep(keyed_state& state, std::int64_t now_ns) const {
  state.swept_ns = now_ns;
  const std::int64_t through = saturating_add(now_ns, -shape_.span_ns);
  std::erase_if(state.groups, [&](auto& g) { return expire(g, through); });
}

/// At the bound the key goes that was silent for the longest time (of equals the smallest).
keyed_state::group& keyed_window::group_of(keyed_state& state, std::uint64_t key,
                                           std::int64_t now_ns) const {
  auto place = place_of(state.groups, key);
  if (place != state.groups.end() && place->key == key) return *place;
  if (state.groups.size() >= shape_.max_keys) sweep(state, now_ns);
  if (state.groups.size() >= shape_.max_keys) {
    state.groups.erase(std::min_element(state.groups.begin(), state.groups.end(),
                                        [](const auto& a, const auto& b) {
                                          return a.readings.newest_ns() < b.readings.newest_ns();
                                        }));
    ++state.overflow;
  }
  return *state.groups.insert(place_of(state.groups, key),
                              keyed_state::group{key, series(shape_.span_ns, shape_.max_entries)});
}

std::vector<operator_output> keyed_window::outputs() const {
  std::vector<operator_output> out;
  for (const auto& a : plan_.chosen) out.push_back({a.name, shape_.key_slot});
  for (const auto name : further) out.push_back({name, shape_.key_slot});
  return out;
}

std::optional<double> keyed_window::output(const twin_state::body& twin,
                                           std::uint32_t which) const {
  const auto* state = static_cast<const keyed_state*>(state_of(twin));
  if (state == nullptr || !state->any) return std::nullopt;
  const std::size_t n = plan_.chosen.size();
  if (which == n) {
    const std::int64_t now = twin.latest[static_cast<std::size_t>(shape_.key_slot)].event_time_ns;
    const std::int64_t through = saturating_add(now, -shape_.span_ns);
    return static_cast<double>(
        std::count_if(state->groups.begin(), state->groups.end(),
                      [&](const auto& g) { return g.readings.newest_ns() > through; }));
  }
  if (which == n + 1) return static_cast<double>(state->overflow);
  if (which > n + 1) return static_cast<double>(state->late);
  const auto group =
      std::lower_bound(state->groups.begin(), state->groups.end(), state->current,
                       [](const keyed_state::group& g, std::uint64_t k) { return g.key < k; });
  const auto& asked = plan_.chosen[which];
  if (group == state->groups.end() || group->key != state->current)
    return fold{}.value(asked, no_time);
  const auto& readings = group->readings;
  const std::int64_t to = readings.newest_ns(), from = saturating_add(to, -shape_.span_ns);
  if (asked.kind == aggregate_kind::quantile)
    return readings.quantile(asked.permille, shape_.span_ns, from, to);
  if (asked.kind == aggregate_kind::distinct) return readings.distinct(shape_.span_ns, from, to);
  return readings.folded(plan_, from, to).value(asked, to);
}

void keyed_window::save(const operator_state& held, byte_writer& out) const {
  const auto& state = static_cast<const keyed_state&>(held);
  out.boolean(state.any);
  out.u64(state.current);
  out.u64(state.overflow);
  out.u32(state.late);
  out.i64(state.swept_ns);
  out.u32(static_cast<std::uint32_t>(state.groups.size()));
  for (const auto& g : state.groups) {
    out.u64(g.key);
    g.readings.save(out);
  }
}

std::unique_ptr<operator_state> keyed_window::load(byte_reader& in) const {
  auto state = std::make_unique<keyed_state>();
  state->any = in.boolean();
  state->current = in.u64();
  state->overflow = in.u64();
  state->late = in.u32();
  state->swept_ns = in.i64();
  const std::size_t groups = in.u32();
  const bool pairs = in.format < 3;
  bool good = in.ok() && groups <= shape_.max_keys && groups * (pairs ? 28 : 36) <= in.remaining();
  if (good) state->groups.reserve(groups);
  for (std::size_t i = 0; good && i < groups; ++i) {
    keyed_state::group g{in.u64(), series(shape_.span_ns, shape_.max_entries)};
    good = (pairs ? load_pairs(in, g.readings, shape_.max_entries) : g.readings.load(in)) &&
           g.readings.size() > 0 && (i == 0 || g.key > state->groups.back().key);
    state->groups.push_back(std::move(g));
  }
  if (good) return state;
  in.fail();
  return nullptr;
}

std::size_t keyed_window::state_bytes(const operator_state& held) const {
  const auto& state = static_cast<const keyed_state&>(held);
  std::size_t bytes = sizeof(state) + state.groups.capacity() * sizeof(keyed_state::group);
  for (const auto& g : state.groups) bytes += g.readings.memory_bytes();
  return bytes;
}

described_rule keyed_window::explain(const twin_state::body& twin, std::int64_t) const {
  const auto* state = static_cast<const keyed_state*>(state_of(twin));
  const std::size_t n = state == nullptr ? 0 : state->groups.size();
  std::string text = "by " + field_ + ": " + std::to_string(n) + " of at most " +
                     std::to_string(shape_.max_keys) + " keys";
  if (state != nullptr && state->overflow != 0)
    text += "; " + std::to_string(state->overflow) + " keys or readings left early";
  return {name(), "window", n == 0 ? "no data" : "ok", text};
}

} // namespace pollux::domain
