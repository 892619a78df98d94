// SPDX-License-Identifier: Apache-2.0
// Which twins exist: per shard, twin id <-> row number. Rows are dense, given in the order of
// creation and never reused; a twin created anew after deletion gets a new row and, in the
// journal, the key "id#2" (its incarnation), so that the old history stays apart.
#pragma once
#include "persistence/store.hpp"
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace pollux::actors {

inline constexpr std::uint32_t unknown_row = 0xffffffff;

/// "id" for the first incarnation, "id#n" after that.
[[nodiscard]] std::string journal_key(std::string_view id, std::uint32_t incarnation);
/// The id and the incarnation of a key.
struct key_parts {
  std::string_view id;
  std::uint32_t incarnation = 1;
};
[[nodiscard]] key_parts split_key(std::string_view key) noexcept;

/// The ids of one shard. Not thread-safe: the shard's lock guards it (intake.hpp).
/// Memory: about 24 bytes a twin plus its key.
class shard_directory {
public:
  struct entry {
    std::uint32_t key_offset = 0;
    std::uint16_t key_size = 0;
    bool deleted = false;
  };

  /// The row of a journal key, deleted or not; unknown_row when never seen. Cost: one hash, about
  /// one probe.
  [[nodiscard]] std::uint32_t find_key(std::string_view key) const noexcept;
  /// The row of the living twin `id`; unknown_row when there is none.
  [[nodiscard]] std::uint32_t find_living(std::string_view id) const noexcept;
  /// Appends a row. The key must be new.
  std::uint32_t add(std::string_view key);
  void mark_deleted(std::uint32_t row);
  /// The row's twin was erased: it is known by `key`, which must be new, and the old key's bytes
  /// are gone. Cost: all rows are hashed anew.
  void forget(std::uint32_t row, std::string_view key);
  /// The incarnation a twin created now would get.
  [[nodiscard]] std::uint32_t next_incarnation(std::string_view id) const;

  [[nodiscard]] std::string_view key(std::uint32_t row) const noexcept;
  [[nodiscard]] bool deleted(std::uint32_t row) const noexcept { return entries_[row].deleted; }
  [[nodiscard]] std::uint32_t size() const noexcept {
    return static_cast<std::uint32_t>(entries_.size());
  }
  [[nodiscard]] std::uint32_t living() const noexcept { return living_; }

private:
  void grow();
  [[nodiscard]] std::size_t slot_of(std::string_view key) const noexcept;
  std::string arena_;
  std::vector<entry> entries_;
  std::vector<std::uint32_t> buckets_; ///< row + 1, 0 = free; a power of two
  std::uint32_t living_ = 0;
  bool any_reborn_ = false; ///< only then does find_living look at incarnations
};

} // namespace pollux::actors
