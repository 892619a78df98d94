// SPDX-License-Identifier: Apache-2.0
#include "persistence/history.hpp"
#include "persistence/leveldb_store.hpp"

namespace pollux::persistence {

void leveldb_store_batch::put_registry(std::uint32_t shard, const registry_row& r) {
  rows_.Put(twin_key(tables::registry, shard, r.row), encode_registry(r));
}

void leveldb_store_batch::put_snapshot(std::uint32_t shard, std::uint32_t row, const snapshot& s) {
  snapshots_.push_back({.shard = shard,
                        .head = {.row = row,
                                 .at = s.at,
                                 .next_wakeup_ns = s.next_wakeup_ns,
                                 .timer = s.timer,
                                 .generation = s.generation},
                        .readings = s.readings,
                        .row = encode_snapshot(s)});
}

void leveldb_store_batch::erase_snapshot(std::uint32_t shard, std::uint32_t row,
                                         domain::input_id at) {
  rows_.Delete(input_key(tables::snapshots, shard, row, at));
}

void leveldb_store_batch::put_alert(const alert_row& a) {
  rows_.Put(twin_key(tables::alerts, a.shard, a.row) + a.incident, encode_alert(a));
}

void leveldb_store_batch::put_outbox(const outbox_row& o) {
  rows_.Put(outbox_key(o.destination, o.shard, o.row, o.what.id), encode_outbox(o));
}

void leveldb_store_batch::erase_outbox(const std::string& destination, std::uint32_t shard,
                                       std::uint32_t row, const domain::effect_id& id) {
  rows_.Delete(outbox_key(destination, shard, row, id));
}

void leveldb_store_batch::mark_taken(std::uint32_t shard, std::uint32_t row,
                                     const domain::effect_id& id) {
  rows_.Put(twin_key(tables::taken, shard, row), encode_effect_id(id));
}

void leveldb_store_batch::put_model(const std::string& hash, const std::string& name,
                                    const std::string& json) {
  rows_.Put(std::string(1, tables::models) + hash, encode_model(name, json));
}

void leveldb_store_batch::put_block(std::uint32_t shard, std::uint32_t row, domain::input_id first,
                                    const std::string& bytes, tier where) {
  const auto info = describe_block(bytes, where);
  if (!info || where == tier::cold) {
    defect_ = !info ? info.error() : failure{errc::invalid_argument, "a cold block in table B"};
    return;
  }
  rows_.Put(input_key(tables::blocks, shard, row, first), bytes);
  rows_.Put(input_key(tables::block_index, shard, row, first), encode_block_info(*info));
}

void leveldb_store_batch::put_cold_block(std::uint32_t shard, std::uint32_t row,
                                         const block_info& info) {
  if (info.kept != tier::cold) {
    defect_ = failure{errc::invalid_argument, "a cold block's index row that says another tier"};
    return;
  }
  rows_.Put(input_key(tables::block_index, shard, row, info.first), encode_block_info(info));
}

void leveldb_store_batch::erase_block(std::uint32_t shard, std::uint32_t row,
                                      domain::input_id first) {
  rows_.Delete(input_key(tables::blocks, shard, row, first));
  rows_.Delete(input_key(tables::block_index, shard, row, first));
}

void leveldb_store_batch::put_meta(const std::string& key, const std::string& value) {
  rows_.Put(meta_key(key), seal_row(value));
}

void leveldb_store_batch::erase_meta(const std::string& key) { rows_.Delete(meta_key(key)); }

void leveldb_store_batch::clear() {
  rows_.Clear();
  snapshots_.clear();
  defect_ = {};
}

} // namespace pollux::persistence
