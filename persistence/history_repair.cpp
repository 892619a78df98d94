// SPDX-License-Identifier: Apache-2.0
#include "persistence/history_repair.hpp"
#include "domain/base/time.hpp"
#include "messages/hash.hpp"
#include "persistence/block_builder.hpp"
#include "persistence/block_format.hpp"
#include "persistence/cold_frame.hpp"
#include <algorithm>

namespace pollux::persistence {

namespace {

constexpr domain::input_id no_end{{UINT64_MAX}, UINT32_MAX};

bool says_the_same(const block_info& a, const block_info& b) {
  return a.first == b.first && a.last == b.last && a.inputs == b.inputs && a.hash == b.hash &&
         a.least_event_time_ns == b.least_event_time_ns &&
         a.greatest_event_time_ns == b.greatest_event_time_ns;
}

} // namespace

std::string text_of_input(const domain::input_id& id) {
  return std::to_string(id.at.value >> 40) + "-" +
         std::to_string(id.at.value & ((std::uint64_t{1} << 40) - 1)) + "-" +
         std::to_string(id.index);
}

std::string history_repair::interval(const block_info& b) {
  std::string out = "block " + text_of_input(b.first) + " to " + text_of_input(b.last);
  if (b.least_event_time_ns <= b.greatest_event_time_ns)
    out += " (event times " + format_rfc3339(b.least_event_time_ns) + " to " +
           format_rfc3339(b.greatest_event_time_ns) + ")";
  return out;
}

void history_repair::note(const std::string& what, const std::string& done, bool lost) {
  notes_.push_back({key_, what, done, lost});
}

status history_repair::run(const std::vector<cold_place>& frames) {
  if (auto s = read_index(); !s) return s;
  if (auto s = read_blocks(); !s) return s;
  check_indexed();
  for (const auto& frame : frames) take_cold_frame(frame);
  fill_gaps();
  if (options_.dry_run) return {};
  const auto db = tables_.rows().acquire();
  if (!db) return failure{errc::unavailable, "store: closed after a failure"};
  return to_status(db->Write({}, &rows_), "writing repaired rows");
}

status history_repair::read_index() {
  const auto db = tables_.rows().acquire();
  if (!db) return failure{errc::unavailable, "store: closed after a failure"};
  const auto rows = db.iterate();
  const auto prefix = twin_key(tables::block_index, shard_, row_);
  for (rows->Seek(prefix); rows->Valid() && rows->key().starts_with(prefix); rows->Next()) {
    const auto first = key_reader(view(rows->key()).substr(prefix.size())).input();
    if (auto info = decode_block_info(view(rows->value()), first))
      index_.emplace(first, *info);
    else
      bad_index_.insert(first);
  }
  return to_status(rows->status(), "reading the index of blocks");
}

status history_repair::read_blocks() {
  const auto db = tables_.rows().acquire();
  if (!db) return failure{errc::unavailable, "store: closed after a failure"};
  const auto rows = db.iterate();
  const auto prefix = twin_key(tables::blocks, shard_, row_);
  for (rows->Seek(prefix); rows->Valid() && rows->key().starts_with(prefix); rows->Next())
    take_block(key_reader(view(rows->key()).substr(prefix.size())).input(), view(rows->value()));
  return to_status(rows->status(), "reading blocks");
}

/// A block in table B: sound, then its index row must say the same; or damaged, then it goes aside.
void history_repair::take_block(domain::input_id first, std::string_view bytes) {
  const auto known = index_.find(first);
  const bool warm = known != index_.end()
                        ? known->second.kept == tier::warm
                        : read_block_header(bytes).ok() &&
                              read_block_header(bytes)->inputs > hot_blocks.max_inputs;
  const auto info = describe_block(bytes, warm ? tier::warm : tier::hot);
  auto decoded = checksum_holds(bytes) ? decode_block(bytes, [](const domain::input&) {})
                                       : status{failure{errc::corrupt, "checksum differs"}};
  if (info && info->first != first) decoded = failure{errc::corrupt, "it is another block"};
  if (!info || !decoded) {
    broken_[first] = !decoded ? decoded.error().what : info.error().what;
    set_aside(first, bytes);
    return;
  }
  const auto head = read_block_header(bytes);
  sound_[first] = {info->last, head->chain_before, head->chain_after};
  if (known != index_.end() && says_the_same(known->second, *info)) return;
  rows_.Put(input_key(tables::block_index, shard_, row_, first), encode_block_info(*info));
  note(interval(*info),
       known != index_.end()        ? "its index row said otherwise, and was made anew from it"
       : bad_index_.contains(first) ? "its index row was damaged, and was made anew from it"
                                    : "its index row was missing, and was made anew from it",
       false);
}

void history_repair::set_aside(domain::input_id first, std::string_view bytes) {
  const auto key = input_key(tables::blocks, shard_, row_, first);
  rows_.Put(std::string(1, set_aside_table) + key, leveldb::Slice(bytes.data(), bytes.size()));
  rows_.Delete(key);
  rows_.Delete(input_key(tables::block_index, shard_, row_, first));
}

/// Index rows without a sound block behind them.
void history_repair::check_indexed() {
  for (const auto first : bad_index_) {
    if (sound_.contains(first) || broken_.contains(first)) continue;
    rows_.Delete(input_key(tables::block_index, shard_, row_, first));
    note("index row " + text_of_input(first), "damaged, and no block in the store; it went", false);
  }
  for (const auto& [first, info] : index_) {
    if (sound_.contains(first)) continue;
    auto why = broken_.contains(first) ? broken_[first] : "it is missing";
    if (info.kept == tier::cold && !broken_.contains(first)) {
      const auto bytes = tables_.block(shard_, row_, first);
      const auto decoded =
          bytes ? decode_any_block(*bytes, [](const domain::input&) {}) : status{bytes.error()};
      if (decoded && messages::hash64(*bytes) == info.hash) {
        sound_[first] = {info.last, info.chain_before, info.chain};
        continue;
      }
      why = !decoded ? decoded.error().what : "its bytes are not those that were written";
    }
    rows_.Delete(input_key(tables::block_index, shard_, row_, first));
    if (take_same(info)) {
      note(interval(info) + ": " + why, "taken from the backup", false);
      continue;
    }
    broken_[first] = why;
  }
  for (const auto& [first, why] : broken_)
    if (!index_.contains(first))
      note("block " + text_of_input(first) + ": " + why, "set aside", false);
}

/// A frame that no index row names may be one that was replaced, or of what was erased: it counts
/// only where the chain leads to it, or from it to what comes behind.
void history_repair::take_cold_frame(const cold_place& place) {
  const auto& [file, entry] = place;
  if (sound_.contains(entry.first) || entry.key != key_ || options_.files == nullptr) return;
  const auto bytes = options_.files->read(file, entry.offset, entry.size);
  const auto head = bytes ? read_cold_frame_head(*bytes) : result<cold_frame_head>{bytes.error()};
  if (!head || head->key != key_ || !decode_cold_frame(*bytes, [](const domain::input&) {})) return;
  auto info = head->info;
  const auto next = sound_.lower_bound(info.first);
  const auto before = next == sound_.begin() ? sound_.end() : std::prev(next);
  if (before != sound_.end() && !(before->second.last < info.first)) return;
  if (next != sound_.end() && !(info.last < next->first)) return;
  const auto came = before != sound_.end() ? before->second.after : chain_value{};
  if (came != info.chain_before && (next == sound_.end() || next->second.before != info.chain))
    return;
  info.kept = tier::cold;
  info.file = file;
  info.offset = entry.offset;
  info.size = entry.size;
  info.bytes = entry.size;
  info.hash = messages::hash64(*bytes);
  sound_[info.first] = {info.last, info.chain_before, info.chain};
  broken_.erase(info.first);
  rows_.Put(input_key(tables::block_index, shard_, row_, info.first), encode_block_info(info));
  note(interval(info), "its index row was missing, and was made anew from its cold file", false);
}

bool history_repair::take_same(const block_info& lost) {
  if (options_.backup_tables == nullptr || lost.kept == tier::cold) return false;
  const auto bytes = options_.backup_tables->block(shard_, row_, lost.first);
  if (!bytes || messages::hash64(*bytes) != lost.hash || !checksum_holds(*bytes)) return false;
  const auto head = read_block_header(*bytes);
  const auto info = describe_block(*bytes, lost.kept);
  if (!head || !info) return false;
  rows_.Put(input_key(tables::blocks, shard_, row_, lost.first), *bytes);
  rows_.Put(input_key(tables::block_index, shard_, row_, lost.first), encode_block_info(*info));
  sound_[lost.first] = {head->last, head->chain_before, head->chain_after};
  broken_.erase(lost.first);
  return true;
}

/// Walks the chain: where a sound block does not follow the one before it, something is missing.
void history_repair::fill_gaps() {
  piece before{};
  const auto name_of = [&](domain::input_id after, domain::input_id end) {
    std::string out;
    for (const auto& [first, why] : broken_)
      if (after < first && first < end && index_.contains(first))
        out += (out.empty() ? "" : "; ") + interval(index_[first]) + ": " + why;
    return out.empty() ? "inputs between " + text_of_input(after) + " and " + text_of_input(end) +
                             " are missing: the chain is broken"
                       : out;
  };
  const auto sound = sound_;
  for (const auto& [first, here] : sound) {
    // where retention took the beginning, or behind blocks of the first format that were moved, a
    // chain starts anew; that is a gap only if something damaged lay there
    const bool damaged = std::any_of(broken_.begin(), broken_.end(), [&](const auto& b) {
      return before.last < b.first && b.first < first;
    });
    const bool starts = before.last == domain::input_id{} || is_chain_start(here.before);
    if (here.before != before.after && (damaged || !starts)) {
      const bool filled = fill(before.after, before.last, first, here.before);
      note(name_of(before.last, first),
           filled ? "taken from the backup: the chain of its inputs fits"
                  : "set aside; nothing here has these inputs",
           !filled);
    }
    before = here;
  }
  // behind the last sound block only the index can say what there was
  std::optional<block_info> last;
  for (const auto& [first, why] : broken_)
    if (before.last < first && index_.contains(first)) last = index_[first];
  if (!last) return;
  const bool filled =
      fill(before.after, before.last, {last->last.at, last->last.index + 1}, last->chain);
  note(name_of(before.last, no_end),
       filled ? "taken from the backup: the chain of its inputs fits"
              : "set aside; nothing here has these inputs",
       !filled);
}

bool history_repair::fill(const chain_value& from, domain::input_id after, domain::input_id before,
                          const std::optional<chain_value>& to) {
  if (options_.backup_tables == nullptr || !to) return false;
  std::vector<std::string> blocks;
  block_builder builder;
  builder.begin(from);
  auto newest = after;
  const auto take = [&](const domain::input& in) {
    if (in.id <= newest || !(in.id < before)) return;
    newest = in.id;
    builder.add(in);
    if (builder.full()) blocks.push_back(builder.finish());
  };
  // damage in the backup shows in the chain
  static_cast<void>(
      options_.backup_tables->each_block(shard_, row_, after, [&](std::string_view bytes) {
        static_cast<void>(decode_any_block(bytes, take));
        return newest < before;
      }));
  if (row_ == shard_wide_row)
    backup_tail_.each_shard_wide(take);
  else
    backup_tail_.each(key_, take);
  if (builder.chain() != *to) return false;
  if (!builder.empty()) blocks.push_back(builder.finish());
  for (const auto& bytes : blocks) {
    const auto info = describe_block(bytes, tier::hot);
    if (!info) return false;
    rows_.Put(input_key(tables::blocks, shard_, row_, info->first), bytes);
    rows_.Put(input_key(tables::block_index, shard_, row_, info->first), encode_block_info(*info));
  }
  return !blocks.empty();
}

} // namespace pollux::persistence
