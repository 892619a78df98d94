// SPDX-License-Identifier: Apache-2.0
// cut_after(), one shard: where the cut lies, and the steps of making it.
#pragma once
#include "persistence/cut.hpp"
#include <functional>
#include <map>
#include <set>
#include <unordered_map>

namespace pollux::persistence {

/// What the index says of all blocks of a shard, by row and then in order. Damaged rows are passed
/// over. Errors: io, unavailable.
[[nodiscard]] status
each_indexed_block(const leveldb_store& tables, std::uint32_t shard,
                   const std::function<void(std::uint32_t row, const block_info&)>& visit);

class shard_cut {
public:
  shard_cut(leveldb_log& journal, leveldb_store& tables, const domain::model_source& models,
            std::uint32_t shard, std::int64_t to_ns, cut_report& report)
      : journal_(journal), tables_(tables), models_(models), shard_(shard), to_ns_(to_ns),
        report_(report) {}

  [[nodiscard]] status run();

private:
  // shard_cut.cpp: the journal
  [[nodiscard]] status find();
  [[nodiscard]] status find_in_block(std::uint32_t row, const block_info& info);
  [[nodiscard]] status read_registry();
  [[nodiscard]] status cut_blocks();
  [[nodiscard]] status shorten(store_batch& batch, std::uint32_t row, const block_info& info);
  [[nodiscard]] status cut_log();
  [[nodiscard]] std::string shortened_row(std::string_view row, domain::position at);
  // shard_cut_tables.cpp: what was made from it
  [[nodiscard]] status cut_snapshots();
  [[nodiscard]] status rebuild_head(std::uint32_t row, leveldb::WriteBatch& rows);
  [[nodiscard]] status cut_alerts();
  [[nodiscard]] status cut_taken();
  [[nodiscard]] status cut_registry();
  // shard_cut_states.cpp: states for twins whose nearest snapshot went
  [[nodiscard]] status make_states();
  [[nodiscard]] status make_state(std::uint32_t row, domain::input_id upto);

  [[nodiscard]] bool goes(const domain::input_id& id) const { return id >= first_; }
  [[nodiscard]] status write(leveldb::WriteBatch& rows);
  void problem(std::uint32_t row, const std::string& what);

  leveldb_log& journal_;
  leveldb_store& tables_;
  const domain::model_source& models_;
  std::uint32_t shard_;
  std::int64_t to_ns_;
  cut_report& report_;

  domain::input_id first_{{UINT64_MAX}, UINT32_MAX}; ///< the first input that goes
  std::map<std::uint32_t, std::string> keys_;        ///< journal keys of the rows
  std::unordered_map<std::string, std::uint32_t> rows_;
  std::set<std::uint32_t> left_, lost_;                  ///< rows of which inputs stay; of which go
  std::map<std::uint32_t, domain::input_id> last_block_; ///< the newest input in blocks, if any
};

} // namespace pollux::persistence
