// SPDX-License-Identifier: Apache-2.0
// The journal's part of a cut: where it lies, then blocks and the log.
#include "persistence/shard_cut.hpp"
#include "persistence/block_builder.hpp"
#include "persistence/log_row.hpp"

namespace pollux::persistence {

namespace {

constexpr std::size_t blocks_a_batch = 64;

/// Damage decides nothing about where the cut lies; what cannot be read is named when it goes.
bool only_damaged(const status& s) {
  return !s && (s.error().code == errc::corrupt || s.error().code == errc::version_mismatch ||
                s.error().code == errc::not_found);
}

} // namespace

status each_indexed_block(const leveldb_store& tables, std::uint32_t shard,
                          const std::function<void(std::uint32_t, const block_info&)>& visit) {
  auto s = tables.each_block_index(shard, visit);
  return only_damaged(s) ? status{} : s;
}

void shard_cut::problem(std::uint32_t row, const std::string& what) {
  const auto known = keys_.find(row);
  report_.problems.push_back((known != keys_.end() ? known->second : "row " + std::to_string(row)) +
                             ": " + what);
}

status shard_cut::write(leveldb::WriteBatch& rows) {
  const auto db = tables_.rows().acquire();
  if (!db) return failure{errc::unavailable, "store: closed after a failure"};
  auto s = to_status(db->Write({}, &rows), "writing the store");
  rows.Clear();
  return s;
}

status shard_cut::run() {
  if (auto s = find(); !s) return s;
  if (first_.at.value == UINT64_MAX) return {}; // all of it came before
  for (const auto step : {&shard_cut::read_registry, &shard_cut::cut_blocks, &shard_cut::cut_log,
                          &shard_cut::cut_snapshots, &shard_cut::cut_alerts, &shard_cut::cut_taken,
                          &shard_cut::cut_registry, &shard_cut::make_states})
    if (auto s = (this->*step)(); !s) return s;
  return {};
}

status shard_cut::find() {
  status failed;
  auto read = each_indexed_block(tables_, shard_, [&](std::uint32_t row, const block_info& info) {
    if (failed && info.greatest_ingest_time_ns > to_ns_ && !goes(info.first))
      failed = find_in_block(row, info);
  });
  if (!read || !failed) return !read ? read : failed;
  read = journal_.scan(shard_, {}, [&](const positioned_segment& s) {
    domain::input in;
    for (std::uint32_t i = 0; i < s.content->entries().size(); ++i) {
      s.content->decode(i, s.at, in);
      if (in.ingest_time_ns > to_ns_ && in.id < first_) first_ = in.id;
    }
    return !goes({s.at, 0});
  });
  return only_damaged(read) ? status{} : read;
}

status shard_cut::find_in_block(std::uint32_t row, const block_info& info) {
  const auto bytes = tables_.block(shard_, row, info.first);
  if (!bytes) return only_damaged(bytes.error()) ? status{} : status{bytes.error()};
  static_cast<void>(decode_any_block(*bytes, [&](const domain::input& in) {
    if (in.ingest_time_ns > to_ns_ && in.id < first_) first_ = in.id;
  }));
  return {};
}

status shard_cut::read_registry() {
  return tables_.each_registry(shard_, [&](const registry_row& r) {
    auto key = r.incarnation == 1 ? r.id : r.id + "#" + std::to_string(r.incarnation);
    rows_[key] = r.row;
    keys_[r.row] = std::move(key);
  });
}

status shard_cut::cut_blocks() {
  std::vector<std::pair<std::uint32_t, block_info>> gone;
  auto read = each_indexed_block(tables_, shard_, [&](std::uint32_t row, const block_info& info) {
    if (!goes(info.first)) {
      left_.insert(row);
      last_block_[row] = info.last;
    }
    if (!goes(info.last)) return;
    lost_.insert(row);
    gone.emplace_back(row, info);
  });
  if (!read) return read;
  auto batch = tables_.batch();
  for (std::size_t i = 0; i < gone.size(); ++i) {
    const auto& [row, info] = gone[i];
    batch->erase_block(shard_, row, info.first);
    if (goes(info.first))
      ++report_.blocks_dropped;
    else if (auto s = shorten(*batch, row, info); !s)
      return s;
    if ((i + 1) % blocks_a_batch == 0)
      if (auto s = tables_.write(*batch, false); !s) return s;
  }
  return tables_.write(*batch, false);
}

/// The inputs before the cut become a hot block; one that cannot be read goes as a whole.
status shard_cut::shorten(store_batch& batch, std::uint32_t row, const block_info& info) {
  last_block_.erase(row);
  const auto bytes = tables_.block(shard_, row, info.first);
  if (!bytes && !only_damaged(bytes.error())) return bytes.error();
  block_builder builder;
  auto decoded = bytes ? status{} : status{bytes.error()};
  if (bytes) {
    // an index row of version 1 does not say what came before; the block does
    const auto head = read_block_header(*bytes);
    builder.begin(info.kept != tier::cold && head ? head->chain_before : info.chain_before);
  }
  const auto finish = [&] {
    const auto first = builder.first();
    batch.put_block(shard_, row, first, builder.finish());
  };
  if (decoded)
    decoded = decode_any_block(*bytes, [&](const domain::input& in) {
      if (goes(in.id)) return;
      builder.add(in);
      last_block_[row] = in.id;
      if (builder.full()) finish();
    });
  if (!decoded) {
    problem(row,
            "a block across the chosen time cannot be read, and went: " + decoded.error().what);
    ++report_.blocks_dropped;
    last_block_.erase(row);
    return {};
  }
  if (!builder.empty()) finish();
  ++report_.blocks_shortened;
  return {};
}

/// Inputs of one segment share its position: the one across the cut keeps those before.
std::string shard_cut::shortened_row(std::string_view bytes, domain::position at) {
  const auto row = decode_log_row(bytes);
  if (!row) return {};
  const auto whole = messages::segment::parse(std::string(row->segment));
  if (!whole) return {};
  messages::segment_builder part;
  domain::input in;
  const auto& entries = (*whole)->entries();
  for (std::uint32_t i = 0; i < entries.size() && i < first_.index; ++i) {
    (*whole)->decode(i, at, in);
    const bool wide = entries[i].twin == messages::shard_wide_twin;
    part.add(messages::no_row, wide ? std::string_view{} : (*whole)->twins()[entries[i].twin], in);
  }
  const auto segment = part.finish();
  std::string out;
  encode_log_row({.previous = row->previous,
                  .readings = static_cast<std::uint32_t>(segment->readings()),
                  .segment = segment->bytes()},
                 out);
  return out;
}

status shard_cut::cut_log() {
  const auto note = [&](const positioned_segment& s) {
    const auto& entries = s.content->entries();
    for (std::uint32_t i = 0; i < entries.size(); ++i) {
      if (goes({s.at, i})) ++report_.inputs_from_log;
      if (entries[i].twin == messages::shard_wide_twin) continue;
      const auto row = rows_.find(std::string(s.content->twins()[entries[i].twin]));
      if (row != rows_.end()) (goes({s.at, i}) ? lost_ : left_).insert(row->second);
    }
    return true;
  };
  if (auto s = journal_.scan(shard_, {}, note); !s && !only_damaged(s)) return s;
  auto db = journal_.rows().acquire();
  if (!db) return failure{errc::unavailable, "log: closed after a failure"};
  leveldb::WriteBatch batch;
  const auto rows = db.iterate();
  for (const char table : {log_keys::segments, log_keys::set_aside}) {
    std::string key;
    key_writer(key, table).u16(shard_);
    const auto prefix = key;
    key_writer(key, table).u16(shard_).u64(first_.at.value);
    for (rows->Seek(key); rows->Valid() && rows->key().starts_with(prefix); rows->Next()) {
      const domain::position at{key_reader(view(rows->key()).substr(prefix.size())).u64()};
      batch.Delete(rows->key());
      if (at == first_.at && first_.index > 0 && table == log_keys::segments)
        if (const auto part = shortened_row(view(rows->value()), at); !part.empty())
          batch.Put(rows->key(), part);
    }
  }
  if (!rows->status().ok()) return to_status(rows->status(), "reading the log");
  leveldb::WriteOptions synced;
  synced.sync = true;
  return to_status(db->Write(synced, &batch), "writing the log");
}

} // namespace pollux::persistence
