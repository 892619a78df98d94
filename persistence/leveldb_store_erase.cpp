// SPDX-License-Identifier: Apache-2.0
// What erasing a twin needs of the store: its rows go, then the bytes of what went; and the walks
// over the block index and all rows that retention makes.
#include "persistence/leveldb_store.hpp"
#include "persistence/row_scan.hpp"

namespace pollux::persistence {

namespace {

constexpr std::size_t rows_a_batch = 1000;
// Before and behind every row there is: see compact().
constexpr const char* first_key = "!";
constexpr const char* last_key = "~";

} // namespace

result<std::optional<block_info>> leveldb_store::block_index(std::uint32_t shard, std::uint32_t row,
                                                             domain::input_id first) const {
  const auto found = get(input_key(tables::block_index, shard, row, first));
  if (!found) return found.error();
  if (!*found) return std::optional<block_info>{};
  const auto info = decode_block_info(**found, first);
  if (!info) return info.error();
  return std::optional<block_info>{*info};
}

status leveldb_store::each_block_index(
    std::uint32_t shard, const std::function<void(std::uint32_t, const block_info&)>& visit) const {
  std::uint32_t row = 0;
  return each_row(
      database_->acquire(), shard_key(tables::block_index, shard),
      [&](auto key, auto value) {
        key_reader k(key);
        row = k.u32();
        return decode_block_info(value, k.input());
      },
      [&](const block_info& info) {
        visit(row, info);
        return true;
      });
}

status leveldb_store::each_meta(
    const std::string& prefix,
    const std::function<void(const std::string&, const std::string&)>& visit) const {
  std::string name;
  return each_row(
      database_->acquire(), meta_key(prefix),
      [&](auto key, auto value) -> result<std::string> {
        name = prefix + std::string(key);
        const auto payload = open_row(value, "meta row");
        if (!payload) return payload.error();
        return std::string(*payload);
      },
      [&](const std::string& value) {
        visit(name, value);
        return true;
      });
}

result<erased_rows> leveldb_store::rows_of_twin(std::uint32_t shard, std::uint32_t row,
                                                std::vector<std::string>& doomed) const {
  erased_rows out;
  const auto collect = [&](const std::string& prefix, std::uint64_t& count,
                           const std::function<bool(std::string_view)>& wanted = {}) {
    const auto db = database_->acquire();
    if (!db) return status(store_closed());
    const auto rows = db.iterate();
    for (rows->Seek(prefix); rows->Valid() && rows->key().starts_with(prefix); rows->Next()) {
      const auto key = view(rows->key());
      if (wanted && !wanted(key)) continue;
      doomed.emplace_back(key);
      ++count;
    }
    return to_status(rows->status(), "store: reading");
  };
  std::uint64_t uncounted = 0;
  auto s = each_block_info(shard, row, false, [&](const block_info& b) {
    out.inputs += b.inputs;
    return true;
  });
  if (!s && s.error().code != errc::corrupt) return s.error(); // a damaged row goes like the others
  for (const auto& [table, count] : {std::pair{tables::block_index, &out.blocks},
                                     {tables::blocks, &uncounted},
                                     {tables::snapshots, &out.snapshots},
                                     {tables::heads, &uncounted},
                                     {tables::alerts, &out.alerts},
                                     {tables::taken, &uncounted}})
    if (auto read = collect(twin_key(table, shard, row), *count); !read) return read.error();
  const auto mine = twin_key('\0', shard, row); // as it stands in an outbox key
  auto read = collect(std::string(1, tables::outbox), out.outbox, [&](std::string_view key) {
    const auto end = key.find('\0');
    return end != key.npos && key.substr(end).starts_with(mine);
  });
  if (!read) return read.error();
  return out;
}

result<erased_rows> leveldb_store::count_twin(std::uint32_t shard, std::uint32_t row) const {
  std::vector<std::string> keys;
  return rows_of_twin(shard, row, keys);
}

result<erased_rows> leveldb_store::erase_twin(std::uint32_t shard, std::uint32_t row) {
  std::vector<std::string> doomed;
  const auto out = rows_of_twin(shard, row, doomed);
  if (!out) return out;
  for (std::size_t i = 0; i < doomed.size();) {
    leveldb::WriteBatch rows;
    for (std::size_t n = 0; n < rows_a_batch && i < doomed.size(); ++n, ++i) rows.Delete(doomed[i]);
    if (auto written = put(rows); !written) return written.error();
  }
  if (auto synced = env_.sync_logs(); !synced) return fail_with(synced.error()).error();
  return out;
}

/// LevelDB leaves the lowest level alone, where a row may lie together with its deletion. Two rows
/// around everything make it write that level, too.
status leveldb_store::compact() {
  leveldb::WriteBatch around;
  around.Put(first_key, seal_row({}));
  around.Put(last_key, seal_row({}));
  if (auto s = put(around); !s) return s;
  const auto db = database_->acquire();
  if (!db) return store_closed();
  db->CompactRange(nullptr, nullptr);
  leveldb::WriteBatch gone;
  gone.Delete(first_key);
  gone.Delete(last_key);
  if (auto s = put(gone); !s) return s;
  db->CompactRange(nullptr, nullptr);
  return {};
}

status leveldb_store::each_raw_row(
    const std::function<void(std::string_view, std::string_view)>& visit) const {
  const auto db = database_->acquire();
  if (!db) return store_closed();
  const auto rows = db.iterate();
  for (rows->SeekToFirst(); rows->Valid(); rows->Next())
    visit(view(rows->key()), view(rows->value()));
  return to_status(rows->status(), "store: reading");
}

} // namespace pollux::persistence
