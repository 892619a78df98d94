// SPDX-License-Identifier: Apache-2.0
// History: blocks of one twin's inputs (columnar, lossless, checksummed, chained), the sealing
// pass that makes them from the oldest segments of the log, and reading them back in order.
#pragma once
#include "domain/twin/twin.hpp"
#include "persistence/log.hpp"
#include "persistence/store.hpp"
#include <functional>
#include <optional>

namespace pollux::persistence {

class tail_view; // persistence/tail_view.hpp

/// How large a block grows and how hard it is compressed. A block is full from any of these on, so
/// it holds at most one input more than the values and bytes say.
struct block_settings {
  std::size_t max_inputs = 0;
  std::size_t max_values = 0;
  std::size_t max_bytes = 0; ///< of texts, samples and inputs that are not readings
  int level = 0;             ///< of zstd; 0 = none
};
inline constexpr block_settings hot_blocks{512, 64u << 10, 1u << 20, 1};
inline constexpr block_settings warm_blocks{16'384, 256u << 10, 8u << 20, 6};

enum class block_codec : std::uint8_t { none = 0, zstd = 1 };

/// What a block's header says (docs/journal_format.md).
struct block_header {
  std::uint8_t version = 2;
  /// Version 1 chained blocks by hash64 of their bytes: given as chain_from_hash64() of it.
  chain_value chain_before{}, chain_after{};
  domain::input_id first, last;
  std::uint32_t inputs = 0, readings = 0, values = 0;
  std::int64_t least_event_time_ns = 0, greatest_event_time_ns = 0;
  /// Version 1 does not say: least i64 to greatest i64.
  std::int64_t least_ingest_time_ns = 0, greatest_ingest_time_ns = 0;
  block_codec codec = block_codec::none;
  std::uint32_t raw_bytes = 0; ///< of the body before the codec
};

/// Encodes inputs of one twin, at least one, ids rising; persistence/block_builder.hpp does it
/// input by input.
[[nodiscard]] std::string encode_block(const std::vector<const domain::input*>& inputs,
                                       const chain_value& before,
                                       const block_settings& settings = hot_blocks);
/// Errors: corrupt, version_mismatch. Cost: a hash of the block for version 1, else nothing.
[[nodiscard]] result<block_header> read_block_header(std::string_view block);
/// Visits the inputs in order, bit for bit as they were. What they point to is gone with the
/// visit. Errors: corrupt (CRC, lengths), version_mismatch.
[[nodiscard]] status decode_block(std::string_view block,
                                  const std::function<void(const domain::input&)>& visit);
/// The same for the bytes that store::block() and each_block() give, whatever their tier: the first
/// byte tells blocks from frames of cold files.
[[nodiscard]] status decode_any_block(std::string_view bytes,
                                      const std::function<void(const domain::input&)>& visit);
/// What the index says of a block of table B.
[[nodiscard]] result<block_info> describe_block(std::string_view block, tier kept);

/// Row of a twin in its shard's directory; no_row when unknown (then sealing fails: a defect).
using row_lookup = std::function<std::uint32_t(std::uint32_t shard, std::string_view twin)>;

struct seal_report {
  std::uint64_t segments = 0, inputs = 0, readings = 0, blocks = 0, bytes = 0;
  domain::position last_sealed;  ///< of the last segment taken
  domain::position sealed_below; ///< trim may go up to here
  std::string damage; ///< segments that could not be read; trim sets them aside. Empty = none
};

/// Turns the oldest segments of a shard, up to `below` or `max_readings`, into blocks, one batch,
/// synced, idempotent. Does not trim: the caller does, once every twin has a snapshot at or after
/// its last sealed input. A twin's newest hot blocks are rewritten together with its new inputs
/// while they are smaller than these; warm and cold ones are left alone. Memory: the segments of
/// the pass, about 300 B each plus their bytes. `before_write`: called when all blocks are made,
/// for tests. Errors: internal (a twin without a row), io, no_space.
[[nodiscard]] result<seal_report> seal(log& from, store& into, std::uint32_t shard,
                                       domain::position below, std::uint64_t max_readings,
                                       const row_lookup& rows,
                                       const std::function<void()>& before_write = {});

/// Visits the inputs of a twin after `after`, merged in order with the shard-wide ones, from the
/// blocks and then from the log's tail. `row` and `id` (as in the journal) name the same twin.
/// Stops when visit gives false. May run beside sealing and trimming. Damaged segments of the tail
/// are passed over as in recovery. Errors: corrupt (a block), io. Cost: a scan of the shard's tail.
[[nodiscard]] status each_input(const log& tail, const store& blocks, std::uint32_t shard,
                                std::uint32_t row, std::string_view id, domain::input_id after,
                                const std::function<bool(const domain::input&)>& visit);

/// Where values were found.
struct series_origin {
  bool tail = false, hot = false, warm = false, cold = false;
  std::uint64_t blocks = 0; ///< read
  void add(tier kept) noexcept;
  /// "cold", "warm", "hot", "tail", those that were read, oldest first.
  [[nodiscard]] std::vector<std::string> names() const;
};

/// One stored value, for `history`.
struct history_value {
  std::int64_t event_time_ns = 0, ingest_time_ns = 0;
  std::string name;
  domain::owned_value value;
};
/// Values of a twin (of one telemetry, or all when empty) with from <= event time <= to, oldest
/// first, at most `limit`. Uses the time index; late readings are in their event-time place. The
/// same value of the same telemetry at the same time counts once, as in the twin. Samples come
/// without their bytes. `origin` (may be nullptr) is told where they were found.
[[nodiscard]] result<std::vector<history_value>>
values_between(const log& tail, const store& blocks, std::uint32_t shard, std::uint32_t row,
               std::string_view id, std::string_view telemetry, std::int64_t from_ns,
               std::int64_t to_ns, std::size_t limit, series_origin* origin = nullptr);

struct verify_finding {
  std::string twin, what; ///< "snapshot 17-3-0: state hash differs", "block chain broken at ..."
};
struct verify_report {
  std::uint64_t twins = 0, inputs = 0, readings = 0, values = 0, blocks = 0, segments = 0,
                snapshots_compared = 0, alerts_compared = 0;
  /// States and alerts of before a release that revised an operator or the state's format, which
  /// today's code need not come to: seen, not judged.
  std::uint64_t revised_states = 0, revised_alerts = 0;
  std::int64_t vouches_from_ns = 0;     ///< ingest time of the oldest input replayed
  std::vector<verify_finding> findings; ///< empty = clean; at most 1000 kept
  std::uint64_t findings_total = 0;

  void add(const std::string& twin, std::string what);
  /// The tail of the shard last verified, so that it is not read again for each of its twins.
  std::shared_ptr<tail_view> tail;
};
struct verify_target {
  std::uint32_t shard = 0, row = 0;
  std::string id; ///< as in the journal; what follows a '#' numbers the incarnation
};
/// Replays one twin from its oldest retained base and compares the state hash at every kept
/// snapshot, the alerts with table A, block CRCs, hash chains and gaps. `live_state` (may be
/// empty): the running twin's save() bytes, fetched before the call, which must equal the replayed
/// state at the same input. Adds to `into`; with the first twin of a shard it also checks the
/// shard's log. Beside a running sealing pass a block may vanish while it is read: then verify the
/// twin again. Errors: io, unavailable. Damage is a finding, not an error.
[[nodiscard]] status verify_twin(const log& tail, const store& tables,
                                 const domain::model_source& models, const verify_target& twin,
                                 std::string_view live_state, verify_report& into);

} // namespace pollux::persistence
