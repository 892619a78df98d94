// SPDX-License-Identifier: Apache-2.0
#include "actors/sleepers.hpp"
#include "actors/reader.hpp"
#include "domain/twin/twin_state.hpp"
#include "messages/observability/log.hpp"
#include <chrono>
#include <thread>

namespace pollux::actors {

namespace {
using steady = std::chrono::steady_clock;
constexpr auto patience = std::chrono::seconds{20};
constexpr auto store_patience = std::chrono::seconds{2};
constexpr auto store_pause = std::chrono::milliseconds{2};
} // namespace

// A twin that fell asleep a moment ago may not be in the store yet; the snapshot there is older.
void sleepers::read_one(const search_board::missing_twin& one) {
  std::string key;
  bool deleted = false;
  inlet_.with_directory(one.place.shard, [&](const shard_directory& d) {
    deleted = d.deleted(one.place.row);
    key = d.key(one.place.row);
  });
  if (deleted) return board_.keep(one, nullptr);
  const auto until = steady::now() + store_patience;
  for (;;) {
    auto state = load_newest(tables_, models_, one.place, key);
    if (!state) {
      messages::log::warning("search", "a sleeping twin cannot be read and is not found",
                             {{"twin", key}, {"why", state.error().what}});
      return;
    }
    if (state->last_applied() < one.slept_at && steady::now() < until) {
      std::this_thread::sleep_for(store_pause);
      continue;
    }
    // one without a model is only being made
    if (state->get().rules && !state->deleted())
      board_.keep(one, std::make_unique<const domain::resting_twin>(domain::resting(state->get())));
    return;
  }
}

status sleepers::read(const std::vector<search_board::missing_twin>& missing,
                      const std::function<void(twin_place)>& then) {
  const auto until = steady::now() + patience;
  std::size_t done = 0;
  for (const auto& one : missing) {
    if (steady::now() > until)
      return failure{errc::timed_out,
                     "sleeping twins are being read for the first search: " + std::to_string(done) +
                         " of " + std::to_string(missing.size()) + "; ask again"};
    read_one(one);
    then(one.place);
    ++done;
  }
  return {};
}

domain::input_id sleepers::applied(twin_place place) {
  domain::input_id out;
  const auto look = [&](const domain::searched_twin& twin, std::uint32_t) {
    out = twin.last_applied();
  };
  search_board::missing_twin missing;
  if (board_.one(place, look, &missing) != search_board::presence::unknown) return out;
  read_one(missing);
  (void)board_.one(place, look);
  return out;
}

} // namespace pollux::actors
