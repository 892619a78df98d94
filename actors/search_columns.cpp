// SPDX-License-Identifier: Apache-2.0
#include "actors/search_columns.hpp"
#include <algorithm>

namespace pollux::actors {

search_columns::search_columns(search_board& board, std::size_t most_bytes)
    : board_(board), most_bytes_(most_bytes), rows_(board.shards()), views_(board.shards()) {}

void search_columns::choose(const std::vector<domain::search_path>& paths) {
  paths_ = paths;
  // who lives is found out with a column; the smallest will do
  if (paths.empty()) paths_.push_back({domain::path_kind::awake, {}, {}, "awake"});
  chosen_.clear();
  ++questions_;
  for (const auto& path : paths_) {
    auto& found = kept_[path.text];
    if (!found) {
      found = std::make_unique<kept_column>(kept_column{path, {}, 0});
      found->of.assign(board_.shards(), domain::twin_column(path));
    }
    found->used = questions_;
    chosen_.push_back(found.get());
  }
  give_way();
  views_.assign(board_.shards(), {});
  for (std::uint32_t shard = 0; shard < views_.size() && !paths.empty(); ++shard)
    for (const auto* c : chosen_) views_[shard].push_back(&c->of[shard]);
  // a cell depends on no time: ages are worked out when they are asked for
  reader_ = std::make_unique<domain::path_reader>(paths_, 0);
}

std::size_t search_columns::bytes() const noexcept {
  std::size_t out = 0;
  for (const auto& [text, c] : kept_)
    for (const auto& column : c->of) out += column.bytes();
  return out;
}

void search_columns::give_way() {
  while (bytes() > most_bytes_) {
    const auto oldest =
        std::ranges::min_element(kept_, {}, [](const auto& c) { return c.second->used; });
    if (oldest->second->used == questions_) return;
    kept_.erase(oldest);
  }
}

void search_columns::forget() {
  kept_.clear();
  chosen_.clear();
  views_.assign(board_.shards(), {});
  rows_.assign(board_.shards(), {});
}

void search_columns::resize(std::uint32_t shard, std::size_t rows) {
  auto& of = rows_[shard];
  if (rows > of.versions.size()) {
    of.versions.resize(rows, 1);
    of.living.resize(rows);
    of.ids.resize(rows);
  }
  for (auto* c : chosen_)
    if (c->of[shard].rows() < of.versions.size()) c->of[shard].resize(of.versions.size());
}

void search_columns::note_changes(std::uint32_t shard) {
  changed_.clear();
  const auto rows = board_.take_changes(shard, changed_);
  resize(shard, rows);
  for (const auto row : changed_) ++rows_[shard].versions[row];
}

void search_columns::update(std::uint32_t shard, std::vector<search_board::missing_twin>& missing) {
  note_changes(shard);
  const auto& versions = rows_[shard].versions;
  stale_.clear();
  for (std::size_t row = 0; row < versions.size(); ++row)
    for (const auto* c : chosen_)
      if (c->of[shard].version(row) != versions[row]) {
        stale_.push_back(static_cast<std::uint32_t>(row));
        break;
      }
  read(shard, stale_, missing);
}

void search_columns::update(twin_place place) {
  note_changes(place.shard);
  if (place.row >= rows_[place.shard].versions.size()) return;
  const std::uint32_t row[] = {place.row};
  std::vector<search_board::missing_twin> missing;
  read(place.shard, row, missing);
}

// What no twin is found at is fresh, too, as long as nothing changes there; only twins that are to
// be read from the store stay to be looked at again.
void search_columns::read(std::uint32_t shard, std::span<const std::uint32_t> rows,
                          std::vector<search_board::missing_twin>& missing) {
  if (rows.empty()) return;
  auto& of = rows_[shard];
  for (const auto row : rows) {
    of.living[row] = 0;
    for (auto* c : chosen_) c->of[shard].set_version(row, of.versions[row]);
  }
  const auto known = missing.size();
  board_.each(
      shard, rows,
      [&](const domain::searched_twin& twin, std::uint32_t row) {
        of.living[row] = 1;
        if (of.ids[row].empty()) of.ids[row] = twin.id();
        reader_->look_at(twin);
        for (std::size_t i = 0; i < chosen_.size(); ++i)
          chosen_[i]->of[shard].set(row, of.versions[row], reader_->get(i), reader_->time_ns(i));
      },
      missing);
  for (auto i = known; i < missing.size(); ++i)
    for (auto* c : chosen_) c->of[shard].set_version(missing[i].place.row, 0);
}

void search_columns::changed(std::uint32_t shard, std::vector<std::uint32_t>& seen,
                             std::vector<std::uint32_t>& rows) {
  note_changes(shard);
  const auto& versions = rows_[shard].versions;
  seen.resize(versions.size());
  for (std::size_t row = 0; row < versions.size(); ++row) {
    if (seen[row] == versions[row]) continue;
    seen[row] = versions[row];
    rows.push_back(static_cast<std::uint32_t>(row));
  }
}

} // namespace pollux::actors
