// SPDX-License-Identifier: Apache-2.0
// The quarantine table: a ring by row count; what gives way is counted, and the counts survive.
#include "domain/base/bytes.hpp"
#include "persistence/leveldb_store.hpp"

namespace pollux::persistence {

namespace {

constexpr const char* counts_key = "quarantine";

std::string quarantine_key(std::uint64_t id) {
  std::string key;
  key_writer(key, tables::quarantine).u64(id);
  return key;
}

std::string encode_counts(std::uint64_t next_id, std::uint64_t size, std::uint64_t evicted) {
  std::string out;
  byte_writer w(out);
  w.u64(next_id);
  w.u64(size);
  w.u64(evicted);
  return seal_row(out);
}

} // namespace

status leveldb_store::read_quarantine_counts() {
  const auto found = get(own_meta_key(counts_key));
  if (!found) return found.error();
  if (!*found) return {};
  const auto payload = open_row(**found, "quarantine counts");
  if (!payload) return payload.error();
  byte_reader r(*payload);
  quarantine_.next_id = r.u64();
  quarantine_.size = r.u64();
  quarantine_.evicted = r.u64();
  return {};
}

status leveldb_store::put_quarantine(const std::vector<messages::quarantined>& records) {
  if (records.empty()) return {};
  const std::lock_guard lock(quarantine_mutex_);
  auto counts = quarantine_;
  leveldb::WriteBatch rows;
  // of more than the ring holds only the newest are worth writing
  const std::size_t skipped =
      records.size() > options_.quarantine_max ? records.size() - options_.quarantine_max : 0;
  counts.next_id += skipped;
  counts.evicted += skipped;
  if (auto s = evict_quarantine(counts, rows, records.size() - skipped); !s) return s;
  for (std::size_t i = skipped; i < records.size(); ++i) {
    rows.Put(quarantine_key(counts.next_id++), encode_quarantine(records[i]));
    ++counts.size;
  }
  rows.Put(own_meta_key(counts_key), encode_counts(counts.next_id, counts.size, counts.evicted));
  if (auto s = put(rows); !s) return s;
  quarantine_ = counts;
  return {};
}

/// Makes room for `coming` rows by dropping the oldest.
status leveldb_store::evict_quarantine(quarantine_counts& counts, leveldb::WriteBatch& rows,
                                       std::uint64_t coming) {
  if (counts.size + coming <= options_.quarantine_max) return {};
  auto db = database_->acquire();
  if (!db) return failure{errc::unavailable, "store: closed"};
  const auto old = db.iterate();
  const std::string prefix(1, tables::quarantine);
  for (old->Seek(prefix); counts.size + coming > options_.quarantine_max && old->Valid() &&
                          old->key().starts_with(prefix);
       old->Next()) {
    rows.Delete(old->key());
    --counts.size;
    ++counts.evicted;
  }
  return to_status(old->status(), "store: reading the quarantine");
}

result<std::vector<quarantine_row>> leveldb_store::quarantine_page(std::uint64_t after_id,
                                                                   std::size_t limit) const {
  std::vector<quarantine_row> out;
  const auto db = database_->acquire();
  if (!db) return failure{errc::unavailable, "store: closed"};
  if (limit == 0 || after_id == UINT64_MAX) return out;
  const auto rows = db.iterate();
  const std::string prefix(1, tables::quarantine);
  for (rows->Seek(quarantine_key(after_id + 1));
       out.size() < limit && rows->Valid() && rows->key().starts_with(prefix); rows->Next()) {
    const auto id = key_reader(view(rows->key()).substr(1)).u64();
    auto row = decode_quarantine(view(rows->value()), id);
    if (!row) return row.error();
    out.push_back(std::move(*row));
  }
  if (auto s = to_status(rows->status(), "store: reading the quarantine"); !s) return s.error();
  return out;
}

status leveldb_store::erase_quarantine(std::uint64_t id) {
  const std::lock_guard lock(quarantine_mutex_);
  const auto found = get(quarantine_key(id));
  if (!found) return found.error();
  if (!*found)
    return failure{errc::not_found, "no quarantined message has the number " + std::to_string(id)};
  auto counts = quarantine_;
  --counts.size;
  leveldb::WriteBatch rows;
  rows.Delete(quarantine_key(id));
  rows.Put(own_meta_key(counts_key), encode_counts(counts.next_id, counts.size, counts.evicted));
  if (auto s = put(rows); !s) return s;
  quarantine_ = counts;
  return {};
}

std::uint64_t leveldb_store::quarantine_size() const {
  const std::lock_guard lock(quarantine_mutex_);
  return quarantine_.size;
}

} // namespace pollux::persistence
