// SPDX-License-Identifier: Apache-2.0
// What was made from the journal behind a cut: snapshots, alerts, effects, the registry.
#include "persistence/shard_cut.hpp"
#include "persistence/snapshot_heads.hpp"

namespace pollux::persistence {

namespace {

constexpr std::uint32_t any_ordinal = UINT32_MAX;

/// The greatest effect id that an input before `id` could have caused.
domain::effect_id last_before(domain::input_id id) {
  if (id.index > 0) return {{id.at, id.index - 1}, any_ordinal};
  return {{{id.at.value - 1}, UINT32_MAX}, any_ordinal};
}

} // namespace

status shard_cut::cut_snapshots() {
  std::set<std::uint32_t> changed;
  leveldb::WriteBatch gone;
  {
    const auto db = tables_.rows().acquire();
    if (!db) return failure{errc::unavailable, "store: closed after a failure"};
    const auto rows = db.iterate();
    const auto prefix = shard_key(tables::snapshots, shard_);
    for (rows->Seek(prefix); rows->Valid() && rows->key().starts_with(prefix); rows->Next()) {
      key_reader key(view(rows->key()).substr(prefix.size()));
      const auto row = key.u32();
      if (!goes(key.input())) continue;
      gone.Delete(rows->key());
      changed.insert(row);
      ++report_.snapshots;
    }
    if (!rows->status().ok()) return to_status(rows->status(), "reading snapshots");
  }
  if (auto s = write(gone); !s) return s;
  for (const auto row : changed)
    if (auto s = rebuild_head(row, gone); !s) return s;
  return write(gone);
}

status shard_cut::rebuild_head(std::uint32_t row, leveldb::WriteBatch& rows) {
  status damage;
  const auto head = head_from_snapshots(tables_, shard_, row, &damage);
  if (!damage) problem(row, damage.error().what);
  const auto key = twin_key(tables::heads, shard_, row);
  if (head)
    rows.Put(key, encode_head(*head));
  else
    rows.Delete(key);
  return {};
}

status shard_cut::cut_alerts() {
  leveldb::WriteBatch batch;
  auto read = tables_.each_alert([&](const alert_row& a) {
    if (a.shard != shard_ || a.transitions.empty() || !goes(a.transitions.back().id.cause))
      return true;
    auto left = a;
    std::erase_if(left.transitions, [&](const domain::effect& e) { return goes(e.id.cause); });
    report_.transitions += a.transitions.size() - left.transitions.size();
    const auto key = twin_key(tables::alerts, a.shard, a.row) + a.incident;
    if (left.transitions.empty())
      batch.Delete(key);
    else
      batch.Put(key, encode_alert(left));
    return true;
  });
  if (!read) report_.problems.push_back(read.error().what);
  read = tables_.each_outbox([&](const outbox_row& o) {
    if (o.shard != shard_ || !goes(o.what.id.cause)) return;
    batch.Delete(outbox_key(o.destination, o.shard, o.row, o.what.id));
    ++report_.outbox;
  });
  if (!read) report_.problems.push_back(read.error().what);
  return write(batch);
}

/// Effects before the cut stay taken: they were carried out, and are not to be again.
status shard_cut::cut_taken() {
  leveldb::WriteBatch batch;
  {
    const auto db = tables_.rows().acquire();
    if (!db) return failure{errc::unavailable, "store: closed after a failure"};
    const auto rows = db.iterate();
    const auto prefix = shard_key(tables::taken, shard_);
    for (rows->Seek(prefix); rows->Valid() && rows->key().starts_with(prefix); rows->Next()) {
      const auto id = decode_effect_id(view(rows->value()));
      if (id && goes(id->cause)) batch.Put(rows->key(), encode_effect_id(last_before(first_)));
    }
    if (!rows->status().ok()) return to_status(rows->status(), "reading taken marks");
  }
  return write(batch);
}

/// Twins that were made later go (they have the last row numbers); those deleted later live again.
status shard_cut::cut_registry() {
  std::vector<registry_row> all;
  auto read = tables_.each_registry(shard_, [&](const registry_row& r) { all.push_back(r); });
  if (!read) report_.problems.push_back(read.error().what);
  leveldb::WriteBatch batch;
  while (!all.empty() && lost_.contains(all.back().row) && !left_.contains(all.back().row)) {
    batch.Delete(twin_key(tables::registry, shard_, all.back().row));
    keys_.erase(all.back().row);
    ++report_.twins;
    all.pop_back();
  }
  for (auto& r : all) {
    if (!r.deleted || !lost_.contains(r.row)) continue;
    r.deleted = false; // its deletion was the last that could reach it
    batch.Put(twin_key(tables::registry, shard_, r.row), encode_registry(r));
  }
  return write(batch);
}

} // namespace pollux::persistence
