// SPDX-License-Identifier: Apache-2.0
// Reading the store's tables.
#include "persistence/leveldb_store.hpp"
#include "persistence/row_scan.hpp"

namespace pollux::persistence {

namespace {

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
  if (!db) return store_closed();
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

result<std::optional<std::string>> leveldb_store::meta(const std::string& key) const {
  return decoded<std::string>(get(meta_key(key)),
                              [](const std::string& bytes) -> result<std::string> {
                                const auto payload = open_row(bytes, "meta row");
                                if (!payload) return payload.error();
                                return std::string(*payload);
                              });
}

} // namespace pollux::persistence
