// SPDX-License-Identifier: Apache-2.0
#include "actors/search_board.hpp"
#include <algorithm>
#include <array>
#include <numeric>
#include <thread>

namespace pollux::actors {

namespace {
constexpr std::size_t group_size = 16; ///< twins whose turns are taken together

/// Given back at the end, whatever happens.
class held_turns {
public:
  held_turns() = default;
  held_turns(const held_turns&) = delete;
  held_turns& operator=(const held_turns&) = delete;
  ~held_turns() {
    for (std::size_t i = 0; i < count_; ++i) of_[i]->end(false);
  }
  void take(twin_turn& turn) noexcept {
    turn.begin();
    of_[count_++] = &turn;
  }

private:
  std::array<twin_turn*, group_size> of_{};
  std::size_t count_ = 0;
};

} // namespace

// Whoever holds the turn may have been put aside by the machine: let it go on.
void twin_turn::wait() noexcept { std::this_thread::yield(); }

search_board::search_board(std::uint32_t shards) {
  for (std::uint32_t i = 0; i < shards; ++i) shards_.push_back(std::make_unique<shard_part>());
}

search_board::entry& search_board::at(shard_part& part, std::uint32_t row) {
  make_room(part, row + std::size_t{1});
  return part.entries[row];
}

void search_board::make_room(shard_part& part, std::size_t rows) {
  if (rows > part.entries.size()) part.entries.resize(rows);
  while (part.marks.size() * marks_in_block < part.entries.size())
    part.marks.push_back(std::make_unique<mark_block>());
}

void search_board::awake(twin_place place, twin_turn& turn, const domain::twin_state& twin) {
  auto& part = *shards_[place.shard];
  const std::lock_guard guard(part.lock);
  auto& e = at(part, place.row);
  e.turn = &turn;
  e.body = &twin.get();
  e.rest.reset();
  e.now = state::awake;
  auto& mark = mark_of(part, place.row);
  turn.leave_marks(mark);
  mark = 1;
}

void search_board::asleep(twin_place place, const twin_turn& turn, const domain::twin_state& twin) {
  std::unique_ptr<const domain::resting_twin> rest;
  if (keep_sleepers_.load(std::memory_order_relaxed) && twin.get().rules)
    rest = std::make_unique<const domain::resting_twin>(domain::resting(twin.get()));
  auto& part = *shards_[place.shard];
  const std::lock_guard guard(part.lock);
  auto& e = at(part, place.row);
  if (e.turn != &turn) return;
  e.turn = nullptr;
  e.body = nullptr;
  e.rest = std::move(rest);
  e.slept_at = twin.last_applied();
  e.now = state::asleep;
  mark_of(part, place.row) = 1;
}

void search_board::gone(twin_place place, const twin_turn& turn) {
  auto& part = *shards_[place.shard];
  const std::lock_guard guard(part.lock);
  auto& e = at(part, place.row);
  if (e.turn != &turn) return;
  e = {};
  e.now = state::gone;
  mark_of(part, place.row) = 1;
}

void search_board::leaves(twin_place place, const twin_turn& turn) noexcept {
  auto& part = *shards_[place.shard];
  const std::lock_guard guard(part.lock);
  if (place.row >= part.entries.size()) return;
  auto& e = part.entries[place.row];
  if (e.turn != &turn) return;
  e = {};
  mark_of(part, place.row) = 1;
}

// One that is being made has no model yet; one that is ending is gone as soon as it knows.
void search_board::look_at_one(const entry& e, std::uint32_t row, const look& look_at) {
  if (e.now == state::asleep)
    look_at(domain::searched_twin(*e.rest), row);
  else if (e.body->rules && !e.body->deleted)
    look_at(domain::searched_twin(*e.body), row);
}

// A fleet does not fit into a processor's caches: what is needed of one twin is fetched while
// others are looked at. The turns of a group are taken together, because where its values lie may
// be read only then.
void search_board::fetch(const entry& e) noexcept {
  const auto lines = [](const void* from, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      __builtin_prefetch(static_cast<const char*>(from) + 64 * i);
  };
  if (e.now == state::awake) {
    __builtin_prefetch(e.turn, 1);
    lines(e.body, 4);
  } else if (e.rest) {
    lines(e.rest.get(), 3);
  }
}

void search_board::each(std::uint32_t shard, const look& look_at,
                        std::vector<missing_twin>& missing) {
  std::vector<std::uint32_t> rows;
  {
    const std::lock_guard guard(shards_[shard]->lock);
    rows.resize(shards_[shard]->entries.size());
  }
  std::iota(rows.begin(), rows.end(), 0U);
  each(shard, rows, look_at, missing);
}

void search_board::each(std::uint32_t shard, std::span<const std::uint32_t> rows,
                        const look& look_at, std::vector<missing_twin>& missing) {
  auto& part = *shards_[shard];
  const std::lock_guard guard(part.lock);
  auto& entries = part.entries;
  for (std::size_t first = 0; first < rows.size(); first += group_size) {
    const auto end = std::min(rows.size(), first + group_size);
    for (auto i = end; i < std::min(rows.size(), end + group_size); ++i) fetch(entries[rows[i]]);
    held_turns held;
    for (auto i = first; i < end; ++i) {
      const auto& e = entries[rows[i]];
      if (e.now == state::awake) {
        held.take(*e.turn);
        __builtin_prefetch(e.body->latest.get());
        __builtin_prefetch(e.body->rare.get());
      } else if (e.rest) {
        __builtin_prefetch(e.rest->latest.get());
        __builtin_prefetch(e.rest->rare.get());
      }
    }
    for (auto i = first; i < end; ++i) {
      const auto row = rows[i];
      const auto& e = entries[row];
      if (e.now == state::asleep && !e.rest)
        missing.push_back({{shard, row}, e.slept_at});
      else if (e.now != state::gone)
        look_at_one(e, row, look_at);
    }
  }
}

search_board::presence search_board::one(twin_place place, const look& look_at,
                                         missing_twin* missing) {
  auto& part = *shards_[place.shard];
  const std::lock_guard guard(part.lock);
  auto& e = at(part, place.row);
  if (e.now == state::gone) return presence::gone;
  if (e.now == state::asleep && !e.rest) {
    if (missing != nullptr) *missing = {place, e.slept_at};
    return presence::unknown;
  }
  held_turns held;
  if (e.now == state::awake) held.take(*e.turn);
  look_at_one(e, place.row, look_at);
  return presence::here;
}

std::size_t search_board::take_changes(std::uint32_t shard, std::vector<std::uint32_t>& rows) {
  auto& part = *shards_[shard];
  const std::lock_guard guard(part.lock);
  for (std::size_t i = 0; i < part.entries.size(); ++i) {
    const auto row = static_cast<std::uint32_t>(i);
    auto& mark = mark_of(part, row);
    if (mark.load(std::memory_order_relaxed) == 0) continue;
    mark.exchange(0, std::memory_order_acquire); // the turn that set it may be going on: take one
    rows.push_back(row);
  }
  return part.entries.size();
}

void search_board::make_room(std::uint32_t shard, std::uint32_t rows) {
  auto& part = *shards_[shard];
  const std::lock_guard guard(part.lock);
  make_room(part, rows);
}

void search_board::keep(const missing_twin& asked,
                        std::unique_ptr<const domain::resting_twin> twin) {
  auto& part = *shards_[asked.place.shard];
  const std::lock_guard guard(part.lock);
  auto& e = at(part, asked.place.row);
  if (e.now != state::asleep || e.slept_at != asked.slept_at) return;
  if (!twin) e.now = state::gone;
  e.rest = std::move(twin);
  mark_of(part, asked.place.row) = 1;
}

void search_board::keep_sleepers(bool on) {
  keep_sleepers_.store(on, std::memory_order_relaxed);
  if (on) return;
  for (auto& part : shards_) {
    const std::lock_guard guard(part->lock);
    for (auto& e : part->entries) e.rest.reset();
  }
}

} // namespace pollux::actors
