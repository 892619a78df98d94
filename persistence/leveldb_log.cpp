// SPDX-License-Identifier: Apache-2.0
#include "persistence/leveldb_log.hpp"
#include "domain/base/bytes.hpp"
#include "persistence/log_row.hpp"
#include <algorithm>

namespace pollux::persistence {

namespace {

constexpr std::size_t rows_per_trim_batch = 256; // keeps LevelDB's writer queue short
constexpr std::uint64_t compact_every_bytes = 256ull << 20;

std::string_view view(const leveldb::Slice& s) { return {s.data(), s.size()}; }

std::string name_of(std::uint32_t shard, domain::position at) {
  return "segment " + std::to_string(shard) + "/" + std::to_string(at.value);
}

/// Walks the rows of a shard from `from` on until `visit` gives false.
template <class Visit>
status each_row(const database::use& db, std::uint32_t shard, domain::position from,
                Visit&& visit) {
  std::string key;
  key_writer(key, log_keys::segments).u16(shard).u64(from.value);
  const std::string prefix = key.substr(0, 3);
  const auto rows = db.iterate();
  for (rows->Seek(key); rows->Valid() && rows->key().starts_with(prefix); rows->Next()) {
    const domain::position at{key_reader(view(rows->key()).substr(3)).u64()};
    if (!visit(at, view(rows->key()), view(rows->value()))) break;
  }
  return to_status(rows->status(), "reading the log of shard " + std::to_string(shard));
}

failure closed() { return {errc::unavailable, "log: closed after a failure, waiting to reopen"}; }

} // namespace

std::int64_t leveldb_log::now_ns() const { return probes_.steady_now_ns(); }

result<messages::ticket> leveldb_log::append(std::uint32_t shard, segment_ptr content) {
  if (shard >= options_.shards || content == nullptr)
    return failure{errc::invalid_argument, "log: no such shard, or no segment"};
  if (condition_ != condition::fine) return refusal();
  return ledger_.stage(shard, std::move(content));
}

void leveldb_log::fill_batch() {
  batch_.Clear();
  written_.clear();
  for (auto& s : writing_) {
    const domain::position at{next_++};
    encode_log_row({.previous = chain_[s.shard],
                    .readings = static_cast<std::uint32_t>(s.content->readings()),
                    .segment = s.content->bytes()},
                   row_);
    key_writer(key_, log_keys::segments).u16(s.shard).u64(at.value);
    batch_.Put(key_, row_);
    chain_[s.shard] = at;
    written_.push_back({s.shard, at, std::move(s.content)});
  }
}

status leveldb_log::write_batch() {
  auto db = database_->acquire();
  if (!db) return closed();
  return to_status(db->Write({}, &batch_), "log: writing");
}

status leveldb_log::commit() {
  ledger_.take_staged(writing_);
  if (writing_.empty()) return {};
  if (condition_ == condition::broken) return refusal();
  const auto now = now_ns();
  look_at_space(now); // refuses later appends; what is staged still goes to disk
  const auto upto = writing_.back().ticket;
  fill_batch();
  const auto wrote = write_batch();
  {
    const std::lock_guard lock(mutex_);
    for (const auto& w : written_) {
      if (!wrote) { // no row may point back to one that was never written
        chain_[w.shard] = marks_[w.shard].last;
        continue;
      }
      marks_[w.shard].last = w.at;
      tail_bytes_ += w.content->bytes().size() + log_row_head_bytes;
      tail_readings_ += w.content->readings();
      ++segments_;
    }
  }
  if (!wrote) {
    written_.clear();
    return fail_with(wrote.error());
  }
  end_ = next_;
  ledger_.committed(upto, written_, now);
  return {};
}

status leveldb_log::sync() {
  const std::lock_guard one_at_a_time(syncing_); // who waits is then covered by its own sync
  if (condition_ == condition::broken) return refusal();
  const auto covered = ledger_.begin_sync();
  if (covered == ledger_.synced()) {
    ledger_.end_sync(covered, true);
    return {};
  }
  const auto s = env_.sync_logs();
  ledger_.end_sync(covered, s.ok());
  return s ? s : fail_with(s.error().within("log"));
}

messages::ticket leveldb_log::durable_upto(messages::durability at) const {
  return ledger_.durable_upto(at, at == messages::durability::d1 ? now_ns() : 0);
}

status leveldb_log::scan(std::uint32_t shard, domain::position from,
                         const std::function<bool(const positioned_segment&)>& visit) const {
  if (shard >= options_.shards) return failure{errc::invalid_argument, "log: no such shard"};
  const auto db = database_->acquire();
  if (!db) return closed();
  status damage;
  std::uint64_t damaged = 0;
  positioned_segment found{shard, {}, nullptr};
  const auto pass_over = [&](domain::position at, const failure& why) {
    if (damaged++ == 0) damage = why.within(name_of(shard, at));
    return true;
  };
  from = std::max(from, trimmed_below(shard));
  auto walked = each_row(db, shard, from, [&](domain::position at, auto, std::string_view value) {
    const auto row = decode_log_row(value);
    if (!row) return pass_over(at, row.error());
    auto content = messages::segment::parse(std::string(row->segment));
    if (!content) return pass_over(at, content.error());
    found.at = at;
    found.content = std::move(*content);
    return visit(found);
  });
  if (!walked) return walked;
  if (damaged > 1)
    return damage.error().within(std::to_string(damaged) + " damaged segments, the first");
  return damage;
}

status leveldb_log::check(std::uint32_t shard,
                          const std::function<void(const std::string&)>& finding) const {
  if (shard >= options_.shards) return failure{errc::invalid_argument, "log: no such shard"};
  const std::lock_guard no_trim_runs(trimming_); // the chain begins where trimming ended
  const auto db = database_->acquire();
  if (!db) return closed();
  shard_marks marks;
  {
    const std::lock_guard lock(mutex_);
    marks = marks_[shard];
  }
  auto before = marks.last_trimmed;
  auto walked =
      each_row(db, shard, marks.trimmed_below, [&](domain::position at, auto, auto value) {
        const auto row = decode_log_row(value);
        if (!row) {
          finding(name_of(shard, at) + ": " + row.error().what);
        } else {
          if (row->previous != before)
            finding(name_of(shard, at) + ": follows " + std::to_string(row->previous.value) +
                    ", but the row before it is " + std::to_string(before.value));
          if (auto content = messages::segment::parse(std::string(row->segment)); !content)
            finding(name_of(shard, at) + ": " + content.error().what);
        }
        before = at;
        return true;
      });
  std::string aside;
  key_writer(aside, log_keys::set_aside).u16(shard);
  const auto rows = db.iterate();
  for (rows->Seek(aside); rows->Valid() && rows->key().starts_with(aside); rows->Next())
    finding(name_of(shard, {key_reader(view(rows->key()).substr(aside.size())).u64()}) +
            ": was damaged when its neighbours were sealed; its bytes are set aside");
  if (walked && before < marks.last)
    finding("log of shard " + std::to_string(shard) + ": ends at " + std::to_string(before.value) +
            ", written up to " + std::to_string(marks.last.value));
  return walked;
}

status leveldb_log::trim_chunk(std::uint32_t shard, domain::position below, bool& more) {
  auto db = database_->acquire();
  if (!db) return closed();
  const auto from = trimmed_below(shard);
  leveldb::WriteBatch batch;
  std::uint64_t bytes = 0, readings = 0, rows = 0;
  domain::position last_trimmed, upto = below;
  more = false;
  auto walked = each_row(db, shard, from, [&](domain::position at, auto key, auto value) {
    if (!(at < below)) return false;
    if (rows == rows_per_trim_batch) {
      more = true;
      upto = at;
      return false;
    }
    batch.Delete(leveldb::Slice(key.data(), key.size()));
    if (!decode_log_row(
            value)) { // no block has it: keep the bytes for whoever can make use of them
      std::string aside;
      key_writer(aside, log_keys::set_aside).u16(shard).u64(at.value);
      batch.Put(aside, leveldb::Slice(value.data(), value.size()));
    }
    bytes += value.size();
    readings += peek_log_row(value).readings;
    last_trimmed = at;
    ++rows;
    return true;
  });
  if (!walked) return walked;
  if (rows == 0) {
    const std::lock_guard lock(mutex_);
    last_trimmed = marks_[shard].last_trimmed;
  }
  std::string mark;
  byte_writer w(mark);
  w.u64(upto.value);
  w.u64(last_trimmed.value);
  batch.Put(log_keys::trim_key(shard), mark); // with the rows: nothing is left behind the mark
  if (auto s = to_status(db->Write({}, &batch), "log: trimming"); !s) return fail_with(s.error());
  const std::lock_guard lock(mutex_);
  marks_[shard].trimmed_below = upto;
  marks_[shard].last_trimmed = last_trimmed;
  tail_bytes_ -= bytes;
  tail_readings_ -= readings;
  trimmed_bytes_ += bytes;
  return {};
}

status leveldb_log::trim(std::uint32_t shard, domain::position below) {
  if (shard >= options_.shards) return failure{errc::invalid_argument, "log: no such shard"};
  const std::lock_guard one_at_a_time(trimming_);
  if (end_ < below.value)
    return failure{errc::invalid_argument, "log: cannot trim what is not written yet"};
  bool more = trimmed_below(shard) < below;
  while (more) {
    if (condition_ == condition::broken) return refusal();
    if (auto s = trim_chunk(shard, below, more); !s) return s;
  }
  if (trimmed_bytes_ >= compact_every_bytes) {
    trimmed_bytes_ = 0;
    compact_segments();
  }
  return {};
}

void leveldb_log::compact_segments() {
  auto db = database_->acquire();
  if (!db) return;
  std::string first, last;
  key_writer(first, log_keys::segments);
  key_writer(last, log_keys::segments + 1);
  const leveldb::Slice from(first), to(last);
  db->CompactRange(&from, &to);
}

domain::position leveldb_log::trimmed_below(std::uint32_t shard) const {
  const std::lock_guard lock(mutex_);
  return shard < marks_.size() ? marks_[shard].trimmed_below : domain::position{};
}

domain::position leveldb_log::end(std::uint32_t) const { return {end_}; }

} // namespace pollux::persistence
