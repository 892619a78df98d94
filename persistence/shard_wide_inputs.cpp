// SPDX-License-Identifier: Apache-2.0
#include "persistence/shard_wide_inputs.hpp"
#include "persistence/history.hpp"

namespace pollux::persistence {

status shard_wide_inputs::load(const store& blocks, const tail_view& tail, std::uint32_t shard,
                               domain::input_id after) {
  auto last = after;
  const auto take = [&](const domain::input& in) {
    if (in.id <= last) return;
    last = in.id;
    inputs_.push_back(in);
  };
  status damage;
  auto s = blocks.each_block(shard, shard_wide_row, after, [&](std::string_view block) {
    blocks_.emplace_back(block);
    damage = decode_block(blocks_.back(), take);
    return damage.ok();
  });
  if (!s) return s;
  if (!damage) return damage.error().within("shard-wide inputs");
  tail.each_shard_wide(take);
  return {};
}

const domain::input* shard_wide_inputs::next_before(domain::input_id id) {
  return given_ < inputs_.size() && inputs_[given_].id < id ? &inputs_[given_++] : nullptr;
}

const domain::input* shard_wide_inputs::next() {
  return given_ < inputs_.size() ? &inputs_[given_++] : nullptr;
}

} // namespace pollux::persistence
