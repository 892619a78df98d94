// SPDX-License-Identifier: Apache-2.0
#include "persistence/shard_history.hpp"
#include <algorithm>

namespace pollux::persistence {

result<std::shared_ptr<const shard_history>>
shard_history::read(const log& tail, const store& blocks, std::uint32_t shard) {
  auto made = std::make_shared<shard_history>();
  made->shard_ = shard;
  if (auto s = made->tail_.refresh(tail, shard); !s) return s.error();
  if (auto s = made->wide_.load(blocks, made->tail_, shard, {}); !s) return s.error();
  return std::shared_ptr<const shard_history>(std::move(made));
}

status shard_history::each_input(const store& blocks, std::uint32_t row, std::string_view id,
                                 domain::input_id after,
                                 const std::function<bool(const domain::input&)>& visit) const {
  const auto& all = wide_.all();
  auto wide =
      std::upper_bound(all.begin(), all.end(), after,
                       [](domain::input_id at, const domain::input& in) { return at < in.id; });
  bool go_on = true;
  auto last = after;
  const auto feed = [&](const domain::input& in) {
    if (!go_on || in.id <= last) return;
    last = in.id;
    for (; go_on && wide != all.end() && wide->id < in.id; ++wide) go_on = visit(*wide);
    if (go_on) go_on = visit(in);
  };
  status damage;
  auto s = blocks.each_block(shard_, row, after, [&](std::string_view block) {
    damage = decode_any_block(block, feed);
    return damage.ok() && go_on;
  });
  if (!s) return s;
  if (!damage) return damage.error().within("history of " + std::string(id));
  tail_.each(id, feed);
  for (; go_on && wide != all.end(); ++wide) go_on = visit(*wide);
  return {};
}

} // namespace pollux::persistence
