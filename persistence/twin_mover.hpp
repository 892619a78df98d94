// SPDX-License-Identifier: Apache-2.0
// What becomes of one twin's blocks as they age: which are written anew, joined or divided, so that
// every input lies in the tier of its age, and the blocks that shall stand in their place. Nothing
// is changed here; tiering.hpp puts it in force.
#pragma once
#include "domain/model/retention.hpp"
#include "persistence/block_builder.hpp"
#include "persistence/cold_frame.hpp"
#include "persistence/columns_digest.hpp"
#include <string>
#include <vector>

namespace pollux::persistence {

/// The tier of a reading of this event time.
[[nodiscard]] tier tier_of(const domain::retention_rule& rule, std::int64_t event_time_ns,
                           std::int64_t now_ns) noexcept;

struct made_block {
  block_info info;          ///< of a cold one without file and offset
  std::string bytes;        ///< block or frame
  std::uint64_t digest = 0; ///< of the inputs it shall hold: digest_of()
};

/// Blocks to be replaced by others with the same inputs, but for those that expire.
struct tier_switch {
  std::uint32_t shard = 0, row = 0;
  std::string key;
  std::vector<block_info> sources;
  std::vector<made_block> made; ///< in journal order
  std::uint64_t inputs = 0, readings = 0, expired_inputs = 0;
  domain::input_id expired_upto; ///< inputs up to this one go
  bool more = false;             ///< the twin has more to move
};

/// Runs over the inputs that a block holds; equal for equal inputs in equal order.
[[nodiscard]] result<std::uint64_t> digest_of(std::string_view block);

struct aging_twin {
  std::uint32_t shard = 0, row = 0;
  std::string key;
  domain::retention_rule rule;
  /// Inputs up to here may expire: what the newest snapshot has in it; zero under legal hold.
  domain::input_id may_expire_upto;
};

/// False when the index alone says that no input of this block has to go elsewhere.
[[nodiscard]] bool may_have_aged(const block_info& b, const domain::retention_rule& rule,
                                 std::int64_t now_ns) noexcept;

/// What is left of a warm block whose beginning went: it will go soon, so it is packed fast.
inline constexpr block_settings passing_blocks{warm_blocks.max_inputs, warm_blocks.max_values,
                                               warm_blocks.max_bytes, 3};

class twin_mover {
public:
  twin_mover(const store& from, std::int64_t now_ns) : from_(from), now_ns_(now_ns) {}
  /// `blocks`: what the index says, oldest first. No sources: there is nothing to do. Bounded: at
  /// most about four large blocks a call. Errors: corrupt (a damaged block), io, not_found (a block
  /// went meanwhile).
  [[nodiscard]] result<tier_switch> plan(const aging_twin& twin,
                                         const std::vector<block_info>& blocks);

private:
  /// Inputs `from` to `to` of one block, all of one age.
  struct unit {
    std::size_t source = 0;
    std::uint32_t from = 0, to = 0;
    int place = 0; ///< a tier, or gone
    bool whole = true, work = false;
    bool apart = false; ///< not joined with what is before it
    chain_value before{}, after{};
  };
  static constexpr int cold_place = static_cast<int>(tier::cold), gone = cold_place + 1;
  [[nodiscard]] static std::size_t room(int place) noexcept {
    return place == static_cast<int>(tier::hot) ? hot_blocks.max_inputs : warm_blocks.max_inputs;
  }
  /// Chained by the hash of its bytes, which nothing can continue.
  [[nodiscard]] static bool is_old_format(const block_info& b) noexcept {
    return is_chain_start(b.chain);
  }
  [[nodiscard]] status find_units();
  [[nodiscard]] status divide(std::size_t source, bool expiring);
  [[nodiscard]] status chain_cuts(const input_columns& block, std::size_t first_unit);
  void settle_expiry();
  void settle_without_readings();
  void mark_work();
  void join_neighbours();
  [[nodiscard]] bool join_left(std::size_t& begin, std::size_t& inputs);
  void cut_remainder(std::size_t first_unit, const std::vector<std::uint32_t>& midnights);
  [[nodiscard]] status make();
  [[nodiscard]] status add_unit(const unit& u);
  [[nodiscard]] status flush();
  [[nodiscard]] block_builder& table_builder() noexcept;
  [[nodiscard]] int place_of(std::int64_t event_time_ns, bool expiring) const noexcept;
  /// The inputs of a block; what is given holds until the next call.
  [[nodiscard]] result<const input_columns*> inputs_of(std::size_t source);

  const store& from_;
  std::int64_t now_ns_;
  const aging_twin* twin_ = nullptr;
  const std::vector<block_info>* blocks_ = nullptr;
  std::vector<unit> units_;
  tier_switch out_;

  // the block being made
  block_builder hot_{hot_blocks}, warm_{warm_blocks}, passing_{passing_blocks};
  cold_frame_builder cold_;
  int place_ = 0;
  bool stays_ = false;
  std::uint64_t inputs_ = 0, values_ = 0;
  columns_digest digest_;
  chain_value before_{}, after_{};
  bool old_format_ = false;
  std::size_t held_ = ~std::size_t{0}; ///< the source that is in held_inputs_
  std::string bytes_, buffer_;         ///< which point into these
  input_columns held_inputs_;
};

} // namespace pollux::persistence
