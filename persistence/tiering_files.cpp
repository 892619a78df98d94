// SPDX-License-Identifier: Apache-2.0
// Cold files as such: which are still referred to, and merging small ones.
#include "messages/hash.hpp"
#include "persistence/tiering.hpp"
#include <algorithm>
#include <bit>

namespace pollux::persistence {

namespace {
constexpr const char* number_key = "history/last-file";
constexpr std::size_t files_to_merge = 4; // of one size class
constexpr std::uint64_t smallest_class = 64u << 10;

/// Files of about the same size: each class four times the one before.
unsigned class_of(std::uint64_t bytes) {
  return static_cast<unsigned>(std::bit_width(bytes / smallest_class) + 1) / 2;
}
} // namespace

/// A number is never given twice, so an old index row can never name another file's bytes. It is
/// written before the file is begun.
result<std::uint64_t> tiering::next_file() {
  const auto stored = tables_.meta(number_key);
  if (!stored) return stored.error();
  std::uint64_t last = 0;
  if (*stored) last = std::strtoull((*stored)->c_str(), nullptr, 10);
  const auto there = files_->files();
  if (!there) return there.error();
  if (!there->empty()) last = std::max(last, there->back());
  auto batch = tables_.batch();
  batch->put_meta(number_key, std::to_string(last + 1));
  if (auto s = tables_.write(*batch, true); !s) return s.error();
  return last + 1;
}

/// One file looked at, or one merge. True: there is more to do.
result<bool> tiering::look_at_files() {
  if (!files_listed_) {
    if (auto s = files_->remove_unfinished(); !s) return s.error();
    auto found = files_->files();
    if (!found) return found.error();
    unknown_files_.assign(found->begin(), found->end());
    files_listed_ = true;
  }
  if (!unknown_files_.empty()) {
    const auto file = unknown_files_.front();
    unknown_files_.pop_front();
    if (known_files_.contains(file)) return true;
    if (auto s = audit(file); !s) return s.error();
    return true;
  }
  if (auto s = remove_retired(); !s) return s.error();
  return merge_some();
}

/// Counts what is still referred to. Nothing: the file is what a crash left behind.
status tiering::audit(std::uint64_t file) {
  const auto directory = files_->directory(file);
  if (!directory) {
    if (directory.error().code == errc::io) return directory.error();
    trouble_ = directory.error().what; // left where it is: index rows may name its frames
    ++counts_.skipped;
    return {};
  }
  file_state state{.shard = directory->shard, .bytes = 0, .live_bytes = 0};
  const auto size = files_->size_of(file);
  if (!size) return size.error();
  state.bytes = *size;
  for (const auto& frame : directory->frames) {
    const auto info = tables_.block_index(directory->shard, frame.row, frame.first);
    if (!info && info.error().code != errc::corrupt) return info.error();
    // a damaged row may be repaired from this frame
    if (!info || (*info && (*info)->kept == tier::cold && (*info)->file == file &&
                  (*info)->offset == frame.offset))
      state.live_bytes += frame.size;
  }
  known_files_[file] = state;
  if (state.live_bytes == 0) retired_.insert(file);
  return {};
}

status tiering::remove_retired() {
  for (auto file = retired_.begin(); file != retired_.end();) {
    tell("remove a cold file");
    const auto removed = files_->remove(*file);
    if (!removed && removed.error().code == errc::unavailable) return {}; // somebody reads: later
    if (!removed) return removed;
    known_files_.erase(*file);
    ++counts_.files_removed;
    file = retired_.erase(file);
  }
  return {};
}

result<bool> tiering::merge_some() {
  std::map<std::pair<std::uint32_t, unsigned>, std::vector<std::uint64_t>> alike;
  for (const auto& [file, state] : known_files_) {
    if (retired_.contains(file) || damaged_.contains(file) || state.shard >= options_.shards)
      continue;
    if (state.live_bytes < state.bytes / 2 && state.bytes > smallest_class) {
      if (auto s = merge({file}); !s) return s.error();
      return true;
    }
    auto& group = alike[{state.shard, class_of(state.live_bytes)}];
    group.push_back(file);
    if (group.size() < files_to_merge) continue;
    std::uint64_t together = 0;
    for (const auto f : group) together += known_files_[f].live_bytes;
    if (together > options_.file_bytes) continue;
    if (auto s = merge(group); !s) return s.error();
    return true;
  }
  return false;
}

/// Files with a damaged frame stay as they are: repair may need their bytes.
status tiering::merge(const std::vector<std::uint64_t>& from) {
  auto s = rewrite(from, false);
  if (s || s.error().code != errc::corrupt) return s;
  trouble_ = s.error().what;
  ++counts_.skipped;
  damaged_.insert(from.begin(), from.end());
  return {};
}

/// Copies what is still referred to into one new file; the frames stay as they are.
status tiering::rewrite(const std::vector<std::uint64_t>& from, bool even_damaged) {
  const auto shard = known_files_.at(from.front()).shard;
  std::vector<std::pair<cold_entry, block_info>> frames;
  for (const auto file : from) {
    auto directory = files_->directory(file);
    if (!directory) return directory.error();
    for (auto& frame : directory->frames) {
      const auto info = tables_.block_index(shard, frame.row, frame.first);
      if (!info) return info.error();
      if (*info && (*info)->kept == tier::cold && (*info)->file == file &&
          (*info)->offset == frame.offset)
        frames.emplace_back(std::move(frame), **info);
    }
  }
  std::sort(frames.begin(), frames.end(), [](const auto& a, const auto& b) {
    return std::tie(a.first.row, a.first.first) < std::tie(b.first.row, b.first.first);
  });
  auto batch = tables_.batch();
  if (!frames.empty()) {
    const auto number = next_file();
    if (!number) return number.error();
    tell("begin a merged file");
    auto writer = cold_file_writer::begin(*files_, *number, shard);
    if (!writer) return writer.error();
    for (auto& [entry, info] : frames) {
      const auto bytes = files_->read(info.file, info.offset, info.size);
      if (!bytes) return bytes.error();
      if (messages::hash64(*bytes) != info.hash && !even_damaged)
        return failure{errc::corrupt, files_->path(info.file) + ": the frame of " + entry.key +
                                          " at " + std::to_string(info.offset) + " is damaged"};
      const auto at = (*writer)->add(*bytes, entry);
      if (!at) return at.error();
      info.file = *number;
      info.offset = *at;
    }
    tell("finish a merged file");
    if (auto s = (*writer)->finish(); !s) return s;
    file_state state{.shard = shard, .bytes = (*writer)->bytes(), .live_bytes = 0};
    for (const auto& [entry, info] : frames) {
      const auto copy = files_->read(info.file, info.offset, info.size);
      if (!copy) return copy.error();
      if (messages::hash64(*copy) != info.hash && !even_damaged)
        return failure{errc::corrupt, files_->path(info.file) + " reads back otherwise"};
      batch->put_cold_block(shard, entry.row, info);
      state.live_bytes += info.size;
    }
    tell("switch to a merged file");
    if (auto s = tables_.write(*batch, true); !s) return s;
    known_files_[*number] = state;
    ++counts_.files_written;
  }
  for (const auto file : from) retired_.insert(file);
  return remove_retired();
}

result<std::uint64_t> tiering::purge(std::uint32_t shard, std::uint32_t row) {
  // what is being moved may hold the twin
  rows_.clear();
  shard_.reset();
  due_.insert(shard);
  pending_.clear();
  pending_bytes_ = 0;
  pending_file_ = 0;
  const auto there = files_->files();
  if (!there) return there.error();
  std::uint64_t rewritten = 0;
  for (const auto file : *there) {
    const auto directory = files_->directory(file);
    if (!directory) return directory.error();
    if (directory->shard != shard ||
        std::none_of(directory->frames.begin(), directory->frames.end(),
                     [&](const cold_entry& f) { return f.row == row; }))
      continue;
    if (!known_files_.contains(file))
      if (auto s = audit(file); !s) return s.error();
    if (auto s = rewrite({file}, true); !s) return s.error();
    ++rewritten;
  }
  if (auto s = remove_retired(); !s) return s.error();
  if (!retired_.empty()) return failure{errc::unavailable, "cold files are being read; try again"};
  return rewritten;
}

} // namespace pollux::persistence
