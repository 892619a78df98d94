// SPDX-License-Identifier: Apache-2.0
// The store: the tables beside the log (docs/journal_format.md): registry, snapshots, blocks,
// alerts, outbox, models, quarantine, meta. A database of its own, so that compaction of history
// cannot stall acknowledgement. Thread-safe; writes go in batches; reads may block on disk, so
// actors that read use a detached reader.
#pragma once
#include "domain/base/result.hpp"
#include "domain/twin/effect.hpp"
#include "domain/twin/input.hpp"
#include "messages/quarantine.hpp"
#include "persistence/chain.hpp"
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pollux::persistence {

struct registry_row {
  std::uint32_t row = 0; ///< dense per shard, from 0, never reused
  std::string id;
  std::uint32_t incarnation = 1;
  std::string model_name, model_hash; ///< at creation; the state knows the present one
  std::int64_t created_at_ns = 0;
  bool deleted = false;
};

struct snapshot {
  domain::input_id at; ///< the last input applied
  std::int64_t next_wakeup_ns = 0;
  std::uint32_t timer = 0;
  std::uint64_t generation = 0;
  std::string state; ///< domain::save bytes
  std::string hash;  ///< content_hash(state)
  /// Readings applied so far where the writer counts them, else 0. Spaces the anchors: one every
  /// 100,000 readings, or where they are not counted every 64th snapshot.
  std::uint64_t readings = 0;
};

/// What `twin ls` shows of a passivated twin without waking it; kept in the snapshot row's head.
struct snapshot_head {
  std::uint32_t row = 0;
  domain::input_id at;
  std::int64_t next_wakeup_ns = 0;
  std::uint32_t timer = 0;
  std::uint64_t generation = 0;
};

/// An alert as projected: one row per incident with all its transitions, oldest first.
struct alert_row {
  std::uint32_t shard = 0, row = 0;
  std::string twin;
  std::string incident;
  std::vector<domain::effect> transitions;
};

/// An effect that has not yet been delivered to its destination.
struct outbox_row {
  std::uint32_t shard = 0, row = 0;
  std::string twin;
  std::string destination; ///< "mqtt"
  domain::effect what;
};

struct quarantine_row {
  std::uint64_t id = 0;
  messages::quarantined record;
};

/// Where a block is kept. Persisted: never renumber.
enum class tier : std::uint8_t {
  hot = 0,  ///< table B: up to 512 inputs a block, compressed fast
  warm = 1, ///< table B: up to 16,384 inputs a block, compressed hard
  cold = 2, ///< a frame of a file in `history/`
};

/// What the index knows of one block, so that searching reads no block. Rows written before format
/// 2 know no readings, values and bytes (0) and no ingest times (least i64 to greatest i64).
struct block_info {
  domain::input_id first, last;
  std::uint32_t inputs = 0, readings = 0, values = 0;
  /// least > greatest: no readings inside.
  std::int64_t least_event_time_ns = 0, greatest_event_time_ns = 0;
  std::int64_t least_ingest_time_ns = 0, greatest_ingest_time_ns = 0; ///< of all its inputs
  std::uint64_t bytes = 0;                                            ///< stored, in whichever tier
  std::uint64_t hash = 0;                                             ///< hash64 of the bytes
  /// Before the first input and after the last. Of a block of version 1 `chain` is
  /// chain_from_hash64(hash), and what was before only its head knows.
  chain_value chain_before{}, chain{};
  tier kept = tier::hot;
  std::uint64_t file = 0, offset = 0, size = 0; ///< cold: the number of the file, and the frame
};

/// Reads frames of cold files; the store asks it for blocks whose index row says cold.
class cold_source {
public:
  virtual ~cold_source() = default;
  /// Thread-safe. Errors: not_found (no such file), corrupt (too short), io.
  [[nodiscard]] virtual result<std::string> read(std::uint64_t file, std::uint64_t offset,
                                                 std::uint64_t size) const = 0;
  /// While it lives no file goes that index rows named when it was taken.
  [[nodiscard]] virtual std::shared_ptr<void> pin() const { return nullptr; }
};

/// What store::erase_twin removed.
struct erased_rows {
  std::uint64_t blocks = 0, inputs = 0, snapshots = 0, alerts = 0, outbox = 0;
};

/// Writes that become visible together. Empty again once written, and may be filled anew.
class store_batch {
public:
  virtual ~store_batch() = default;
  virtual void put_registry(std::uint32_t shard, const registry_row& r) = 0;
  virtual void put_snapshot(std::uint32_t shard, std::uint32_t row,
                            const snapshot& s) = 0; ///< keeps the newest two and the anchors
  virtual void erase_snapshot(std::uint32_t shard, std::uint32_t row, domain::input_id at) = 0;
  virtual void put_alert(const alert_row& a) = 0;
  virtual void put_outbox(const outbox_row& o) = 0;
  virtual void erase_outbox(const std::string& destination, std::uint32_t shard, std::uint32_t row,
                            const domain::effect_id& id) = 0;
  /// All effects of the twin up to `id` have been taken into A and the outbox: replayed ones at or
  /// before it are dropped.
  virtual void mark_taken(std::uint32_t shard, std::uint32_t row, const domain::effect_id& id) = 0;
  virtual void put_model(const std::string& hash, const std::string& name,
                         const std::string& json) = 0;
  /// The block and its index row. The batch is refused when written if the header is unreadable or
  /// `where` is cold.
  virtual void put_block(std::uint32_t shard, std::uint32_t row, domain::input_id first,
                         const std::string& bytes, tier where = tier::hot) = 0;
  /// The index row of a block that lies in a cold file. Erase the block it stands for first.
  virtual void put_cold_block(std::uint32_t shard, std::uint32_t row, const block_info& info) = 0;
  /// The block, where it is in table B, and its index row.
  virtual void erase_block(std::uint32_t shard, std::uint32_t row, domain::input_id first) = 0;
  virtual void put_meta(const std::string& key, const std::string& value) = 0;
  virtual void erase_meta(const std::string& key) = 0;
};

struct model_row {
  std::string hash, name, json;
};

/// The row number under which shard-wide inputs (decision 7) keep their own blocks.
inline constexpr std::uint32_t shard_wide_row = 0xffffffff;

class store {
public:
  virtual ~store() = default;
  [[nodiscard]] virtual std::unique_ptr<store_batch> batch() = 0;
  /// Writes the batch; `synced` also makes it survive a power cut. Errors: no_space, io, corrupt.
  virtual status write(store_batch& b, bool synced) = 0;

  // The each_ functions pass over damaged rows: everything readable is visited, then the answer is
  // `corrupt`, naming the first of them.
  virtual status each_registry(std::uint32_t shard,
                               const std::function<void(const registry_row&)>& visit) const = 0;
  virtual status
  each_snapshot_head(std::uint32_t shard,
                     const std::function<void(const snapshot_head&)>& visit) const = 0;
  [[nodiscard]] virtual result<std::optional<snapshot>>
  newest_snapshot(std::uint32_t shard, std::uint32_t row) const = 0;
  /// All kept snapshots (anchors and the newest two), oldest first.
  virtual status each_snapshot(std::uint32_t shard, std::uint32_t row,
                               const std::function<bool(const snapshot&)>& visit) const = 0;
  virtual status each_alert(const std::function<bool(const alert_row&)>& visit) const = 0;
  /// The alerts of one twin, oldest incident first.
  virtual status each_alert_of(std::uint32_t shard, std::uint32_t row,
                               const std::function<bool(const alert_row&)>& visit) const = 0;
  [[nodiscard]] virtual result<std::optional<alert_row>>
  find_alert(std::uint32_t shard, std::uint32_t row, const std::string& incident) const = 0;
  virtual status each_outbox(const std::function<void(const outbox_row&)>& visit) const = 0;
  [[nodiscard]] virtual result<std::optional<domain::effect_id>>
  taken_upto(std::uint32_t shard, std::uint32_t row) const = 0;
  [[nodiscard]] virtual result<std::vector<model_row>> models() const = 0;
  /// Visits block bytes of a twin with last input > `after`, in order, of whichever tier
  /// (decode_any_block reads them); all as of one moment. Errors: io, corrupt, not_found and what
  /// the cold source says: then the cold blocks that cannot be read were passed over.
  virtual status each_block(std::uint32_t shard, std::uint32_t row, domain::input_id after,
                            const std::function<bool(std::string_view)>& visit) const = 0;
  /// What the index says of a twin's blocks, newest first or oldest first, until `visit` gives
  /// false.
  virtual status each_block_info(std::uint32_t shard, std::uint32_t row, bool newest_first,
                                 const std::function<bool(const block_info&)>& visit) const = 0;
  /// The bytes of one block, of whichever tier. Errors: not_found, io, corrupt.
  [[nodiscard]] virtual result<std::string> block(std::uint32_t shard, std::uint32_t row,
                                                  domain::input_id first) const = 0;
  /// What the index says of one block; nothing when there is no such row.
  [[nodiscard]] virtual result<std::optional<block_info>>
  block_index(std::uint32_t shard, std::uint32_t row, domain::input_id first) const = 0;
  /// The index rows of all twins of a shard, by row, each twin's oldest first.
  virtual status each_block_index(
      std::uint32_t shard,
      const std::function<void(std::uint32_t row, const block_info&)>& visit) const = 0;
  /// Where cold blocks are read from; without one they are `unavailable`. Set before readers begin.
  virtual void set_cold_source(std::shared_ptr<const cold_source> source) = 0;
  [[nodiscard]] virtual result<std::optional<std::string>> meta(const std::string& key) const = 0;

  /// Rows put with put_meta whose names begin with `prefix`, by name.
  virtual status each_meta(
      const std::string& prefix,
      const std::function<void(const std::string& key, const std::string& value)>& visit) const = 0;

  /// Removes all rows of a twin but its registry row: blocks, index, snapshots, alerts, outbox,
  /// taken mark. Not one batch: after a crash call it again. The bytes stay in the database's files
  /// until compact().
  [[nodiscard]] virtual result<erased_rows> erase_twin(std::uint32_t shard, std::uint32_t row) = 0;
  /// What erase_twin would remove now.
  [[nodiscard]] virtual result<erased_rows> count_twin(std::uint32_t shard,
                                                       std::uint32_t row) const = 0;
  /// Writes all files anew, without what was erased or replaced. Cost: the whole database is read
  /// and written.
  virtual status compact() = 0;
  /// Every row as it is stored, for searching it.
  virtual status each_raw_row(
      const std::function<void(std::string_view key, std::string_view value)>& visit) const = 0;

  /// Quarantine: ring of at most `quarantine_max` rows (default 100,000), the oldest give way and
  /// are counted.
  virtual status put_quarantine(const std::vector<messages::quarantined>& records) = 0;
  [[nodiscard]] virtual result<std::vector<quarantine_row>>
  quarantine_page(std::uint64_t after_id, std::size_t limit) const = 0;
  virtual status erase_quarantine(std::uint64_t id) = 0;
  [[nodiscard]] virtual std::uint64_t quarantine_size() const = 0;

  virtual status heal() = 0; ///< as log::heal
  [[nodiscard]] virtual std::string
  property(const std::string& name) const = 0; ///< LevelDB statistics, for doctor and metrics
};

struct leveldb_store_options {
  std::string folder; ///< <data>/store
  std::size_t write_buffer_bytes = 8u << 20;
  std::size_t cache_bytes = 8u << 20;
  std::uint64_t quarantine_max = 100'000;
};

/// Errors as open_leveldb_log.
[[nodiscard]] result<std::unique_ptr<store>>
open_leveldb_store(const leveldb_store_options& options);

} // namespace pollux::persistence
