// SPDX-License-Identifier: Apache-2.0
// After a cut through history a twin's nearest snapshot may lie far back, while the log begins
// later: a node would not look at what is between until it wakes the twin, and its timers would
// stand still. So the state is worked out here, as waking would.
#include "messages/hash.hpp"
#include "persistence/history.hpp"
#include "persistence/shard_cut.hpp"
#include "persistence/shard_wide_inputs.hpp"
#include <optional>

namespace pollux::persistence {

status shard_cut::make_states() {
  // what is in the log a node replays itself, and carries out what follows from it
  const domain::input_id logged{journal_.trimmed_below(shard_), 0};
  std::vector<std::pair<std::uint32_t, domain::input_id>> wanted;
  for (const auto& [row, last] : last_block_) {
    if (row == shard_wide_row || !keys_.contains(row)) continue;
    domain::input_id newest;
    const auto found = tables_.newest_snapshot(shard_, row);
    if (found && *found) newest = (*found)->at;
    if (newest < last && newest < logged) wanted.emplace_back(row, std::min(last, logged));
  }
  for (const auto& [row, upto] : wanted)
    if (auto s = make_state(row, upto); !s) return s;
  return {};
}

status shard_cut::make_state(std::uint32_t row, domain::input_id upto) {
  const auto& key = keys_[row];
  const auto id = key.substr(0, key.find('#'));
  std::optional<domain::twin_state> state;
  if (const auto base = tables_.newest_snapshot(shard_, row); base && *base) {
    auto loaded = domain::load(models_, id, (*base)->state);
    if (loaded) state = std::move(*loaded);
  }
  const auto after = state ? state->last_applied() : domain::input_id{};
  const tail_view nothing;
  shard_wide_inputs wide;
  if (auto s = wide.load(tables_, nothing, shard_, after); !s) {
    problem(row, s.error().what);
    return {};
  }
  std::set<domain::input_id> skipped;
  for (const auto& w : wide.all())
    if (w.kind == domain::input_kind::input_skipped) skipped.insert(w.skipped);
  domain::effects effects;
  const auto apply = [&](const domain::input& in) {
    if (!state || skipped.contains(in.id) || in.id <= state->last_applied()) return;
    effects.clear();
    domain::step(models_, *state, in, effects);
  };
  status damage;
  try {
    auto read = tables_.each_block(shard_, row, after, [&](std::string_view bytes) {
      damage = decode_any_block(bytes, [&](const domain::input& in) {
        if (in.id > upto) return;
        if (!state && in.kind == domain::input_kind::twin_created) state.emplace(id);
        while (const auto* w = wide.next_before(in.id)) apply(*w);
        apply(in);
      });
      return damage.ok();
    });
    if (!read) damage = read;
  } catch (const std::exception& e) {
    damage = failure{errc::internal, e.what()};
  }
  if (!damage || !state) {
    problem(row, "its state at the chosen time cannot be worked out: " +
                     (damage ? "neither its creation nor a state is left" : damage.error().what));
    return {};
  }
  snapshot made;
  made.at = state->last_applied();
  made.next_wakeup_ns = state->next_wakeup_ns();
  made.timer = state->next_timer();
  made.generation = state->timer_generation();
  domain::save(*state, made.state);
  made.hash = messages::content_hash(made.state);
  auto batch = tables_.batch();
  batch->put_snapshot(shard_, row, made);
  ++report_.states_made;
  return tables_.write(*batch, false);
}

} // namespace pollux::persistence
