// SPDX-License-Identifier: Apache-2.0
// What searches ask for, as columns (twin_column.hpp) over all twins: made when a path is asked for
// first, brought up to date by each search that names it again, for the twins that have changed.
// Nothing is done for it while nobody searches.
#pragma once
#include "actors/search_board.hpp"
#include <map>
#include <memory>
#include <span>
#include <string>

namespace pollux::actors {

class search_columns {
public:
  explicit search_columns(search_board& board, std::size_t most_bytes = 128 << 20);

  /// The next updates and looks are for these, as of `now_ns`. Columns that were not named for
  /// longest give way when all take more than the bytes allowed; those of this question stay.
  void choose(const std::vector<domain::search_path>& paths);
  /// Reads what has changed since; sleeping twins that nobody knows go to `missing`.
  void update(std::uint32_t shard, std::vector<search_board::missing_twin>& missing);
  /// The same of one twin, which was missing.
  void update(twin_place place);
  /// Calls take(place, id, columns) for each living twin of the shard as it was at the last update.
  template <class Take> void each(std::uint32_t shard, Take take) const;
  /// Of a shard: one for each path of the question, none when it names no path.
  [[nodiscard]] std::span<const domain::twin_column* const> of(std::uint32_t shard) const noexcept {
    return views_[shard];
  }

  /// Rows that changed since `seen` was filled by the last call, ended twins included.
  void changed(std::uint32_t shard, std::vector<std::uint32_t>& seen,
               std::vector<std::uint32_t>& rows);
  void forget(); ///< all columns
  [[nodiscard]] std::size_t bytes() const noexcept;

private:
  struct shard_rows {
    std::vector<std::uint32_t> versions; ///< of the twin, from 1 on
    std::vector<std::uint8_t> living;    ///< known by ids, too
    std::vector<std::string> ids;
  };
  struct kept_column {
    domain::search_path path;
    std::vector<domain::twin_column> of; ///< by shard
    std::uint64_t used = 0;              ///< when it was chosen last
  };
  void note_changes(std::uint32_t shard);
  void resize(std::uint32_t shard, std::size_t rows);
  void read(std::uint32_t shard, std::span<const std::uint32_t> rows,
            std::vector<search_board::missing_twin>& missing);
  void give_way();

  search_board& board_;
  std::size_t most_bytes_;
  std::vector<shard_rows> rows_;
  std::map<std::string, std::unique_ptr<kept_column>> kept_; ///< by the path's text
  std::uint64_t questions_ = 0;
  std::vector<domain::search_path> paths_; ///< of the question
  std::vector<kept_column*> chosen_;
  std::vector<std::vector<const domain::twin_column*>> views_; ///< of them, by shard
  std::unique_ptr<domain::path_reader> reader_;
  std::vector<std::uint32_t> changed_, stale_;
};

template <class Take> void search_columns::each(std::uint32_t shard, Take take) const {
  const auto& rows = rows_[shard];
  for (std::uint32_t row = 0; row < rows.living.size(); ++row)
    if (rows.living[row] != 0) take(twin_place{shard, row}, rows.ids[row], of(shard));
}

} // namespace pollux::actors
