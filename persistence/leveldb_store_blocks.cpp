// SPDX-License-Identifier: Apache-2.0
// Blocks and their index, whatever their tier.
#include "persistence/leveldb_store.hpp"
#include "persistence/row_scan.hpp"

namespace pollux::persistence {

void leveldb_store::set_cold_source(std::shared_ptr<const cold_source> source) {
  const std::lock_guard lock(mutex_);
  cold_ = std::move(source);
}

result<std::string> leveldb_store::read_cold(const block_info& info) const {
  std::shared_ptr<const cold_source> source;
  {
    const std::lock_guard lock(mutex_);
    source = cold_;
  }
  if (source == nullptr)
    return failure{errc::unavailable, "store: a cold block, and no cold files to read it from"};
  return source->read(info.file, info.offset, info.size);
}

namespace {

/// Puts `index` on the first row of blocks that reach behind `after`.
void seek_behind(leveldb::Iterator& index, std::uint32_t shard, std::uint32_t row,
                 const std::string& prefix, domain::input_id after) {
  const auto here = [&] { return index.Valid() && index.key().starts_with(prefix); };
  // the block that begins at or before `after` may still reach behind it
  index.Seek(input_key(tables::block_index, shard, row, after));
  if (index.Valid())
    index.Prev();
  else
    index.SeekToLast();
  if (!here()) index.Seek(prefix);
  for (; here(); index.Next()) {
    const auto first = key_reader(view(index.key()).substr(prefix.size())).input();
    const auto info = decode_block_info(view(index.value()), first);
    if (!info || info->last > after) break; // a damaged row decides nothing: start there
  }
}

} // namespace

status leveldb_store::each_block(std::uint32_t shard, std::uint32_t row, domain::input_id after,
                                 const std::function<bool(std::string_view)>& visit) const {
  const auto db = database_->acquire();
  if (!db) return store_closed();
  std::shared_ptr<void> files; // those that the index rows below name do not go meanwhile
  {
    const std::lock_guard lock(mutex_);
    if (cold_ != nullptr) files = cold_->pin();
  }
  const auto iterators = db.iterate_twice(); // both tables as of one moment
  auto &index = *iterators[0], &rows = *iterators[1];
  const auto index_prefix = twin_key(tables::block_index, shard, row);
  const auto prefix = twin_key(tables::blocks, shard, row);
  const auto place_of = [&](const leveldb::Iterator& i, const std::string& behind) {
    return i.Valid() && i.key().starts_with(behind) ? view(i.key()).substr(behind.size())
                                                    : std::string_view();
  };
  seek_behind(index, shard, row, index_prefix, after);
  auto indexed = place_of(index, index_prefix);
  if (indexed.empty()) return to_status(index.status(), "store: reading blocks");
  rows.Seek(prefix + std::string(indexed));
  damage_note damage;
  for (;;) {
    indexed = place_of(index, index_prefix);
    const auto stored = place_of(rows, prefix);
    if (indexed.empty() && stored.empty()) break;
    if (!stored.empty() && (indexed.empty() || stored <= indexed)) {
      if (!visit(view(rows.value()))) break;
      if (stored == indexed) index.Next();
      rows.Next();
      continue;
    }
    const auto info = decode_block_info(view(index.value()), key_reader(indexed).input());
    const auto bytes = !info                      ? result<std::string>(info.error())
                       : info->kept == tier::cold ? read_cold(*info)
                                                  : failure{errc::not_found, "a block is missing"};
    if (!bytes)
      damage.add(bytes.error());
    else if (!visit(*bytes))
      break;
    index.Next();
  }
  if (auto s = damage.outcome(rows); !s) return s;
  return to_status(index.status(), "store: reading blocks");
}

status leveldb_store::each_block_info(std::uint32_t shard, std::uint32_t row, bool newest_first,
                                      const std::function<bool(const block_info&)>& visit) const {
  const auto prefix = twin_key(tables::block_index, shard, row);
  const auto decode = [](auto key, auto value) {
    return decode_block_info(value, key_reader(key).input());
  };
  if (!newest_first) return each_row(database_->acquire(), prefix, decode, visit);
  const auto db = database_->acquire();
  if (!db) return store_closed();
  damage_note damage;
  const auto rows = db.iterate(true);
  rows->Seek(prefix + std::string(12, '\xff')); // behind the last possible input id
  if (rows->Valid())
    rows->Prev();
  else
    rows->SeekToLast();
  for (; rows->Valid() && rows->key().starts_with(prefix); rows->Prev()) {
    const auto info = decode(view(rows->key()).substr(prefix.size()), view(rows->value()));
    if (!info)
      damage.add(info.error());
    else if (!visit(*info))
      break;
  }
  return damage.outcome(*rows);
}

result<std::string> leveldb_store::block(std::uint32_t shard, std::uint32_t row,
                                         domain::input_id first) const {
  // table B first: a block on its way to the cold files is in both for a moment, never in neither
  auto found = get(input_key(tables::blocks, shard, row, first));
  if (!found) return found.error();
  if (*found) return std::move(**found);
  for (int tries = 0;; ++tries) {
    const auto info = block_index(shard, row, first);
    if (!info) return info.error();
    if (!*info || (*info)->kept != tier::cold)
      return failure{errc::not_found, "store: no such block"};
    auto bytes = read_cold(**info);
    // its file may just have been merged into another: then the index names that one
    if (bytes || bytes.error().code != errc::not_found || tries == 2) return bytes;
  }
}

} // namespace pollux::persistence
