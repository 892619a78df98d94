// SPDX-License-Identifier: Apache-2.0
#include "actors/directory.hpp"
#include "domain/base/ensure.hpp"
#include "messages/hash.hpp"
#include <charconv>
#include <limits>

namespace pollux::actors {

std::string journal_key(std::string_view id, std::uint32_t incarnation) {
  std::string key{id};
  if (incarnation > 1) key += "#" + std::to_string(incarnation);
  return key;
}

key_parts split_key(std::string_view key) noexcept {
  const auto mark = key.find('#');
  if (mark == std::string_view::npos) return {key, 1};
  std::uint32_t incarnation = 1;
  std::from_chars(key.data() + mark + 1, key.data() + key.size(), incarnation);
  return {key.substr(0, mark), incarnation};
}

std::string_view shard_directory::key(std::uint32_t row) const noexcept {
  const auto& e = entries_[row];
  return {arena_.data() + e.key_offset, e.key_size};
}

std::size_t shard_directory::slot_of(std::string_view key_) const noexcept {
  const std::size_t mask = buckets_.size() - 1;
  std::size_t slot = messages::hash64(key_) & mask;
  while (buckets_[slot] != 0 && key(buckets_[slot] - 1) != key_) slot = (slot + 1) & mask;
  return slot;
}

std::uint32_t shard_directory::find_key(std::string_view key_) const noexcept {
  if (buckets_.empty()) return unknown_row;
  const auto found = buckets_[slot_of(key_)];
  return found == 0 ? unknown_row : found - 1;
}

std::uint32_t shard_directory::find_living(std::string_view id) const noexcept {
  const auto row = find_key(id);
  if (row == unknown_row || !entries_[row].deleted) return row;
  if (!any_reborn_) return unknown_row;
  for (std::uint32_t incarnation = 2;; ++incarnation) {
    const auto later = find_key(journal_key(id, incarnation));
    if (later == unknown_row) return unknown_row;
    if (!entries_[later].deleted) return later;
  }
}

std::uint32_t shard_directory::next_incarnation(std::string_view id) const {
  std::uint32_t incarnation = 1;
  while (find_key(journal_key(id, incarnation)) != unknown_row) ++incarnation;
  return incarnation;
}

void shard_directory::grow() {
  const std::size_t wanted = buckets_.empty() ? 64 : buckets_.size() * 2;
  buckets_.assign(wanted, 0);
  for (std::uint32_t row = 0; row < entries_.size(); ++row) buckets_[slot_of(key(row))] = row + 1;
}

std::uint32_t shard_directory::add(std::string_view key_) {
  if (entries_.size() * 4 >= buckets_.size() * 3) grow();
  ensure(arena_.size() + key_.size() < std::numeric_limits<std::uint32_t>::max(),
         "a shard holds at most 4 GiB of ids");
  const auto row = static_cast<std::uint32_t>(entries_.size());
  const entry made{static_cast<std::uint32_t>(arena_.size()),
                   static_cast<std::uint16_t>(key_.size()), false};
  const auto slot = slot_of(key_);
  ensure(buckets_[slot] == 0, "a journal key is added once");
  arena_.append(key_);
  entries_.push_back(made);
  buckets_[slot] = row + 1;
  ++living_;
  if (key_.find('#') != std::string_view::npos) any_reborn_ = true;
  return row;
}

void shard_directory::mark_deleted(std::uint32_t row) {
  if (entries_[row].deleted) return;
  entries_[row].deleted = true;
  --living_;
}

void shard_directory::forget(std::uint32_t row, std::string_view key_) {
  auto& e = entries_[row];
  arena_.replace(e.key_offset, e.key_size, e.key_size, '\0');
  e.key_offset = static_cast<std::uint32_t>(arena_.size());
  e.key_size = static_cast<std::uint16_t>(key_.size());
  arena_.append(key_);
  mark_deleted(row);
  buckets_.assign(buckets_.size(), 0);
  for (std::uint32_t r = 0; r < entries_.size(); ++r) buckets_[slot_of(key(r))] = r + 1;
}

} // namespace pollux::actors
