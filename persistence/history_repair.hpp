// SPDX-License-Identifier: Apache-2.0
// Repairing the blocks of one twin (or the shard-wide ones): what is sound, what is missing
// between, and whether a backup's inputs fit there by the hash chain.
#pragma once
#include "persistence/history.hpp"
#include "persistence/repair.hpp"
#include "persistence/tail_view.hpp"
#include <map>
#include <optional>
#include <set>

namespace pollux::persistence {

/// A frame of a cold file, as the file's own directory names it.
struct cold_place {
  std::uint64_t file = 0;
  cold_entry entry;
};

class history_repair {
public:
  history_repair(leveldb_store& tables, std::uint32_t shard, std::uint32_t row, std::string key,
                 const repair_options& options, const tail_view& backup_tail,
                 std::vector<repair_note>& notes)
      : tables_(tables), shard_(shard), row_(row), key_(std::move(key)), options_(options),
        backup_tail_(backup_tail), notes_(notes) {}

  /// `frames`: those of the cold files that are said to be of this row.
  [[nodiscard]] status run(const std::vector<cold_place>& frames);

private:
  /// A place in the chain of blocks.
  struct piece {
    domain::input_id last;
    chain_value before{}, after{};
  };

  [[nodiscard]] status read_index();
  [[nodiscard]] status read_blocks();
  void take_block(domain::input_id first, std::string_view bytes);
  void check_indexed();
  void take_cold_frame(const cold_place& place);
  void fill_gaps();
  /// Puts what the backup has of (after, before) there, if it leads from one chain value to the
  /// other. Gives whether.
  [[nodiscard]] bool fill(const chain_value& from, domain::input_id after, domain::input_id before,
                          const std::optional<chain_value>& to);
  /// The very same bytes, for a block whose hash is known.
  [[nodiscard]] bool take_same(const block_info& lost);
  void set_aside(domain::input_id first, std::string_view bytes);
  void note(const std::string& what, const std::string& done, bool lost);
  [[nodiscard]] static std::string interval(const block_info& b);

  leveldb_store& tables_;
  std::uint32_t shard_, row_;
  std::string key_;
  const repair_options& options_;
  const tail_view& backup_tail_;
  std::vector<repair_note>& notes_;

  std::map<domain::input_id, block_info> index_; ///< rows of table I that can be read
  std::set<domain::input_id> bad_index_;         ///< and those that cannot
  std::map<domain::input_id, piece> sound_;
  std::map<domain::input_id, std::string> broken_; ///< what is wrong with them
  leveldb::WriteBatch rows_;
};

/// "1-17-0": epoch, offset, index.
[[nodiscard]] std::string text_of_input(const domain::input_id& id);

} // namespace pollux::persistence
