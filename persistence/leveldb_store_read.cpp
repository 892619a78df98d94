// SPDX-License-Identifier: Apache-2.0
// Reading the store's tables.
#include "persistence/leveldb_store.hpp"

namespace pollux::persistence {

namespace {

failure closed() { return {errc::unavailable, "store: closed after a failure, waiting to reopen"}; }

/// Remembers the first damaged row while the others are visited.
class damage_note {
public:
  void add(const failure& why) {
    if (count_++ == 0) first_ = why;
  }
  [[nodiscard]] status outcome(const leveldb::Iterator& rows) const {
    if (!rows.status().ok()) return to_status(rows.status(), "store: reading");
    if (count_ == 0) return {};
    return first_.within("store: " + std::to_string(count_) + " damaged, the first");
  }

private:
  failure first_;
  std::size_t count_ = 0;
};

/// Walks all rows below `prefix`: `decode(key behind the prefix, value)` makes a result, `visit`
/// takes it and says whether to go on.
template <class Decode, class Visit>
status each_row(const database::use& db, const std::string& prefix, Decode&& decode,
                Visit&& visit) {
  if (!db) return closed();
  damage_note damage;
  const auto rows = db.iterate();
  for (rows->Seek(prefix); rows->Valid() && rows->key().starts_with(prefix); rows->Next()) {
    auto row = decode(view(rows->key()).substr(prefix.size()), view(rows->value()));
    if (!row)
      damage.add(row.error());
    else if (!visit(*row))
      break;
  }
  return damage.outcome(*rows);
}

template <class Visit> auto always(Visit&& visit) {
  return [&visit](const auto& row) {
    visit(row);
    return true;
  };
}

/// Takes a present row apart, leaves an absent one absent.
template <class Row, class Decode>
result<std::optional<Row>> decoded(const result<std::optional<std::string>>& found,
                                   Decode&& decode) {
  if (!found) return found.error();
  if (!*found) return std::optional<Row>{};
  auto row = decode(**found);
  if (!row) return row.error();
  return std::optional<Row>{std::move(*row)};
}

} // namespace

result<std::optional<std::string>> leveldb_store::get(const std::string& key) const {
  const auto db = database_->acquire();
  if (!db) return closed();
  std::string value;
  const auto s = db->Get({}, key, &value);
  if (s.IsNotFound()) return std::optional<std::string>{};
  if (!s.ok()) return to_status(s, "store: reading").error();
  return std::optional<std::string>{std::move(value)};
}

status leveldb_store::each_registry(std::uint32_t shard,
                                    const std::function<void(const registry_row&)>& visit) const {
  return each_row(
      database_->acquire(), shard_key(tables::registry, shard),
      [](auto key, auto value) { return decode_registry(value, key_reader(key).u32()); },
      always(visit));
}

status
leveldb_store::each_snapshot_head(std::uint32_t shard,
                                  const std::function<void(const snapshot_head&)>& visit) const {
  return each_row(
      database_->acquire(), shard_key(tables::heads, shard),
      [](auto key, auto value) { return decode_head(value, key_reader(key).u32()); },
      always([&](const head_row& h) { visit(h.head); }));
}

result<std::optional<snapshot>> leveldb_store::newest_snapshot(std::uint32_t shard,
                                                               std::uint32_t row) const {
  const auto head =
      decoded<head_row>(get(twin_key(tables::heads, shard, row)),
                        [&](const std::string& bytes) { return decode_head(bytes, row); });
  if (!head) return head.error();
  if (!*head) return std::optional<snapshot>{};
  const auto at = (*head)->head.at;
  return decoded<snapshot>(get(input_key(tables::snapshots, shard, row, at)),
                           [&](const std::string& bytes) { return decode_snapshot(bytes, at); });
}

status leveldb_store::each_snapshot(std::uint32_t shard, std::uint32_t row,
                                    const std::function<bool(const snapshot&)>& visit) const {
  return each_row(
      database_->acquire(), twin_key(tables::snapshots, shard, row),
      [](auto key, auto value) { return decode_snapshot(value, key_reader(key).input()); }, visit);
}

status leveldb_store::each_alert(const std::function<bool(const alert_row&)>& visit) const {
  return each_row(
      database_->acquire(), std::string(1, tables::alerts),
      [](auto key, auto value) {
        key_reader k(key);
        const auto shard = k.u16();
        return decode_alert(value, shard, k.u32());
      },
      visit);
}

status leveldb_store::each_alert_of(std::uint32_t shard, std::uint32_t row,
                                    const std::function<bool(const alert_row&)>& visit) const {
  return each_row(
      database_->acquire(), twin_key(tables::alerts, shard, row),
      [&](auto, auto value) { return decode_alert(value, shard, row); }, visit);
}

result<std::optional<alert_row>> leveldb_store::find_alert(std::uint32_t shard, std::uint32_t row,
                                                           const std::string& incident) const {
  return decoded<alert_row>(
      get(twin_key(tables::alerts, shard, row) + incident),
      [&](const std::string& bytes) { return decode_alert(bytes, shard, row); });
}

status leveldb_store::each_outbox(const std::function<void(const outbox_row&)>& visit) const {
  return each_row(
      database_->acquire(), std::string(1, tables::outbox),
      [](std::string_view key, auto value) {
        const auto end_of_destination = key.find('\0');
        key_reader k(end_of_destination == key.npos ? std::string_view()
                                                    : key.substr(end_of_destination + 1));
        const auto shard = k.u16();
        return decode_outbox(value, shard, k.u32());
      },
      always(visit));
}

result<std::optional<domain::effect_id>> leveldb_store::taken_upto(std::uint32_t shard,
                                                                   std::uint32_t row) const {
  return decoded<domain::effect_id>(get(twin_key(tables::taken, shard, row)), decode_effect_id);
}

result<std::vector<model_row>> leveldb_store::models() const {
  std::vector<model_row> out;
  auto s = each_row(
      database_->acquire(), std::string(1, tables::models),
      [](auto key, auto value) { return decode_model(value, std::string(key)); },
      [&](model_row& m) {
        out.push_back(std::move(m));
        return true;
      });
  if (!s) return s.error();
  return out;
}

status leveldb_store::each_block(std::uint32_t shard, std::uint32_t row, domain::input_id after,
                                 const std::function<bool(std::string_view)>& visit) const {
  const auto db = database_->acquire();
  if (!db) return closed();
  const auto rows = db.iterate(); // one view of both tables
  const auto index_prefix = twin_key(tables::block_index, shard, row);
  const auto here = [&] { return rows->Valid() && rows->key().starts_with(index_prefix); };
  // the block that begins at or before `after` may still reach behind it
  rows->Seek(input_key(tables::block_index, shard, row, after));
  if (rows->Valid())
    rows->Prev();
  else
    rows->SeekToLast();
  if (!here()) rows->Seek(index_prefix);
  for (; here(); rows->Next()) {
    const auto first = key_reader(view(rows->key()).substr(index_prefix.size())).input();
    const auto info = decode_block_info(view(rows->value()), first);
    if (!info || info->last > after) break; // a damaged row decides nothing: start there
  }
  if (!here()) return to_status(rows->status(), "store: reading blocks");
  const auto prefix = twin_key(tables::blocks, shard, row);
  const std::string start = prefix + std::string(view(rows->key()).substr(index_prefix.size()));
  for (rows->Seek(start); rows->Valid() && rows->key().starts_with(prefix); rows->Next())
    if (!visit(view(rows->value()))) break;
  return to_status(rows->status(), "store: reading blocks");
}

status leveldb_store::each_block_info(std::uint32_t shard, std::uint32_t row, bool newest_first,
                                      const std::function<bool(const block_info&)>& visit) const {
  const auto prefix = twin_key(tables::block_index, shard, row);
  const auto decode = [](auto key, auto value) {
    return decode_block_info(value, key_reader(key).input());
  };
  if (!newest_first) return each_row(database_->acquire(), prefix, decode, visit);
  const auto db = database_->acquire();
  if (!db) return closed();
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
  auto found = get(input_key(tables::blocks, shard, row, first));
  if (!found) return found.error();
  if (!*found) return failure{errc::not_found, "store: no such block"};
  return std::move(**found);
}

result<std::optional<std::string>> leveldb_store::meta(const std::string& key) const {
  return decoded<std::string>(get(meta_key(key)),
                              [](const std::string& bytes) -> result<std::string> {
                                const auto payload = open_row(bytes, "meta row");
                                if (!payload) return payload.error();
                                return std::string(*payload);
                              });
}

} // namespace pollux::persistence
