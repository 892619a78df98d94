// SPDX-License-Identifier: Apache-2.0
// The walk over the twins, and putting moves in force. Cold files as such: tiering_files.cpp.
#include "persistence/tiering.hpp"
#include "messages/hash.hpp"
#include <algorithm>

namespace pollux::persistence {

namespace {
constexpr std::size_t most_seen = 100'000;
using clock = std::chrono::steady_clock;
} // namespace

void tier_total::add(const block_info& b) {
  ++blocks;
  inputs += b.inputs;
  readings += b.readings;
  values += b.values;
  bytes += b.bytes;
  if (b.least_event_time_ns > b.greatest_event_time_ns) return;
  oldest_ns = std::min(oldest_ns, b.least_event_time_ns);
  newest_ns = std::max(newest_ns, b.greatest_event_time_ns);
}

void tier_total::add(const tier_total& other) {
  blocks += other.blocks;
  inputs += other.inputs;
  readings += other.readings;
  values += other.values;
  bytes += other.bytes;
  oldest_ns = std::min(oldest_ns, other.oldest_ns);
  newest_ns = std::max(newest_ns, other.newest_ns);
}

result<tier_totals> count_tiers(const store& tables, std::uint32_t shards) {
  tier_totals out{};
  for (std::uint32_t shard = 0; shard < shards; ++shard) {
    auto s = tables.each_block_index(shard, [&](std::uint32_t, const block_info& b) {
      out[static_cast<std::size_t>(b.kept)].add(b);
    });
    if (!s && s.error().code != errc::corrupt) return s.error();
  }
  return out;
}

tiering::tiering(store& tables, std::shared_ptr<cold_folder> files, tiering_options options)
    : tables_(tables), files_(std::move(files)), options_(std::move(options)),
      by_shard_(options_.shards) {}

result<bool> tiering::step(std::int64_t now_ns, std::chrono::nanoseconds budget) {
  const auto until = clock::now() + budget;
  const auto day = domain::age_in_days(0, now_ns);
  if (day != day_) {
    day_ = day;
    seen_.clear();
    for (std::uint32_t s = 0; s < options_.shards; ++s) due_.insert(s);
  }
  do {
    if (!shard_) {
      auto more = look_at_files();
      if (!more) return more.error();
      if (*more) continue;
      if (due_.empty()) return false;
      if (auto s = begin_shard(now_ns); !s) return s.error();
      continue;
    }
    if (rows_.empty()) {
      if (auto s = settle(); !s) return s.error();
      shard_.reset();
      continue;
    }
    if (auto s = move_twin(rows_.front(), now_ns); !s) return s.error();
    if (pending_bytes_ >= options_.batch_bytes)
      if (auto s = settle(); !s) return s.error();
  } while (clock::now() < until);
  return shard_ || !due_.empty();
}

void tiering::sealed(std::uint32_t shard) {
  due_.insert(shard);
  seen_.erase(seen_.lower_bound({shard, 0}), seen_.upper_bound({shard, UINT32_MAX}));
}

status tiering::begin_shard(std::int64_t now_ns) {
  const auto shard = *due_.begin();
  due_.erase(due_.begin());
  auto rules = options_.rules(shard);
  if (!rules) return rules.error();
  rules_ = std::move(*rules);
  rows_.clear();
  tier_totals totals{};
  auto s = tables_.each_block_index(shard, [&](std::uint32_t row, const block_info& b) {
    totals[static_cast<std::size_t>(b.kept)].add(b);
    if (row >= rules_.rule_of_row.size() || rules_.rule_of_row[row] == no_rule) return;
    if (!rows_.empty() && rows_.back() == row) return;
    if (may_have_aged(b, rules_.rules[rules_.rule_of_row[row]], now_ns) &&
        !seen_.contains({shard, row}))
      rows_.push_back(row);
  });
  if (!s && s.error().code != errc::corrupt) return s;
  by_shard_[shard] = totals;
  shown_ = {};
  for (const auto& one : by_shard_)
    for (std::size_t t = 0; t < one.size(); ++t) shown_[t].add(one[t]);
  shard_ = shard;
  return {};
}

/// Expiry never goes behind what the newest snapshot has in it: the twin lives on from there.
domain::input_id tiering::may_expire(std::uint32_t row) const {
  if (row < rules_.held.size() && rules_.held[row]) return {};
  if (row < rules_.deleted.size() && rules_.deleted[row]) return {{UINT64_MAX}, UINT32_MAX};
  const auto newest = tables_.newest_snapshot(*shard_, row);
  return newest && *newest ? (*newest)->at : domain::input_id{};
}

status tiering::move_twin(std::uint32_t row, std::int64_t now_ns) {
  rows_.pop_front();
  aging_twin twin{.shard = *shard_,
                  .row = row,
                  .key = rules_.key(row),
                  .rule = rules_.rules[rules_.rule_of_row[row]],
                  .may_expire_upto = {}};
  if (twin.rule.keep_days > 0) twin.may_expire_upto = may_expire(row);
  std::vector<block_info> blocks;
  auto s = tables_.each_block_info(*shard_, row, false, [&](const block_info& b) {
    blocks.push_back(b);
    return true;
  });
  twin_mover mover(tables_, now_ns);
  auto plan = s ? mover.plan(twin, blocks) : result<tier_switch>(s.error());
  if (!plan) {
    if (plan.error().code != errc::corrupt && plan.error().code != errc::not_found &&
        plan.error().code != errc::version_mismatch)
      return plan.error();
    ++counts_.skipped; // a damaged twin stays as it is, and stops nobody else
    trouble_ = plan.error().what;
  }
  if (!plan || plan->sources.empty()) {
    if (seen_.size() < most_seen) seen_.insert({*shard_, row});
    return {};
  }
  const bool more = plan->more;
  for (const auto& m : plan->made) pending_bytes_ += m.bytes.size();
  pending_.push_back(std::move(*plan));
  if (!more) return {};
  rows_.push_front(row); // the rest builds on what is in force
  return settle();
}

/// Copy, verify, switch, delete.
status tiering::settle() {
  auto s = write_cold();
  if (s) s = check_cold();
  if (s) s = put_in_force();
  if (!s && pending_file_ != 0) retired_.insert(pending_file_);
  pending_.clear();
  pending_bytes_ = 0;
  pending_file_ = 0;
  if (!s) return s;
  return remove_retired();
}

status tiering::write_cold() {
  std::unique_ptr<cold_file_writer> writer;
  for (auto& change : pending_)
    for (auto& made : change.made) {
      if (made.info.kept != tier::cold) {
        const auto digest = digest_of(made.bytes);
        if (!digest) return digest.error();
        if (*digest != made.digest)
          return failure{errc::internal, change.key + ": a warm copy differs from its source"};
        continue;
      }
      if (writer == nullptr) {
        const auto number = next_file();
        if (!number) return number.error();
        tell("begin a cold file");
        auto begun = cold_file_writer::begin(*files_, *number, change.shard);
        if (!begun) return begun.error();
        writer = std::move(*begun);
      }
      const auto at =
          writer->add(made.bytes, {.key = change.key,
                                   .row = change.row,
                                   .first = made.info.first,
                                   .least_event_time_ns = made.info.least_event_time_ns,
                                   .greatest_event_time_ns = made.info.greatest_event_time_ns});
      if (!at) return at.error();
      made.info.file = writer->file();
      made.info.offset = *at;
      made.info.size = made.bytes.size();
      made.bytes.clear();
    }
  if (writer == nullptr) return {};
  tell("finish a cold file");
  if (auto s = writer->finish(); !s) return s;
  pending_file_ = writer->file();
  known_files_[pending_file_] = {.shard = *shard_, .bytes = writer->bytes(), .live_bytes = 0};
  ++counts_.files_written;
  return {};
}

/// What the disk gives back holds the same inputs as what it was made from.
status tiering::check_cold() const {
  if (pending_file_ == 0) return {};
  tell("verify a cold file");
  for (const auto& change : pending_)
    for (const auto& made : change.made) {
      if (made.info.kept != tier::cold) continue;
      const auto bytes = files_->read(made.info.file, made.info.offset, made.info.size);
      if (!bytes) return bytes.error();
      const auto digest = digest_of(*bytes);
      if (!digest) return digest.error();
      if (*digest != made.digest || messages::hash64(*bytes) != made.info.hash)
        return failure{errc::corrupt,
                       change.key + ": its copy in " + files_->path(made.info.file) + " differs"};
    }
  return {};
}

/// False when a source was sealed anew, erased or moved meanwhile: then the copy is out of date.
result<bool> tiering::still_there(const tier_switch& s) const {
  for (const auto& source : s.sources) {
    const auto now = tables_.block_index(s.shard, s.row, source.first);
    if (!now) return now.error();
    if (!*now || (*now)->hash != source.hash || (*now)->last != source.last) return false;
  }
  return true;
}

status tiering::put_in_force() {
  auto batch = tables_.batch();
  std::vector<const tier_switch*> taken;
  for (const auto& change : pending_) {
    const auto there = still_there(change);
    if (!there) return there.error();
    if (!*there) continue;
    for (const auto& source : change.sources)
      batch->erase_block(change.shard, change.row, source.first);
    for (const auto& made : change.made)
      if (made.info.kept == tier::cold)
        batch->put_cold_block(change.shard, change.row, made.info);
      else
        batch->put_block(change.shard, change.row, made.info.first, made.bytes, made.info.kept);
    if (change.expired_inputs > 0)
      if (auto s = drop_snapshots(change, *batch); !s) return s;
    taken.push_back(&change);
  }
  if (!taken.empty()) {
    tell("switch");
    if (auto s = tables_.write(*batch, true); !s) return s;
  }
  for (const auto* change : taken) account(*change);
  if (pending_file_ != 0 && known_files_[pending_file_].live_bytes == 0)
    retired_.insert(pending_file_);
  return {};
}

/// States from which nothing can be replayed any more go with the inputs behind them.
status tiering::drop_snapshots(const tier_switch& change, store_batch& batch) {
  const auto newest = tables_.newest_snapshot(change.shard, change.row);
  if (!newest) return newest.error();
  return tables_.each_snapshot(change.shard, change.row, [&](const snapshot& kept) {
    if (kept.at < change.expired_upto && *newest && kept.at != (*newest)->at)
      batch.erase_snapshot(change.shard, change.row, kept.at);
    return true;
  });
}

void tiering::account(const tier_switch& s) {
  ++counts_.switches;
  counts_.moved_inputs += s.inputs;
  counts_.moved_readings += s.readings;
  counts_.expired_inputs += s.expired_inputs;
  auto& totals = by_shard_[s.shard];
  for (const auto& source : s.sources) {
    auto& t = totals[static_cast<std::size_t>(source.kept)];
    --t.blocks;
    t.inputs -= source.inputs;
    t.readings -= source.readings;
    t.values -= source.values;
    t.bytes -= source.bytes;
    if (source.kept != tier::cold) continue;
    const auto known = known_files_.find(source.file);
    if (known == known_files_.end()) continue; // not looked at yet: it will be counted then
    known->second.live_bytes -= std::min(known->second.live_bytes, source.size);
    if (known->second.live_bytes == 0) retired_.insert(source.file);
  }
  for (const auto& made : s.made) {
    totals[static_cast<std::size_t>(made.info.kept)].add(made.info);
    if (made.info.kept == tier::cold) known_files_[made.info.file].live_bytes += made.info.size;
  }
  shown_ = {};
  for (const auto& one : by_shard_)
    for (std::size_t t = 0; t < one.size(); ++t) shown_[t].add(one[t]);
}

} // namespace pollux::persistence
