// SPDX-License-Identifier: Apache-2.0
// Keys and rows of the store's tables. Every row but a block begins with its version and a
// CRC32C of the rest; a block brings its own.
#pragma once
#include "persistence/keys.hpp"
#include "persistence/store.hpp"
#include <leveldb/slice.h>

namespace pollux::persistence {

/// Table letters: persisted, never to be given another meaning.
namespace tables {
inline constexpr char alerts = 'A', blocks = 'B', heads = 'H', block_index = 'I', models = 'M',
                      outbox = 'O', quarantine = 'Q', registry = 'R', snapshots = 'S', taken = 'T',
                      meta = 'X';
}

inline constexpr std::uint8_t row_version = 1;         ///< of all rows but these:
inline constexpr std::uint8_t block_index_version = 2; ///< reads 1, too

/// Puts version and checksum before a payload.
[[nodiscard]] std::string seal_row(std::string_view payload, std::uint8_t version = row_version);
/// Errors: corrupt, version_mismatch; both name `what`.
[[nodiscard]] result<std::string_view> open_row(std::string_view row, const char* what,
                                                std::uint8_t newest = row_version);

/// The newest snapshot without its state, and what is needed to thin out older ones. Small, so
/// that recovery reads a million of them without touching a state.
struct head_row {
  snapshot_head head;        ///< `row` is in the key
  domain::input_id previous; ///< the snapshot before; zero = none
  domain::input_id anchor;   ///< the newest anchor; zero = none
  std::uint64_t anchor_readings = 0;
  std::uint32_t since_anchor = 0; ///< snapshots written since
};
[[nodiscard]] std::string encode_head(const head_row& h);
[[nodiscard]] result<head_row> decode_head(std::string_view row, std::uint32_t twin_row);

[[nodiscard]] std::string encode_block_info(const block_info& b);
[[nodiscard]] result<block_info> decode_block_info(std::string_view row, domain::input_id first);

[[nodiscard]] std::string encode_snapshot(const snapshot& s);
[[nodiscard]] result<snapshot> decode_snapshot(std::string_view row, domain::input_id at);
[[nodiscard]] std::string encode_registry(const registry_row& r);
[[nodiscard]] result<registry_row> decode_registry(std::string_view row, std::uint32_t twin_row);
[[nodiscard]] std::string encode_alert(const alert_row& a);
[[nodiscard]] result<alert_row> decode_alert(std::string_view row, std::uint32_t shard,
                                             std::uint32_t twin_row);
[[nodiscard]] std::string encode_outbox(const outbox_row& o);
[[nodiscard]] result<outbox_row> decode_outbox(std::string_view row, std::uint32_t shard,
                                               std::uint32_t twin_row);
[[nodiscard]] std::string encode_model(const std::string& name, const std::string& json);
[[nodiscard]] result<model_row> decode_model(std::string_view row, std::string hash);
[[nodiscard]] std::string encode_quarantine(const messages::quarantined& q);
[[nodiscard]] result<quarantine_row> decode_quarantine(std::string_view row, std::uint64_t id);
[[nodiscard]] std::string encode_effect_id(const domain::effect_id& id);
[[nodiscard]] result<domain::effect_id> decode_effect_id(std::string_view row);

/// <table> shard row: the prefix of everything a table holds of one twin.
[[nodiscard]] std::string twin_key(char table, std::uint32_t shard, std::uint32_t row);
/// The same with an input id: snapshots, blocks, block index.
[[nodiscard]] std::string input_key(char table, std::uint32_t shard, std::uint32_t row,
                                    domain::input_id id);
[[nodiscard]] std::string shard_key(char table, std::uint32_t shard);
[[nodiscard]] std::string outbox_key(const std::string& destination, std::uint32_t shard,
                                     std::uint32_t row, const domain::effect_id& id);
/// Rows of the store itself, apart from those that callers put.
[[nodiscard]] std::string own_meta_key(std::string_view name);
[[nodiscard]] std::string meta_key(std::string_view name);

[[nodiscard]] inline std::string_view view(const leveldb::Slice& s) { return {s.data(), s.size()}; }

} // namespace pollux::persistence
