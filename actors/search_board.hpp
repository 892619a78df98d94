// SPDX-License-Identifier: Apache-2.0
// Where a search finds the twins of a node: by their places, awake ones with their very states. A
// twin takes its turn around each input (one exchange, no lock between twins) and leaves a mark
// that it has changed; a search takes a turn of each twin it looks at. So what is found is what
// is, and while nobody searches nothing is kept, gathered or told for it.
//
// What a sleeping twin was is read from its snapshot when a search first needs it, and forgotten
// when nobody has searched for a while.
#pragma once
#include "actors/work.hpp"
#include "domain/search/searched_twin.hpp"
#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace pollux::actors {

/// Set by a twin that has changed, taken back by who has seen it.
using change_mark = std::atomic<std::uint8_t>;

/// Held by a twin while it applies an input, and by whoever reads its state meanwhile.
class twin_turn {
public:
  void begin() noexcept {
    while (busy_.exchange(true, std::memory_order_acquire)) wait();
  }
  /// `changed`: the state is another one now.
  void end(bool changed) noexcept {
    if (changed && mark_ != nullptr) mark_->store(1, std::memory_order_relaxed);
    busy_.store(false, std::memory_order_release);
  }
  /// Where changes are marked from now on; before the twin's first turn.
  void leave_marks(change_mark& at) noexcept { mark_ = &at; }

private:
  static void wait() noexcept;
  std::atomic<bool> busy_{false};
  change_mark* mark_ = nullptr;
};

class search_board {
public:
  explicit search_board(std::uint32_t shards);

  // twins. A twin that is destroyed must have left, or be the one that is not on the board any more
  void awake(twin_place place, twin_turn& turn, const domain::twin_state& state);
  /// It falls asleep: its snapshot is on its way to the store.
  void asleep(twin_place place, const twin_turn& turn, const domain::twin_state& state);
  void gone(twin_place place, const twin_turn& turn); ///< deleted
  /// Ended by a defect or with the node; nothing when it is not here any more.
  void leaves(twin_place place, const twin_turn& turn) noexcept;

  // searches
  struct missing_twin {
    twin_place place;
    domain::input_id slept_at; ///< {}: whatever the store has
  };
  using look = std::function<void(const domain::searched_twin&, std::uint32_t row)>;
  /// Looks at every living twin of a shard; those that sleep and are not known go to `missing`.
  void each(std::uint32_t shard, const look& look_at, std::vector<missing_twin>& missing);
  /// The same of these rows.
  void each(std::uint32_t shard, std::span<const std::uint32_t> rows, const look& look_at,
            std::vector<missing_twin>& missing);
  enum class presence : std::uint8_t { here, unknown, gone };
  /// Looks at one. Unknown: it sleeps and was not read yet; `missing` gets what to read.
  presence one(twin_place place, const look& look_at, missing_twin* missing = nullptr);
  /// Appends the rows whose twins changed, woke, slept or ended since the last call, and gives how
  /// many rows there are. For one caller, who remembers it for others.
  std::size_t take_changes(std::uint32_t shard, std::vector<std::uint32_t>& rows);

  /// The shard has so many rows; the new ones sleep.
  void make_room(std::uint32_t shard, std::uint32_t rows);
  /// What was read of a sleeping twin; dropped when it woke meanwhile. `twin` nothing: it does not
  /// live.
  void keep(const missing_twin& asked, std::unique_ptr<const domain::resting_twin> twin);
  /// From now on twins that fall asleep leave behind what they were; off: all that is forgotten.
  void keep_sleepers(bool on);
  [[nodiscard]] std::uint32_t shards() const noexcept {
    return static_cast<std::uint32_t>(shards_.size());
  }

private:
  enum class state : std::uint8_t { asleep, awake, gone };
  struct entry {
    twin_turn* turn = nullptr; ///< only while awake
    const domain::twin_state::body* body = nullptr;
    std::unique_ptr<const domain::resting_twin> rest; ///< only while asleep, once known
    domain::input_id slept_at;
    state now = state::asleep;
  };
  static constexpr std::size_t marks_in_block = 4096;
  using mark_block = std::array<change_mark, marks_in_block>;
  struct shard_part {
    std::mutex lock; ///< a turn may be waited for while it is held, and never the other way around
    std::vector<entry> entries;
    std::vector<std::unique_ptr<mark_block>> marks; ///< these stay where they are
  };
  static void make_room(shard_part& part, std::size_t rows);
  static entry& at(shard_part& part, std::uint32_t row);
  static change_mark& mark_of(shard_part& part, std::uint32_t row) noexcept {
    return (*part.marks[row / marks_in_block])[row % marks_in_block];
  }
  /// Within the turn of an awake one.
  static void look_at_one(const entry& e, std::uint32_t row, const look& look_at);
  static void fetch(const entry& e) noexcept;

  std::vector<std::unique_ptr<shard_part>> shards_;
  std::atomic<bool> keep_sleepers_{false};
};

} // namespace pollux::actors
