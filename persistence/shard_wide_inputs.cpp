// SPDX-License-Identifier: Apache-2.0
#include "persistence/shard_wide_inputs.hpp"
#include "messages/segment.hpp"
#include "persistence/history.hpp"

namespace pollux::persistence {

status shard_wide_inputs::load(const store& blocks, const tail_view& tail, std::uint32_t shard,
                               domain::input_id after) {
  auto last = after;
  const auto take = [&](const domain::input& in) {
    if (in.id <= last) return;
    last = in.id;
    keep(in);
  };
  status damage;
  auto s = blocks.each_block(shard, shard_wide_row, after, [&](std::string_view block) {
    damage = decode_any_block(block, take);
    return damage.ok();
  });
  if (!s) return s;
  if (!damage) return damage.error().within("shard-wide inputs");
  tail.each_shard_wide(take);
  return {};
}

/// Its own bytes: those of the block or of the tail may be gone before it is asked for.
void shard_wide_inputs::keep(const domain::input& in) {
  auto& bytes = bytes_.emplace_back();
  messages::encode_input(in, bytes);
  auto& kept = inputs_.emplace_back();
  static_cast<void>(messages::decode_input(bytes, kept)); // encoded just now
  kept.id = in.id;
}

const domain::input* shard_wide_inputs::next_before(domain::input_id id) {
  return given_ < inputs_.size() && inputs_[given_].id < id ? &inputs_[given_++] : nullptr;
}

const domain::input* shard_wide_inputs::next() {
  return given_ < inputs_.size() ? &inputs_[given_++] : nullptr;
}

} // namespace pollux::persistence
