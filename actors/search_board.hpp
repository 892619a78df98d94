// SPDX-License-Identifier: Apache-2.0
// Where a search finds the twins of a node: by their places, awake ones with their very states. A
// twin takes its turn around each message (one exchange, no lock between twins); a search takes a
// turn of each twin it looks at. So what is found is what is, and while nobody searches nothing is
// kept, gathered or told for it.
//
// What a sleeping twin was is read from its snapshot when a search first needs it, and forgotten
// when nobody has searched for a while.
#pragma once
#include "actors/work.hpp"
#include "domain/search/searched_twin.hpp"
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace pollux::actors {

/// Held by a twin while it applies a message, and by whoever reads its state meanwhile.
class twin_turn {
public:
  void begin() noexcept {
    while (busy_.exchange(true, std::memory_order_acquire)) wait();
  }
  /// `changed`: the state is another one now.
  void end(bool changed) noexcept {
    if (changed) ++turns_;
    busy_.store(false, std::memory_order_release);
  }
  /// How often the state changed; only within a turn.
  [[nodiscard]] std::uint32_t turns() const noexcept { return turns_; }

private:
  static void wait() noexcept;
  std::atomic<bool> busy_{false};
  std::uint32_t turns_ = 0;
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
  /// Looks at every living twin of a shard; those that sleep and are not known go to `missing`.
  /// `look` is told the twin and its row and how often it changed.
  using look =
      std::function<void(const domain::searched_twin&, std::uint32_t row, std::uint32_t turns)>;
  void each(std::uint32_t shard, const look& look_at, std::vector<missing_twin>& missing);
  enum class presence : std::uint8_t { here, unknown, gone };
  /// Looks at one. Unknown: it sleeps and was not read yet; `missing` gets what to read.
  presence one(twin_place place, const look& look_at, missing_twin* missing = nullptr);
  /// Rows whose twins changed since `seen` was filled by the last call, deleted ones included.
  void changed(std::uint32_t shard, std::vector<std::uint64_t>& seen,
               std::vector<std::uint32_t>& rows);

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
    std::uint32_t sleeps = 0; ///< how often it woke, slept or ended
    state now = state::asleep;
  };
  struct shard_part {
    std::mutex lock; ///< a turn may be waited for while it is held, and never the other way around
    std::vector<entry> entries;
  };
  entry& at(shard_part& part, std::uint32_t row);
  /// Within the turn of an awake one.
  static void look_at_one(const entry& e, std::uint32_t row, const look& look_at);
  static void fetch(const entry& e) noexcept;

  std::vector<std::unique_ptr<shard_part>> shards_;
  std::atomic<bool> keep_sleepers_{false};
};

} // namespace pollux::actors
